"""Whether a job whose attempt went wrong is tried again, and when.

Three kinds of end are counted apart:

- *failures* of the script, and of fetching its files: tried again as often as `retries.after_failure` says,
  with a pause that doubles. Which reasons those are, `FAILURES` tells. Everything else would end the same way
  the next time, or wants a person: a zip or a path that is refused, missing or in conflict, requirements or a
  runtime that are not to be had, an error of Torchyard's own.
- *losses* of the worker while the script ran: tried again as often as `retries.after_loss` says, by default
  never, as a script that ran may have done things that must not happen twice.
- *false starts*: losses of the worker before the script ran. Nothing is lost by trying again, so that is done
  without being asked, but not for ever.

A job that somebody wants cancelled is never tried again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from torchyard.contracts.jobs import Reason, Retries
from torchyard.contracts.sayings import Sentence, say

#: Reasons that count as a failure of the script, or that may have gone the next time.
FAILURES = frozenset(
    {
        Reason.SCRIPT_ERROR,
        Reason.SIGNALED,
        Reason.OUT_OF_MEMORY,
        Reason.GPU_OUT_OF_MEMORY,
        Reason.TIMEOUT,
        Reason.DISK_QUOTA,
        # Only said after many tries against a storage or package index that was away or busy.
        Reason.DEPENDENCY_UNAVAILABLE,
    }
)
#: With this many false starts a job is given up: one that takes workers down does so this often at most.
MAX_FALSE_STARTS = 5
#: However often it failed, a job waits no longer than this before its next attempt.
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """How a job's attempts went wrong so far, the latest one included."""

    failures: int = 0
    losses: int = 0
    false_starts: int = 0


@dataclass(frozen=True, kw_only=True)
class Retry:
    """That another attempt follows.

    Attributes:
        pause: How long it waits at least.
        left: Further attempts that the job may ask for behind it.
        why: Half a sentence, to follow "as".
    """

    pause: timedelta
    left: int
    why: Sentence


def count(ends: Iterable[tuple[Reason | None, bool]]) -> Ends:
    """The ends by kind.

    Args:
        ends: Of each attempt that ended: why it failed, and whether its script ran.
    """
    counted = {"failures": 0, "losses": 0, "false_starts": 0}
    for reason, ran in ends:
        if reason in FAILURES:
            counted["failures"] += 1
        elif reason is Reason.WORKER_LOST:
            counted["losses" if ran else "false_starts"] += 1
    return Ends(**counted)


def decide(reason: Reason | None, ran: bool, ends: Ends, asked: Retries, *, pause: timedelta) -> Retry | None:
    """Whether an attempt that ended is followed by another one.

    Args:
        reason: Why it failed; None if it did not.
        ran: Whether its script ran.
        ends: What became of all the job's attempts, this one included.
        asked: What the job asks for.
        pause: How long to wait after the first failure; doubled with each further one.
    """
    left = max(0, asked.after_failure - ends.failures) + max(0, asked.after_loss - ends.losses)
    if reason in FAILURES:
        wait = min(pause * 2 ** (ends.failures - 1), _LONGEST_PAUSE)
        again, why = ends.failures <= asked.after_failure, say("again_after_failure", reason=reason)
    elif reason is Reason.WORKER_LOST and ran:
        again, wait, why = ends.losses <= asked.after_loss, timedelta(), say("again_after_loss")
    elif reason is Reason.WORKER_LOST:
        again, wait = ends.false_starts < MAX_FALSE_STARTS, timedelta()
        why = say("again_after_early_loss")
    else:
        return None
    return Retry(pause=wait, left=left, why=why) if again else None


def survives_loss(ends: Ends, asked: Retries) -> bool:
    """Whether a job is tried again if its worker is lost while its script runs, so that it needs a fence."""
    return ends.losses < asked.after_loss
