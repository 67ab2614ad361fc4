"""Whether a script can be run at all: told when it is submitted, not when it has waited for a GPU."""

import codecs
import io
import threading
import tokenize
import warnings

from torchyard.contracts.sayings import say
from torchyard.errors import ScriptInvalid

#: A larger script is not compiled here. Python's compiler holds the interpreter lock, needs up to 700 bytes
#: of memory per byte of source and, for some sources, time in the square of their size: 1 s and 100 MB at
#: this size, a minute and gigabytes at ten times it. Scripts that people write are smaller.
MAX_COMPILED_BYTES = 128 * 1024

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

#: Warning filters belong to the whole process: two threads changing them would leave them changed.
_filters = threading.Lock()


def check(source: bytes, name: str) -> None:
    """Refuse a script that can't run.

    Args:
        source: The script.
        name: Its file name, for messages.

    Raises:
        ScriptInvalid: `script_empty`, `script_not_utf8` or `script_syntax_error`.
    """
    check_text(source, name)
    check_syntax(source, name)


def check_text(source: bytes, name: str) -> None:
    """Refuse a script without content, or that is no UTF-8.

    Raises:
        ScriptInvalid: `script_empty`; `script_not_utf8`, with the `offset` of the first wrong byte.
    """
    if not source.removeprefix(codecs.BOM_UTF8).strip():
        raise ScriptInvalid(
            say("script_named_empty", script=name),
            code="script_empty",
            field="script",
            hint=say("hint_script_with_code"),
        )
    try:
        source.decode()
    except UnicodeDecodeError as problem:
        kind = "UTF-16" if source.startswith(_UTF16_MARKS) else f"0x{source[problem.start]:02x}"
        raise ScriptInvalid(
            f"{name} is not UTF-8: byte {problem.start} is {kind}",
            code="script_not_utf8",
            field="script",
            hint="save the script as UTF-8 in your editor",
            offset=problem.start,
        ) from None


def check_syntax(source: bytes, name: str) -> None:
    """Refuse a script that does not compile with this Python; the runtime's may be another.

    Nothing of it is executed. A script of more than `MAX_COMPILED_BYTES` is not looked at.

    Args:
        source: The script; it passed `check_text`.
        name: Its file name, for messages.

    Raises:
        ScriptInvalid: `script_syntax_error`, with `line` and `column` from 1, unless it is
            nested too deeply to tell.
    """
    if len(source) > MAX_COMPILED_BYTES:
        return
    text = source.decode("utf-8-sig")
    nul = text.find("\0")
    if nul >= 0:
        line, column = text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul)
        raise _syntax_error(name, "a NUL character", line=line, column=column)
    try:
        # Text is compiled whatever its first lines say about its encoding, so those are looked at apart.
        tokenize.detect_encoding(io.BytesIO(source).readline)
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<script>", "exec", dont_inherit=True)
    except SyntaxError as problem:
        # No line is told, or 0, for a wrong encoding line: that is one of the first two.
        line, column = max(problem.lineno or 1, 1), max(problem.offset or 1, 1)
        raise _syntax_error(name, problem.msg, line=line, column=column) from None
    except (MemoryError, RecursionError, ValueError, OverflowError):
        raise _syntax_error(name, "it is nested too deeply for Python's compiler") from None


def _syntax_error(name: str, problem: str, **place: int) -> ScriptInvalid:
    where = say("at_line_and_column", **place) if place else ""
    return ScriptInvalid(
        say("script_does_not_compile", script=name, where=where, problem=problem),
        code="script_syntax_error",
        field="script",
        hint=say("hint_fix_script"),
        **place,
    )
