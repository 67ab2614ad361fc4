"""How long to try again, and how fast."""

import time
from collections.abc import Callable
from dataclasses import dataclass

#: Seconds before the third try (the second comes at once), and at most; each pause is twice the one before.
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 10.0


@dataclass
class Patience:
    """Growing pauses, until `limit` seconds have passed since the last success."""

    limit: float
    sleep: Callable[[float], None] = time.sleep
    _since: float | None = None
    _pause: float = 0.0

    def succeeded(self) -> None:
        """Begin anew."""
        self._since, self._pause = None, 0.0

    def pause(self) -> bool:
        """Wait for the next try; at once False if the time is up."""
        now = time.monotonic()
        self._since = self._since if self._since is not None else now
        if now + self._pause - self._since > self.limit:
            return False
        self.sleep(self._pause)
        self._pause = min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
        return True
