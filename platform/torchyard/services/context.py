"""What the use cases work with, put together once at the composition root."""

from dataclasses import dataclass, field
from datetime import timedelta

from torchyard.contracts.jobs import StagingProgress
from torchyard.contracts.logs import LogName
from torchyard.ports import Buckets, Clock, Dispatcher, Fanout, LogStore, ObjectStore, Uploads, Webhooks
from torchyard.services.log_scans import LogScans
from torchyard.services.printed_logs import PrintedLogs
from torchyard.services.queue import Queue
from torchyard.services.sealing import Sealer
from torchyard.storage.database import Database

#: Woken when an attempt may have become placeable.
QUEUE_TOPIC = "queue"
#: Woken when a schedule was set, or changed.
SCHEDULES_TOPIC = "schedules"
#: Woken when there is a message for a webhook.
DELIVERIES_TOPIC = "deliveries"
#: Woken when a run may have something to do.
RUNS_TOPIC = "runs"


def job_topic(job_id: str) -> str:
    """Woken at every event of the job."""
    return f"job:{job_id}"


def run_topic(run_id: str) -> str:
    """Woken at every event of the run."""
    return f"run:{run_id}"


def log_topic(attempt_id: str, name: LogName) -> str:
    """Woken when the log has grown."""
    return f"log:{attempt_id}:{name}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The settings that use cases need."""

    default_runtime: str
    max_script_bytes: int
    session_lifetime: timedelta
    unreachable_after: timedelta
    lost_after: timedelta
    resend_after: timedelta
    retry_pause: timedelta = timedelta(seconds=10)
    artifact_max_age: timedelta | None = None
    artifact_max_total_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """The database, the ports and the limits."""

    db: Database
    objects: ObjectStore
    uploads: Uploads
    logs: LogStore
    buckets: Buckets
    webhooks: Webhooks
    dispatcher: Dispatcher
    fanout: Fanout
    clock: Clock
    limits: Limits
    sealer: Sealer
    #: What a worker needs to consume its messages.
    broker_url: str
    #: What the scheduler knows; why attempts wait.
    queue: Queue = field(default_factory=Queue)
    #: How far attempts are that fetch their files. In memory alone: it is news for a few seconds, and after a
    #: restart the worker's next report brings it again.
    progress: dict[str, StagingProgress] = field(default_factory=dict)
    #: What is remembered of logs that were looked through.
    log_scans: LogScans = field(default_factory=LogScans)
    #: What was read of scripts' output.
    printed_logs: PrintedLogs = field(default_factory=PrintedLogs)
