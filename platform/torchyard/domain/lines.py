"""The queue in its order: priority, then fair share between owners, then age.

Each owner has one line for each priority. Who holds the fewest places goes first, and as that changes with
everything that is placed, the order of the lines is never stored: a `Walk` merges them.

What an owner's quota refuses is barred: it stands in its line, and nobody looks at it. Those with the same
need are barred together, so that the end of a job moves few things, however many wait.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from torchyard.domain.placement import WaitingAttempt
from torchyard.domain.quotas import Quotas
from torchyard.domain.rooms import Need

#: When an attempt was queued, and its id: its place in a line.
Place = tuple[datetime, str]
#: Priority with the highest first, and owner.
LineKey = tuple[int, str]
#: A place, and what whoever stands there needs.
_Head = tuple[datetime, str, Need]
#: What an attempt's turn goes by: its line's priority, its owner's share, its place; and its owner.
_Ordered = tuple[int, int, datetime, str, str]


class Step(NamedTuple):
    """An attempt whose turn it is."""

    attempt_id: str
    need: Need
    #: Whether it has waited for so long that room is to be kept for it.
    starves: bool


class Groups:
    """Places by what those who stand there need, oldest first."""

    def __init__(self) -> None:
        self.by_need: dict[Need, list[Place]] = {}
        #: The first of each need, oldest first.
        self.heads: list[_Head] = []

    def add(self, place: Place, need: Need) -> None:
        """Add a place."""
        queue = self.by_need.setdefault(need, [])
        if queue and place < queue[0]:
            self._unhead(queue[0], need)
        insort(queue, place)
        if queue[0] == place:
            insort(self.heads, (*place, need))

    def remove(self, place: Place, need: Need) -> None:
        """Remove a place."""
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

    def move(self, need: Need, to: "Groups") -> None:
        """Give all with this need away."""
        queue = to.by_need[need] = self.by_need.pop(need)
        self._unhead(queue[0], need)
        insort(to.heads, (*queue[0], need))

    def _unhead(self, place: Place, need: Need) -> None:
        del self.heads[bisect_left(self.heads, (*place, need))]


class Line:
    """One owner's waiting attempts of one priority, oldest first, also by what they need."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.open = Groups()
        #: Those that the owner's quota refuses.
        self.barred = Groups()

    def add(self, place: Place, need: Need, *, barred: bool) -> None:
        """Let an attempt wait here, barred like all with its need."""
        insort(self.places, place)
        (self.barred if barred else self.open).add(place, need)

    def remove(self, place: Place, need: Need) -> None:
        """Let it wait no longer."""
        del self.places[bisect_left(self.places, place)]
        (self.barred if need in self.barred.by_need else self.open).remove(place, need)


