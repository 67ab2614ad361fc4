"""The queue in its order: priority, then fair share between owners, then age.

Each owner has one line for each priority. Who holds the fewest places goes first, and as that changes with
everything that is placed, the order of the lines is never stored: a `Walk` merges them.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from torchyard.domain.placement import WaitingAttempt
from torchyard.domain.rooms import Need

#: When an attempt was queued, and its id: its place in a line.
Place = tuple[datetime, str]
#: Priority with the highest first, and owner.
LineKey = tuple[int, str]
#: What an attempt's turn goes by: its line's priority, its owner's share, its place; and its owner.
_Ordered = tuple[int, int, datetime, str, str]


class Step(NamedTuple):
    """An attempt whose turn it is."""

    attempt_id: str
    need: Need
    #: Whether it has waited for so long that room is to be kept for it.
    starves: bool


class Line:
    """One owner's waiting attempts of one priority, oldest first, also by what they need."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.by_need: dict[Need, list[Place]] = {}
        #: The first of each need, oldest first.
        self.heads: list[tuple[datetime, str, Need]] = []

    def add(self, place: Place, need: Need) -> None:
        """Let an attempt wait here."""
        insort(self.places, place)
        queue = self.by_need.setdefault(need, [])
        if queue and place < queue[0]:
            self._unhead(queue[0], need)
        insort(queue, place)
        if queue[0] == place:
            insort(self.heads, (*place, need))

    def remove(self, place: Place, need: Need) -> None:
        """Let it wait no longer."""
        del self.places[bisect_left(self.places, place)]
        queue = self.by_need[need]
        index = bisect_left(queue, place)
        del queue[index]
        if index:
            return
        self._unhead(place, need)
        if queue:
            insort(self.heads, (*queue[0], need))
        else:
            del self.by_need[need]

    def _unhead(self, place: Place, need: Need) -> None:
        del self.heads[bisect_left(self.heads, (*place, need))]


class Lines:
    """All lines."""

    def __init__(self) -> None:
        self.all: dict[LineKey, Line] = {}
        #: Which lines have somebody with this need.
        self.needing: dict[Need, set[LineKey]] = {}

    def add(self, attempt: WaitingAttempt) -> None:
        """Let an attempt wait."""
        key, need = _key(attempt), Need.of(attempt)
        self.all.setdefault(key, Line()).add((attempt.queued_at, attempt.attempt_id), need)
        self.needing.setdefault(need, set()).add(key)

    def remove(self, attempt: WaitingAttempt) -> None:
        """Let it wait no longer."""
        key, need = _key(attempt), Need.of(attempt)
        line = self.all[key]
        line.remove((attempt.queued_at, attempt.attempt_id), need)
        if need not in line.by_need:
            self.needing[need].discard(key)
            if not self.needing[need]:
                del self.needing[need]
        if not line.places:
            del self.all[key]

    def first(self, need: Need, shares: Mapping[str, int]) -> str:
        """The id of the attempt that goes before all others with this need."""
        heads = (
            (key[0], shares.get(key[1], 0), *self.all[key].by_need[need][0]) for key in self.needing[need]
        )
        return min(heads)[3]

    def ahead(self, attempt: WaitingAttempt, shares: Mapping[str, int]) -> int:
        """How many go before this one."""
        urgency, owner = _key(attempt)
        own, place = (urgency, shares.get(owner, 0)), (attempt.queued_at, attempt.attempt_id)
        count = 0
        for (other, someone), line in self.all.items():
            rank = (other, shares.get(someone, 0))
            if rank < own:
                count += len(line.places)
            elif rank == own:
                count += bisect_left(line.places, place)
        return count


def _key(attempt: WaitingAttempt) -> LineKey:
    return -attempt.priority, attempt.owner


