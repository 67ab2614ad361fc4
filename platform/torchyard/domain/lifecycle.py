"""Which state may follow which, for attempts and so for jobs."""

from enum import StrEnum

from torchyard.contracts.jobs import JobState


class AttemptState(StrEnum):
    """Where an attempt stands; finer than the job's state while it is queued."""

    #: In the queue, with no worker yet.
    WAITING = "waiting"
    #: Placed on a worker that has not claimed it yet.
    ASSIGNED = "assigned"
    STAGING = "staging"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Attempts that hold a worker's resources.
PLACED = frozenset({AttemptState.ASSIGNED, AttemptState.STAGING, AttemptState.RUNNING})
#: Attempts that a worker has in hand.
CLAIMED = frozenset({AttemptState.STAGING, AttemptState.RUNNING})
ENDED = frozenset({AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.CANCELLED})

_NEXT: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.WAITING: frozenset({AttemptState.ASSIGNED, AttemptState.CANCELLED, AttemptState.FAILED}),
    # Back to waiting: the worker went away before it claimed the attempt.
    AttemptState.ASSIGNED: frozenset(
        {AttemptState.STAGING, AttemptState.WAITING, AttemptState.CANCELLED, AttemptState.FAILED}
    ),
    AttemptState.STAGING: ENDED | {AttemptState.RUNNING},
    AttemptState.RUNNING: ENDED,
}


def may_become(to: AttemptState) -> frozenset[AttemptState]:
    """The states from which `to` can be reached: the condition of a compare-and-swap."""
    return frozenset(state for state, following in _NEXT.items() if to in following)


def job_state(state: AttemptState) -> JobState:
    """How a job stands whose latest attempt stands like this."""
    if state in {AttemptState.WAITING, AttemptState.ASSIGNED}:
        return JobState.QUEUED
    return JobState(state.value)