class Lines:
    """All lines."""

    def __init__(self) -> None:
        self.all: dict[LineKey, Line] = {}
        #: Which lines have somebody with this need who is not barred.
        self.needing: dict[Need, set[LineKey]] = {}
        #: Lines where somebody is barred.
        self.barring: set[LineKey] = set()
        self._owned: dict[str, set[LineKey]] = {}

    def add(self, attempt: WaitingAttempt, *, barred: bool) -> None:
        """Let an attempt wait; barred, if its owner's quota refuses what it needs."""
        key, need = _key(attempt), Need.of(attempt)
        self.all.setdefault(key, Line()).add((attempt.queued_at, attempt.attempt_id), need, barred=barred)
        self._owned.setdefault(attempt.owner, set()).add(key)
        if barred:
            self.barring.add(key)
        else:
            self.needing.setdefault(need, set()).add(key)

    def remove(self, attempt: WaitingAttempt) -> None:
        """Let it wait no longer."""
        key, need = _key(attempt), Need.of(attempt)
        line = self.all[key]
        barred = need in line.barred.by_need
        line.remove((attempt.queued_at, attempt.attempt_id), need)
        if not barred and need not in line.open.by_need:
            self._need_no_more(need, key)
        if not line.barred.heads:
            self.barring.discard(key)
        if not line.places:
            del self.all[key]
            self._owned[attempt.owner].discard(key)
            if not self._owned[attempt.owner]:
                del self._owned[attempt.owner]

    def needs_of(self, owner: str) -> Iterator[Need]:
        """What those of the owner need that are not barred."""
        for key in self._owned.get(owner, ()):
            yield from self.all[key].open.by_need

    def sort_out(self, owner: str, refuses: Callable[[Need], bool]) -> list[Need]:
        """Bar what is refused of the owner's, and nothing else; the needs that nobody had in the meantime."""
        fresh = []
        for key in self._owned.get(owner, ()):
            line = self.all[key]
            for need in [one for one in line.open.by_need if refuses(one)]:
                line.open.move(need, line.barred)
                self._need_no_more(need, key)
            for need in [one for one in line.barred.by_need if not refuses(one)]:
                line.barred.move(need, line.open)
                if need not in self.needing:
                    fresh.append(need)
                self.needing.setdefault(need, set()).add(key)
            (self.barring.add if line.barred.heads else self.barring.discard)(key)
        return fresh

    def _need_no_more(self, need: Need, key: LineKey) -> None:
        self.needing[need].discard(key)
        if not self.needing[need]:
            del self.needing[need]

    def first(self, need: Need, shares: Mapping[str, int]) -> str:
        """The id of the attempt that goes before all others with this need."""
        heads = (
            (key[0], shares.get(key[1], 0), *self.all[key].open.by_need[need][0])
            for key in self.needing[need]
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

    What is left of a quota only shrinks as well, so those that it refuses are left out, but for the first of
    each line that starves for it: the quota can be kept for that one.

    Args:
        lines: All lines.
        shares: How many attempts of each owner hold something.
        quotas: What each owner may still take.
        starving_before: Who was queued before that starves.
        hopeful: The needs that may be met; all others count as refused.
        keeping: Whether room is kept at all.
    """

    def __init__(
        self,
        lines: Lines,
        shares: Mapping[str, int],
        quotas: Quotas,
        starving_before: datetime,
        hopeful: Iterable[Need],
        *,
        keeping: bool,
    ) -> None:
        self.hopeful = {need for need in hopeful if need in lines.needing}
        self.exhausted: set[Need] = set()
        self.starving_before = starving_before
        self.keeping = keeping
        self.quotas = quotas
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
            turn = self._turn((self._heap[0][0], self._heap[0][4]))
            key = self._ordered(turn)
            if key is None:
                heappop(self._heap)
            elif key != self._heap[0]:
                heapreplace(self._heap, key)
            else:
                queued_at, attempt_id, need = turn.advance()
                yield Step(attempt_id, need, queued_at <= self.starving_before)
        # Nothing more can start, but who is left the quota counts for what is told.
        for line_key in self._lines.barring:
            stuck = self._turn(line_key).stuck
            if stuck is not None:
                yield Step(stuck[1], stuck[2], starves=True)

    def _turn(self, key: LineKey) -> "_Turn":
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
        self._heap: list[_Head] = []
        self._limited = key[1] in walk.quotas
        #: Whoever starves for the quota.
        self.stuck = self._first_stuck() if line.barred.heads else None
        if not walk.keeping or line.places[0][0] > walk.starving_before:
            self.narrow()

    def narrow(self) -> None:
        """Look at those alone whose need may be met."""
        self._unseen = len(self._line.open.heads)
        self._heap = []
        for need in self._walk.hopeful & self._line.open.by_need.keys():
            self._push(need)

    def head(self) -> _Head | None:
        """Whoever is next; None if nobody is."""
        head = self._open_head()
        if self.stuck is not None and (head is None or self.stuck < head):
            return self.stuck
        return head

    def _first_stuck(self) -> _Head | None:
        quotas, owner = self._walk.quotas, self.key[1]
        for head in self._line.barred.heads:
            if head[0] > self._walk.starving_before:
                return None
            if quotas.ever_allows(owner, head[2]):
                return head
        return None

    def _open_head(self) -> _Head | None:
        while True:
            heads = self._line.open.heads
            if self._unseen < len(heads) and (not self._heap or heads[self._unseen] < self._heap[0]):
                heappush(self._heap, heads[self._unseen])
                self._unseen += 1
            if not self._heap or self._matters(self._heap[0]):
                return self._heap[0] if self._heap else None
            heappop(self._heap)

    def advance(self) -> _Head:
        """Pass the one that is next."""
        head = self.head()
        if head is not None and head == self.stuck:
            self.stuck = None
            return head
        top = heappop(self._heap)
        need = top[2]
        self._passed[need] = self._passed.get(need, 0) + 1
        self._push(need)
        return top

    def _push(self, need: Need) -> None:
        queue, passed = self._line.open.by_need[need], self._passed.get(need, 0)
        if passed < len(queue):
            heappush(self._heap, (*queue[passed], need))

    def _matters(self, head: _Head) -> bool:
        walk, (queued_at, _, need) = self._walk, head
        if self._limited and walk.quotas.refuses_now(self.key[1], need):
            return False
        if need in walk.hopeful:
            return True
        return walk.keeping and need not in walk.exhausted and queued_at <= walk.starving_before
