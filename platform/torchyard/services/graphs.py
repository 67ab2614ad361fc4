"""Graphs as they are checked against what the platform has."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph
from torchyard.contracts.workflows import Checked, GraphCheck, Problem
from torchyard.domain import validation
from torchyard.domain.node_settings import files_of
from torchyard.services.context import Context
from torchyard.storage import blobs


def check(ctx: Context, session: Session, wish: GraphCheck) -> Checked:
    """What is wrong with a graph that need not be saved; with parameters, as that of a run."""
    given = wish.parameters if "parameters" in wish.model_fields_set else None
    missing = _missing(session, wish.graph)
    return Checked(
        problems=problems_of(ctx, session, wish.graph, parameters=given, missing=missing),
        blobs_missing=sorted(missing),
    )


def problems_of(
    ctx: Context,
    session: Session,
    graph: Graph,
    *,
    parameters: Mapping[str, Any] | None = None,
    missing: set[str] | None = None,
) -> list[Problem]:
    """All mistakes of a graph, files that were not uploaded included.

    Args:
        ctx: The context.
        session: The transaction.
        graph: The graph.
        parameters: What a run is given; None while there is to be none.
        missing: The files that were not uploaded, if that is known.
    """
    found = validation.problems(graph, parameters=parameters, now_macros=ctx.clock.now())
    absent = _missing(session, graph) if missing is None else missing
    skipped = {node.name for node in graph.nodes if node.skip}
    return found + [
        Problem(
            code="blob_not_uploaded",
            message="the file has not been uploaded",
            node=file.node,
            field=file.field,
        )
        for file in files_of(graph)
        if file.sha256 in absent and file.node not in skipped
    ]


def digests_of(graph: Graph) -> set[str]:
    """The SHA-256s of the files that the graph names."""
    return {file.sha256 for file in files_of(graph)}


def _missing(session: Session, graph: Graph) -> set[str]:
    named = digests_of(graph)
    return named - blobs.find_all(session, named).keys()
