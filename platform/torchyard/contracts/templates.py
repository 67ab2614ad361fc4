"""Workflows that come with the platform, to begin with; and what an import made."""

from typing import Literal

from pydantic import Field

from torchyard.contracts.graphs import Graph
from torchyard.contracts.models import Lenient, Strict
from torchyard.contracts.notifications import NotificationCreated
from torchyard.contracts.workflows import Layout, Problem, Title, Workflow

Language = Literal["en", "zh"]


class Words(Lenient):
    """A template's words in one language."""

    name: str = Field(description="What it is called.")
    description: str = Field(description="What it shows.")


class Template(Lenient):
    """A workflow to begin with."""

    name: str = Field(description="Its name in addresses.")
    words: dict[Language, Words] = Field(description="Its words by language.")
    outline: Graph = Field(description="For a small picture: nodes without settings, and edges.")
    layout: Layout = Field(description="Where things stand.")


class TemplateDetail(Template):
    """A template with its file, and the graph that is in it."""

    graph: Graph = Field(
        description="To be put into a workflow: its scripts are on the platform, as if you had uploaded them."
    )
    yaml: str = Field(description="The workflow's file, with its scripts written out.")


class TemplateUse(Strict):
    """A workflow to make of a template."""

    name: Title | None = Field(None, description="The workflow's name; the template's if left out.")
    language: Language = Field("en", description="Which of its words the workflow gets.")


class ImportedWorkflow(Workflow):
    """A workflow that was made of a file."""

    notifications: list[NotificationCreated] = Field(
        [], description="Its webhooks, with the keys of their signatures, which are told this once."
    )
    warnings: list[Problem] = Field(
        [], description="What was taken over, and is of no use as it is: a schedule that is over."
    )
