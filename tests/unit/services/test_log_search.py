import threading
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from tests.factories import submit

from torchyard.contracts.logs import LogLine, LogName, LogSearch, Piece, Stream
from torchyard.domain.log_scanning import BLOCK, LinePattern
from torchyard.services import log_search, logs
from torchyard.services.context import Context
from torchyard.services.log_scans import LogScans
from torchyard.services.log_search import Part
from torchyard.services.logs import LogRef
from torchyard.testing import MemoryLogs

ATTEMPT = "11111111-1111-1111-1111-111111111111"
REF = LogRef("22222222-2222-2222-2222-222222222222", ATTEMPT, 1, LogName.STDOUT)


@dataclass
class OnlyLogs:
    """The part of the context that searching a script's log needs."""

    logs: MemoryLogs = field(default_factory=MemoryLogs)
    log_scans: LogScans = field(default_factory=LogScans)


def holding(data: bytes) -> Context:
    ctx = OnlyLogs()
    ctx.logs.append(ATTEMPT, LogName.STDOUT, 0, data, [])
    return ctx  # type: ignore[return-value]  # what is not needed is not there


def grow(ctx: Context, data: bytes) -> None:
    ctx.logs.append(ATTEMPT, LogName.STDOUT, ctx.logs.size(ATTEMPT, LogName.STDOUT), data, [])


def search(ctx: Context, pattern: str, part: Part | None = None) -> LogSearch:
    wanted = LinePattern(pattern, regex=True, case=True)
    return log_search.search(ctx, REF, wanted, part or Part(0, None, 1000))


def offsets(found: LogSearch) -> list[int]:
    return [match.offset for match in found.matches]


def test_matches_are_told_with_their_places_and_number() -> None:
    ctx = holding(b"one\ntwo one\n\xff one")

    found = search(ctx, "one", Part(4, None, 1))

    assert found.model_dump() == {
        "matches": [{"offset": 8, "length": 3, "line": 2, "line_offset": 4}],
        "first": 2,
        "total": 3,
        "complete": True,
        "searched": 17,
        "size": 17,
    }


@given(
    st.lists(st.sampled_from([b"a", b"b\n", b"x" * 50, b"\n", b"a\n" * 9])).map(b"".join),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(1, 5),
    st.booleans(),
)
def test_any_part_of_the_matches_can_be_had(
    data: bytes, after: int, before: int, limit: int, last: bool
) -> None:
    everything = [at for at in range(len(data)) if data[at : at + 1] == b"a"]
    wanted = [at for at in everything if after <= at < before]

    found = search(holding(data), "a", Part(after, before, limit, last))

    assert offsets(found) == (wanted[-limit:] if last else wanted[:limit])
    assert found.total == len(everything)
    assert found.first == (everything.index(found.matches[0].offset) + 1 if found.matches else 0)


def test_what_is_added_is_found_too_and_nothing_twice() -> None:
    ctx = holding(b"")
    assert search(ctx, "needle").total == 0
    for number in range(1, 40):
        grow(ctx, b"hay " * 4000 + b"nee")
        assert search(ctx, "needle").total == number - 1
        grow(ctx, b"dle\n")
        assert search(ctx, "needle").total == number
    assert len(set(offsets(search(ctx, "needle")))) == 39


