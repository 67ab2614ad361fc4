"""The tables of workflows: versions, runs and their nodes, sweeps, schedules, notifications."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from torchyard.storage.tables import Base, Digest, Uuid, Word


class WorkflowRow(Base):
    """A workflow; what it does is in its versions."""

    __tablename__ = "workflows"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    name: Mapped[str]
    description: Mapped[str]
    #: Lower-case name and description: what the list's text filter looks in.
    searchable: Mapped[str]
    #: The latest version's number.
    version: Mapped[int]
    #: How many nodes that version has, and, if they are few, its graph without settings: what the list shows.
    nodes: Mapped[int]
    outline: Mapped[dict[str, Any] | None]
    layout: Mapped[dict[str, Any]]
    #: What the latest run was given.
    last_parameters: Mapped[dict[str, Any]]
    #: How many runs it ever had: the number of the latest.
    runs: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "updated_at", "id"),)


class VersionRow(Base):
    """What somebody saved; never changed."""

    __tablename__ = "workflow_versions"

    workflow_id: Mapped[str] = mapped_column(
        Uuid, ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    graph: Mapped[dict[str, Any]]
    nodes: Mapped[int]
    author_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    message: Mapped[str]
    restored_from: Mapped[int | None]
    created_at: Mapped[datetime]


class VersionBlobRow(Base):
    """A file that a version names: it stays for as long as the version does."""

    __tablename__ = "workflow_version_blobs"

    workflow_id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), primary_key=True, index=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["workflow_id", "number"],
            ["workflow_versions.workflow_id", "workflow_versions.number"],
            ondelete="CASCADE",
        ),
    )


class RunRow(Base):
    """One execution of a graph, with a frozen copy of it."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    workflow_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("workflows.id"))
    version: Mapped[int | None]
    number: Mapped[int | None]
    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    name: Mapped[str]
    graph: Mapped[dict[str, Any]]
    mode: Mapped[dict[str, Any]]
    #: All values, defaults included.
    parameters: Mapped[dict[str, Any]]
    trigger: Mapped[str] = mapped_column(Word)
    #: What only one run may be made for: a tick of the schedule.
    slot: Mapped[str | None]
    force: Mapped[bool]
    data_time: Mapped[datetime]
    #: The due time before it, of a schedule: what some time macros go by.
    previous_time: Mapped[datetime | None]
    source_run: Mapped[str | None] = mapped_column(Uuid)
    again_of: Mapped[str | None] = mapped_column(Uuid)
    sweep_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("sweeps.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(Word)
    sentence: Mapped[str | None]
    #: What the sentence says, for other languages: a Saying.
    saying: Mapped[dict[str, Any] | None]
    events: Mapped[int]
    #: Something happened to it that the engine has not looked at yet.
    attention: Mapped[bool] = mapped_column(index=True)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "workflow_id", "created_at", "id"),
        Index(None, "sweep_id", "created_at", "id"),
        Index(None, "state"),
        Index("uq_runs_workflow_id_slot", "workflow_id", "slot", unique=True),
    )


class RunBlobRow(Base):
    """A file that a run's frozen graph names: it stays for as long as the run does."""

    __tablename__ = "run_blobs"

    run_id: Mapped[str] = mapped_column(Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), primary_key=True, index=True)


class RunNodeRow(Base):
    """A node's part of a run."""

    __tablename__ = "run_nodes"

    run_id: Mapped[str] = mapped_column(Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    #: Its place in the graph's list of nodes.
    position: Mapped[int]
    #: The run's, repeated here for the search for earlier successes.
    workflow_id: Mapped[str | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Word)
    state: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(Word)
    sentence: Mapped[str | None]
    #: What the sentence says, for other languages: a Saying.
    saying: Mapped[dict[str, Any] | None]
    #: What its next job gets, after substitution.
    settings: Mapped[dict[str, Any]]
    #: Its latest job; of a reused node, the job that stands in for it.
    job_id: Mapped[str | None] = mapped_column(Uuid, index=True)
    attempts: Mapped[int]
    #: The run whose result was reused.
    reused_from: Mapped[str | None] = mapped_column(Uuid)
    #: Runs that inputs come from which this run does not make, by upstream node.
    inputs_from: Mapped[dict[str, Any]]
    #: SHA-256 over all that decides its result, and its parts; from its start on.
    content_key: Mapped[str | None] = mapped_column(Digest)
    components: Mapped[dict[str, Any]]
    #: Why it ran or was reused, as it was decided at its start.
    explanation: Mapped[str | None]
    #: What the explanation says, for other languages: a Saying.
    explanation_saying: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "workflow_id", "name", "finished_at"),)


class RunJobRow(Base):
    """One try of a node inside a run, with the settings it ran with."""

    __tablename__ = "run_jobs"

    run_id: Mapped[str] = mapped_column(Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    #: Without a foreign key: a job may be deleted, that it was there is still told.
    job_id: Mapped[str] = mapped_column(Uuid, index=True)
    settings: Mapped[dict[str, Any]]
    #: As in the node's row, which the next try writes over.
    content_key: Mapped[str | None] = mapped_column(Digest, index=True)
    components: Mapped[dict[str, Any]]


class RunEventRow(Base):
    """A change of state of a run or of one of its nodes; never changed."""

    __tablename__ = "run_events"

    run_id: Mapped[str] = mapped_column(Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    node: Mapped[str | None]
    state: Mapped[str] = mapped_column(Word)
    job_id: Mapped[str | None] = mapped_column(Uuid)
    message: Mapped[str]


class SweepRow(Base):
    """Runs of one workflow over combinations of parameters."""

    __tablename__ = "sweeps"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    workflow_id: Mapped[str] = mapped_column(Uuid, ForeignKey("workflows.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    name: Mapped[str]
    #: The values of each parameter, as they were asked for.
    parameters: Mapped[dict[str, Any]]
    runs: Mapped[int]
    created_at: Mapped[datetime]


class ScheduleRow(Base):
    """When a workflow runs by itself."""

    __tablename__ = "schedules"

    workflow_id: Mapped[str] = mapped_column(
        Uuid, ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    cron: Mapped[str]
    time_zone: Mapped[str]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    overlap: Mapped[str] = mapped_column(Word)
    paused: Mapped[bool]
    parameters: Mapped[dict[str, Any]]
    #: The next time; none if it is paused or over.
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    #: The latest time that led to a run or was left out, and what became of it.
    last_at: Mapped[datetime | None]
    last_result: Mapped[str | None]
    created_at: Mapped[datetime]


class NotificationRow(Base):
    """Who is told when a workflow's run ends."""

    __tablename__ = "notifications"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    workflow_id: Mapped[str] = mapped_column(Uuid, ForeignKey("workflows.id", ondelete="CASCADE"), index=True)
    url: Mapped[str]
    on: Mapped[str] = mapped_column(Word)
    #: The key of its signatures, encrypted.
    sealed: Mapped[str]
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """A message to a webhook, and what became of it."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    notification_id: Mapped[str] = mapped_column(
        Uuid, ForeignKey("notifications.id", ondelete="CASCADE"), index=True
    )
    #: None of a test.
    run_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("runs.id", ondelete="CASCADE"))
    body: Mapped[str]
    state: Mapped[str] = mapped_column(Word)
    tries: Mapped[int]
    #: When it is tried next; none once it is through or given up.
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    #: The HTTP status of the last answer.
    status: Mapped[int | None]
    problem: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
