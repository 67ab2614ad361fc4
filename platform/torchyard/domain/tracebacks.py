"""Where a Python program told in its output that something went wrong."""

import re

#: Beginnings of what Python prints when a program fails: of a traceback, of one that has a prefix as
#: torchrun's `[rank0]: `, of a group, of a mistake in the syntax (which has no traceback), and of a crash of
#: the interpreter.
BEGINNING = (
    r"^.{0,64}?Traceback \(most recent call last\):"
    r"|^(?:SyntaxError|IndentationError|TabError): "
    r"|^Fatal Python error: "
)
_NEXT = re.compile(
    r"(During handling of the above exception|The above exception was the direct cause)|Traceback \(most"
)
_PREFIX = re.compile(r".{0,64}?(?=(?:Exception Group )?Traceback \()")
#: Characters of a summary.
_LONGEST = 300


def summary(data: bytes) -> str:
    """The line that says what went wrong, from the bytes that begin with a line of `BEGINNING`.

    Of a chain of exceptions it is the last one, as Python tells them. If the bytes end before it, the first
    line is given.
    """
    lines = data.decode(errors="replace").splitlines()
    head = lines[0] if lines else ""
    found = _PREFIX.match(head)
    if found is None:
        return head.strip()[:_LONGEST]
    indent = found[0]
    told = head.removeprefix(indent)
    for line in lines[1:]:
        rest = line.removeprefix(indent)
        if rest[:1] in {" ", "\t", "|", "+"} or not rest.strip() or _NEXT.match(rest):
            continue
        told = rest
        break
    return told.strip()[:_LONGEST]
