"""The queue as this process knows it, kept in step with the database by what it is told to read again."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torchyard.contracts.jobs import Waiting
from torchyard.domain.yard import Yard


class Changed(NamedTuple):
    """What has to be read from the database again."""

    attempts: Collection[str]
    workers: Collection[str]
    #: Users whose quota it is.
    owners: Collection[str]
    #: Who knows: something happened that nobody here noted.
    anything: bool


class Queue:
    """What waits, what is held and who is connected; the rows are the truth, and this may lag behind them.

    Everybody in this process who changes a row notes it here once that is committed. Wake-ups that nobody
    here announced come from another process: then all is compared with the database.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted = threading.Lock()
        self._yard = Yard()
        self._attempts: set[str] = set()
        self._workers: set[str] = set()
        self._owners: set[str] = set()
        self._anything = True
        self._announced = 0

    @contextmanager
    def yard(self) -> Iterator[Yard]:
        """The yard, for one thread at a time."""
        with self._lock:
            yield self._yard

    def why(self, attempt_id: str) -> Waiting | None:
        """The attempt's place in the queue, and what it waits for; None if it is not known to wait."""
        with self._lock:
            return self._yard.why(attempt_id)

    def __len__(self) -> int:
        """How many attempts wait."""
        return len(self._yard)

    def note_attempt(self, attempt_id: str) -> None:
        """Have the attempt read again."""
        with self._noted:
            self._attempts.add(attempt_id)

    def note_worker(self, worker_id: str) -> None:
        """Have the worker read again."""
        with self._noted:
            self._workers.add(worker_id)

    def note_owner(self, user_id: str) -> None:
        """Have the user's quota read again."""
        with self._noted:
            self._owners.add(user_id)

    def doubt(self) -> None:
        """Have everything compared with the database."""
        with self._noted:
            self._anything = True

    def announce(self) -> None:
        """A wake-up will follow whose cause was noted."""
        with self._noted:
            self._announced += 1

    def heard(self) -> None:
        """A wake-up came; from elsewhere, if there is one more than was announced."""
        with self._noted:
            if self._announced:
                self._announced -= 1
            else:
                self._anything = True

    def take(self) -> Changed:
        """What was noted since this was asked last."""
        with self._noted:
            changed = Changed(self._attempts, self._workers, self._owners, self._anything)
            self._attempts, self._workers, self._owners = set(), set(), set()
            self._anything = False
            return changed
