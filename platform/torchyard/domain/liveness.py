"""Judging a worker by its heartbeat counter on one monotonic clock, never by comparing wall clocks."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What one observer has seen of a worker."""

    #: The worker's incarnation and the counter of its last heartbeat.
    beat: tuple[str, int]
    #: When the observer first saw this beat; seconds on its monotonic clock.
    since: float

    def seen(self, beat: tuple[str, int], now: float) -> "Watch":
        """The watch after a look: starts anew if there was a heartbeat since the last one."""
        return self if beat == self.beat else replace(self, beat=beat, since=now)

    def silence(self, now: float) -> float:
        """Seconds without a heartbeat."""
        return now - self.since
