import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from torchyard.domain.log_scanning import BLOCK, LINES, START, LinePattern, Mark, Match, View, step
from torchyard.errors import FieldInvalid

CATASTROPHES = [
    r"(a+)+$",
    r"(a|a)*b",
    r"(.*a.*b){100}z",
    r"[ab]*a[ab]{500}c",
    r"a.*b|a",
    r"(x+x+)+y",
    r"\b(a*)*c",
]


def pattern(
    text: str, *, block: int | None = None, overlap: int | None = None, **options: bool
) -> LinePattern:
    made = LinePattern(text, **({"regex": True, "case": True} | options))
    made.block = block or made.block
    made.overlap = overlap or made.overlap
    return made


def view_of(data: bytes, stable: int | None = None) -> View:
    return View(
        lambda offset, length: data[offset : offset + length],
        len(data),
        len(data) if stable is None else stable,
    )


def scan(data: bytes, wanted: LinePattern) -> tuple[list[Match], Mark]:
    view, mark, found = view_of(data), START, []
    while seen := step(view, mark, wanted, final=True):
        assert seen.behind.offset > mark.offset
        mark = seen.behind
        found += seen.found
    assert mark.offset == len(data)
    assert mark.matches == len(found)
    return found, mark


def naive(data: bytes, regex: str) -> list[Match]:
    found, start = [], 0
    for number, line in enumerate(data.split(b"\n"), 1):
        found += [
            Match(start + one.start(), len(one[0]), number, start)
            for one in re.finditer(regex.encode(), line)
            if one[0]
        ]
        start += len(line) + 1
    return found


#: Whatever Python's `re` and RE2 understand alike, and that never matches the empty text.
PATTERNS = st.sampled_from(
    [
        "a",
        "ab+",
        "^a",
        "b$",
        "^ab$",
        "a.b",
        "[^a]b",
        r"\bab\b",
        "a|bb",
        "(?:ab)+",
        "a{2,3}",
        r"[ab]+\s",
        r"\w+",
    ]
)
TEXTS = st.lists(st.sampled_from([b"a", b"b", b"\n", b" ", b"ab", b"\r", b"\xff", b"a" * 9])).map(b"".join)


def alike(data: bytes, regex: str) -> bool:
    """Whether both mean the same: for RE2, a byte that is no UTF-8 is no character."""
    return b"\xff" not in data or not ("." in regex or "[^" in regex)


@given(TEXTS, PATTERNS, st.integers(16, 64))
def test_what_is_found_block_by_block_is_what_is_found_line_by_line(
    data: bytes, regex: str, block: int
) -> None:
    assume(alike(data, regex))
    longest = max(map(len, data.split(b"\n")))

    # A line that is longer than a block is the next test's.
    found, end = scan(data, pattern(regex, block=max(block, longest + 1)))

    assert found == naive(data, regex)
    assert (end.lines, end.line_start) == (data.count(b"\n"), data.rfind(b"\n") + 1)


@given(TEXTS, st.sampled_from(["a", "^a", "b$", "ab", r"\bab\b", "a|bb", "a.b"]), st.integers(9, 40))
def test_a_match_in_a_long_line_is_found_wherever_the_blocks_meet(
    data: bytes, regex: str, block: int
) -> None:
    assume(alike(data, regex))

    found, end = scan(data, pattern(regex, block=block, overlap=4))

    assert found == naive(data, regex)
    assert end.lines == data.count(b"\n")


@given(st.binary(max_size=200), st.text(min_size=1, max_size=3))
def test_a_plain_text_is_found_in_any_bytes(data: bytes, text: str) -> None:
    wanted = text.encode()
    whole = data + wanted + data

    found, _ = scan(whole, pattern(text, regex=False))

    expected, at = [], whole.find(wanted)
    while at >= 0:
        expected += [at]
        at = whole.find(wanted, at + len(wanted))
    # Text and data are bytes of any kind, except that a match never holds a line end.
    assert [one.offset for one in found] == ([] if b"\n" in wanted else expected)


@pytest.mark.parametrize("regex", CATASTROPHES)
def test_no_pattern_takes_longer_than_it_may(regex: str) -> None:
    data = b"a" * (4 * BLOCK)
    deadline = time.process_time() + 0.2
    view, mark, wanted = view_of(data), START, pattern(regex)
    # Each step is short by itself, or ends when the time is up: backtracking would take ages for the first.
    while seen := step(view, mark, wanted, final=True, expired=lambda: time.process_time() > deadline):
        mark = seen.behind
        if time.process_time() > deadline:
            break

    assert mark.offset > 0


def test_a_step_that_ran_out_of_time_is_gone_on_with() -> None:
    data = b"ab\n" * 100
    view, mark, found = view_of(data), START, []
    while seen := step(view, mark, pattern("[ab]"), final=True, expired=lambda: True):
        mark = seen.behind
        found += seen.found

    assert found == naive(data, "[ab]")


def test_only_whole_blocks_of_stable_bytes_are_final() -> None:
    data = b"0123456789\n" * 10
    wanted = pattern("5", block=32)

    assert step(view_of(data, stable=31), START, wanted, final=False) is None
    seen = step(view_of(data, stable=32), START, wanted, final=False)
    assert seen
    assert seen.behind == Mark(22, 2, 22, 2)


def test_lines_are_counted_without_a_pattern() -> None:
    data = b"x" * BLOCK + b"\n\n" + b"y" * 2 * BLOCK

    found, end = scan(data, LINES)

    assert found == []
    assert (end.lines, end.line_start) == (2, BLOCK + 2)


@pytest.mark.parametrize("anchor", [r"\A", r"\z", "^", "$", "x*", r"\b"])
def test_what_is_empty_is_no_match(anchor: str) -> None:
    assert scan(b"x y\n\nz", pattern(anchor))[0] == ([Match(0, 1, 1, 0)] if anchor == "x*" else [])


@pytest.mark.parametrize(
    ("regex", "code"),
    [
        ("(a", "pattern_invalid"),
        ("a)(b", "pattern_invalid"),
        (r"(a)\1", "pattern_invalid"),
        ("(?=a)", "pattern_invalid"),
        ("((a{100}){100}){100}", "pattern_invalid"),
        ("\ud800", "pattern_invalid"),
        ("(?:(?:a?b?c?d?){30}){33}", "pattern_too_complex"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(regex: str, code: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        pattern(regex)
    assert (refused.value.code, refused.value.field) == (code, "pattern")