def test_a_search_goes_on_where_the_time_was_up() -> None:
    lines = BLOCK // 4
    ctx = holding(b"a------\n" * lines)
    wanted = LinePattern("a", regex=True, case=True)
    view, known = logs.view(ctx, REF)
    for _ in range(20):
        with ctx.log_scans.looking(known, wanted, view, patience=0.001) as seen:
            assert seen.end.matches == -(-seen.end.offset // 8)
    while not (found := search(ctx, "a")).complete:
        pass

    assert found.total == lines
    assert offsets(search(ctx, "a", Part(BLOCK, None, 2))) == [BLOCK, BLOCK + 8]


def test_a_log_that_was_sent_anew_is_looked_through_anew() -> None:
    lines = BLOCK // 16
    ctx = holding((b"a" + b"-" * 62 + b"\n") * lines)
    assert search(ctx, "a").total == lines

    ctx.logs.truncate(ATTEMPT, LogName.STDOUT)
    grow(ctx, (b"b" + b"-" * 62 + b"\n") * lines)

    assert search(ctx, "a").total == 0
    assert search(ctx, "b").total == lines


def test_a_log_may_grow_while_many_search_it() -> None:
    ctx = holding(b"")
    totals: list[list[int]] = [[] for _ in range(4)]
    done = threading.Event()

    def look(totals: list[int]) -> None:
        while not done.is_set():
            totals.append(search(ctx, "match").total)

    threads = [threading.Thread(target=look, args=(one,)) for one in totals]
    for thread in threads:
        thread.start()
    for _ in range(200):
        grow(ctx, b"a match, and then some\n" * 40)
    done.set()
    for thread in threads:
        thread.join()

    assert all(one == sorted(one) for one in totals)
    assert search(ctx, "match").total == 8000


def line(ctx: Context, **wanted: int) -> LogLine:
    return log_search.line(ctx, REF, **wanted)


@given(st.lists(st.sampled_from([b"a", b"\n", b"x" * 30])).map(b"".join), st.integers(1, 40))
def test_lines_are_found_by_number_and_by_byte(data: bytes, number: int) -> None:
    ctx = holding(data)
    lines = data.split(b"\n")
    lines = lines[:-1] if len(lines) > 1 and not lines[-1] else lines
    number = min(number, len(lines))
    start = sum(len(one) + 1 for one in lines[: number - 1])
    end = start + len(lines[number - 1])

    found = line(ctx, number=number)

    assert (found.line, found.offset) == (number, start)
    assert found.end == (end if end < len(data) else None)
    for offset in {start, end} & set(range(len(data))):
        assert line(ctx, offset=offset) == found


def test_a_huge_line_is_found_from_its_middle() -> None:
    ctx = holding(b"first\n" + b"x" * (10 * BLOCK) + b"\nlast\n")

    found = line(ctx, offset=5 * BLOCK)

    assert (found.line, found.offset, found.end, found.lines) == (2, 6, 6 + 10 * BLOCK, 3)
    assert line(ctx, number=3).offset == 7 + 10 * BLOCK
    assert line(ctx, number=99) == line(ctx, number=3)


def test_tracebacks_are_found_with_what_went_wrong() -> None:
    ctx = holding(b'hello\nTraceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n')

    found = log_search.find_tracebacks(ctx, REF, 10)

    assert [(one.offset, one.line, one.summary) for one in found.tracebacks] == [(6, 2, "KeyError: 3")]
    assert (found.total, found.complete) == (1, True)


def test_the_system_log_is_searched_too(ctx: Context) -> None:
    job = submit(ctx)
    with ctx.db.read() as session:
        ref = logs.locate(session, job.id, LogName.SYSTEM)

    found = log_search.search(ctx, ref, LinePattern("QUEUED", regex=False, case=False), Part(0, None, 9))

    assert [match.line for match in found.matches] == [1]
    assert log_search.line(ctx, ref, number=1).offset == 0
    assert log_search.find_tracebacks(ctx, ref, 9).total == 0


def test_the_pieces_of_a_range_are_told() -> None:
    ctx = OnlyLogs()
    ctx.logs.append(
        ATTEMPT, LogName.STDOUT, 0, b"outerr", [Piece(0, Stream.STDOUT, 5), Piece(3, Stream.STDERR, 6)]
    )

    found = log_search.pieces(ctx, REF, 4, 100)  # type: ignore[arg-type]

    assert [(one.offset, one.stream, one.time_ms) for one in found.pieces] == [(3, Stream.STDERR, 6)]
    assert found.until == 6
