import re

import pytest

from torchyard.domain import tracebacks

SIMPLE = b"""Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
ValueError: no such file
more output
"""
CHAIN = b"""Traceback (most recent call last):
  File "a.py", line 1, in f
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    f()
RuntimeError: second
"""
RANKED = b"""[rank0]: Traceback (most recent call last):
[rank0]:   File "a.py", line 1, in f
[rank0]:     1 / 0
[rank0]: ZeroDivisionError: division by zero
"""


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (SIMPLE, "ValueError: no such file"),
        (RANKED, "ZeroDivisionError: division by zero"),
        (b"SyntaxError: invalid syntax\n", "SyntaxError: invalid syntax"),
        (
            b"Fatal Python error: Segmentation fault\n\nCurrent thread",
            "Fatal Python error: Segmentation fault",
        ),
        (b"Traceback (most recent call last):\n  File", "Traceback (most recent call last):"),
        (b"Traceback (most recent call last):\n  x\nE: \xff\n", "E: \ufffd"),
        (b"", ""),
    ],
)
def test_a_traceback_is_told_by_its_exception(data: bytes, told: str) -> None:
    assert tracebacks.summary(data) == told


def test_each_part_of_a_chain_is_told_by_its_own_exception() -> None:
    starts = [found.start() for found in re.finditer(rb"(?m)^Traceback", CHAIN)]

    assert [tracebacks.summary(CHAIN[start:]) for start in starts] == [
        "ZeroDivisionError: division by zero",
        "RuntimeError: second",
    ]
