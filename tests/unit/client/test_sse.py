import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.client.sse import EventParser, ServerEvent

STREAM = (
    ": ping\n\nid: 3\ndata: a\u2028b\x85c\n\nevent: end\r\nid: 7\r\ndata: one\r\ndata:two\r\n\r\n"
    "data\r\rid: 9\n\nretry: 5\nunknown: x\ndata: last\n\nid: 12\ndata: never finished"
).encode()
EVENTS = [
    ServerEvent("ping", "", None),
    ServerEvent("message", "a\u2028b\x85c", "3"),
    ServerEvent("end", "one\ntwo", "7"),
    ServerEvent("message", "", "7"),
    ServerEvent("message", "last", "9"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    parser, bounds = EventParser(), [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:stop] for start, stop in itertools.pairwise(bounds)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == EVENTS


def test_an_event_cut_off_does_not_move_the_place_to_resume_from() -> None:
    parser = EventParser()
    assert parser.feed(b"id: 1\ndata: x\n\n")[-1].id == "1"
    assert parser.feed(b"id: 2\ndata: y") == []


@pytest.mark.parametrize("line", ["id: 5\0\n", "id\n", ""])
def test_an_id_with_nul_is_ignored_and_an_empty_one_resets(line: str) -> None:
    parser = EventParser()
    parser.feed(b"id: 1\n\n")
    (event,) = parser.feed(f"{line}data: x\n\n".encode())
    assert event.id == ("" if line == "id\n" else "1")