class Walk:
    """One pass over the queue in its order, past all that can't bring anything about.

    Attempts with a need that was refused are left out, as room only shrinks during the pass. While room is
    kept, those that starve come along nevertheless, until `exhausted` says that none can be kept for their
    need. The lines must not change meanwhile; `shares` may, and the order follows.

    Args:
        lines: All lines.
        shares: How many attempts of each owner hold something.
        starving_before: Who was queued before that starves.
        hopeful: The needs that may be met; all others count as refused.
        keeping: Whether room is kept at all.
    """

    def __init__(
        self,
        lines: Lines,
        shares: Mapping[str, int],
        starving_before: datetime,
        hopeful: Iterable[Need],
        *,
        keeping: bool,
    ) -> None:
        self.hopeful = {need for need in hopeful if need in lines.needing}
        self.exhausted: set[Need] = set()
        self.starving_before = starving_before
        self.keeping = keeping
        self._lines, self._shares = lines, shares
        self._turns: dict[LineKey, _Turn] = {}
        # Nobody of a line comes before its oldest; who is next really is found when that one's turn comes.
        self._heap = [
            (urgency, shares.get(owner, 0), *line.places[0], owner)
            for (urgency, owner), line in lines.all.items()
        ]
        heapify(self._heap)

    def keep_no_more(self, hopeful: set[Need]) -> None:
        """From now on, only those matter whose need is one of these."""
        self.keeping = False
        self.hopeful = hopeful
        for turn in self._turns.values():
            turn.narrow()

    def __iter__(self) -> Iterator[Step]:
        """Those whose turn it is, one by one."""
        while self._heap and (self.hopeful or self.keeping):
            turn = self._turn(self._heap[0])
            key = self._ordered(turn)
            if key is None:
                heappop(self._heap)
            elif key != self._heap[0]:
                heapreplace(self._heap, key)
            else:
                queued_at, attempt_id, need = turn.advance()
                yield Step(attempt_id, need, queued_at <= self.starving_before)

    def _turn(self, top: _Ordered) -> "_Turn":
        key = (top[0], top[4])
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = _Turn(self, key, self._lines.all[key])
        return turn

    def _ordered(self, turn: "_Turn") -> _Ordered | None:
        head = turn.head()
        if head is None:
            return None
        urgency, owner = turn.key
        return urgency, self._shares.get(owner, 0), head[0], head[1], owner


class _Turn:
    """How far a pass has come in one line."""

    def __init__(self, walk: Walk, key: LineKey, line: Line) -> None:
        self.key = key
        self._walk, self._line = walk, line
        #: How many of each need were passed.
        self._passed: dict[Need, int] = {}
        self._unseen = 0
        self._heap: list[tuple[datetime, str, Need]] = []
        if not walk.keeping or line.places[0][0] > walk.starving_before:
            self.narrow()

    def narrow(self) -> None:
        """Look at those alone whose need may be met."""
        self._unseen = len(self._line.heads)
        self._heap = []
        for need in self._walk.hopeful & self._line.by_need.keys():
            self._push(need)

    def head(self) -> tuple[datetime, str, Need] | None:
        """Whoever is next; None if nobody is."""
        while True:
            heads = self._line.heads
            if self._unseen < len(heads) and (not self._heap or heads[self._unseen] < self._heap[0]):
                heappush(self._heap, heads[self._unseen])
                self._unseen += 1
            if not self._heap or self._matters(self._heap[0]):
                return self._heap[0] if self._heap else None
            heappop(self._heap)

    def advance(self) -> tuple[datetime, str, Need]:
        """Pass the one that is next."""
        top = heappop(self._heap)
        need = top[2]
        self._passed[need] = self._passed.get(need, 0) + 1
        self._push(need)
        return top

    def _push(self, need: Need) -> None:
        queue, passed = self._line.by_need[need], self._passed.get(need, 0)
        if passed < len(queue):
            heappush(self._heap, (*queue[passed], need))

    def _matters(self, head: tuple[datetime, str, Need]) -> bool:
        walk, (queued_at, _, need) = self._walk, head
        if need in walk.hopeful:
            return True
        return walk.keeping and need not in walk.exhausted and queued_at <= walk.starving_before
