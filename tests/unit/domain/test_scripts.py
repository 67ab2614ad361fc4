import codecs
import threading
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchyard.domain.scripts import MAX_COMPILED_BYTES, check, check_syntax, check_text
from torchyard.errors import ScriptInvalid


def refusal(source: bytes) -> ScriptInvalid:
    with pytest.raises(ScriptInvalid) as caught:
        check(source, "train.py")
    assert caught.value.field == "script"
    assert caught.value.message.startswith("train.py ")
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "source",
    [
        b"print(1)",
        b"# only a comment\n",
        codecs.BOM_UTF8 + b"x = 1\n",
        "名 = '中文'\r\nprint(名)\r\n".encode(),
        b"# -*- coding: utf-8 -*-\nx = 1",
        b"\x0cx = 1\r",
        b"if __name__ == '__main__':\n    raise SystemExit(3)\n",
    ],
)
def test_a_script_that_compiles_is_accepted(source: bytes) -> None:
    check(source, "train.py")


@pytest.mark.parametrize("source", [b"", b" \t\r\n\x0c", codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n"])
def test_an_empty_script_is_refused(source: bytes) -> None:
    assert refusal(source).code == "script_empty"


@pytest.mark.parametrize(
    ("source", "offset", "words"),
    [
        (b"x = '\xe9'\n", 5, "byte 5 is 0xe9"),
        (b"print('ok')\n# \xd6\xd0\n", 14, "byte 14 is 0xd6"),
        ("x = 1".encode("utf-16"), 0, "UTF-16"),
        (b"x = 1  # \xe4\xb8", 9, "byte 9 is 0xe4"),
        (b"\xed\xa0\x80", 0, "byte 0 is 0xed"),
    ],
)
def test_a_script_that_is_not_utf8_is_refused_with_the_place(source: bytes, offset: int, words: str) -> None:
    problem = refusal(source)
    assert problem.code == "script_not_utf8"
    assert problem.extra == {"offset": offset}
    assert words in problem.message


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        (b"x = 1\nprint('a'\n", 2, 6),
        (b"def f(:\n", 1, 7),
        (b"x = 1\nreturn\n", 2, 1),
        ("名 = '中' ?\n".encode(), 1, 9),
        (b"print 'hello'\n", 1, 1),
        (b"x = 'a\n", 1, 5),
        (b"a = 1\nb\0c\n", 2, 2),
        (b"\0x", 1, 1),
        (b"x = 1\n\0", 2, 1),
        (b"# coding: nonsense\nx = 1", 1, 1),
        (codecs.BOM_UTF8 + b"# coding: latin-1\nx = 1", 1, 1),
    ],
)
def test_a_script_that_does_not_compile_is_refused_with_line_and_column(
    source: bytes, line: int, column: int
) -> None:
    problem = refusal(source)
    assert problem.code == "script_syntax_error"
    assert problem.extra == {"line": line, "column": column}
    assert f"at line {line}, column {column}: " in problem.message
    assert "ignore_warnings=true" in (problem.hint or "")


@pytest.mark.parametrize(("source", "line"), [(b"x = 1\n  y = 2\n", 2), (b"if 1:\n\ta\n        b\n", 3)])
def test_wrong_indentation_is_refused_with_its_line(source: bytes, line: int) -> None:
    assert refusal(source).extra["line"] == line


def test_text_and_syntax_are_checked_apart() -> None:
    check_text(b"def f(:\n", "train.py")
    with pytest.raises(ScriptInvalid):
        check_syntax(b"def f(:\n", "train.py")


def test_a_script_may_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(b"x = '\\d'\nif x is 1: pass\nassert (x, 'always')\n", "train.py")


def test_warning_filters_stay_as_they_were() -> None:
    before = list(warnings.filters)
    threads = [threading.Thread(target=check, args=(b"x = '\\d'\n" * 100, "train.py")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_nothing_of_the_script_is_executed(capsys: pytest.CaptureFixture[str]) -> None:
    check(b"print('executed')\nraise SystemExit(1)\n", "train.py")
    assert capsys.readouterr().out == ""


def test_a_very_large_script_is_not_compiled() -> None:
    check(b"a=1\n" * (10 * 1024 * 1024 // 4), "train.py")
    check(b"(" * (MAX_COMPILED_BYTES + 1), "train.py")


ALMOST = MAX_COMPILED_BYTES - 20
HOSTILE = [
    b"(" * 100_000,
    b"[" * 190 + b"]" * 190,
    b"{1:" * 190,
    b"-" * ALMOST + b"1",
    b"not " * (ALMOST // 4) + b"1",
    b"a" + b".b" * (ALMOST // 2),
    b"a" + b"()" * (ALMOST // 2),
    b"1" + b"+1" * (ALMOST // 2),
    b"1j*" * (ALMOST // 3) + b"1j",
    b"lambda:" * (ALMOST // 7) + b"1",
    b"1 if x else " * (ALMOST // 12) + b"1",
    b"if x:pass\n" + b"elif x:pass\n" * (ALMOST // 12),
    b"".join(b" " * depth + b"if 1:\n" for depth in range(300)),
    b"x = " + b"9" * ALMOST,
    b"x = 0x" + b"f" * ALMOST,
    b"x = 9**9**9**9",
    b"x = 'a' * 10**12",
    b"x = ((1,) * 1000,) * 10**9",
    b"f'{" * 10_000,
    b"f'" + b"{a}" * 40_000 + b"'",
    b"'''" + b"a\n" * 60_000,
    b"x = '\\N{nonsense}'",
    b"x = '\\ud800'",
    b"\\\n" * 60_000,
    b"f(" + b",".join(b"a%d=1" % number for number in range(10_000)) + b")",
    b"# coding: undefined\nx = 1",
    b"# coding: zlib_codec\nx = 1",
    b"# coding: utf-16\nx = 1",
    b"$?!`",
]


@pytest.mark.parametrize("source", [pytest.param(source, id=repr(source[:12])) for source in HOSTILE])
def test_a_hostile_script_is_judged_in_a_thread_without_crashing(source: bytes) -> None:
    verdicts: list[str] = []

    def judge() -> None:
        try:
            check(source, "train.py")
            verdicts.append("accepted")
        except ScriptInvalid as problem:
            verdicts.append(problem.code)

    thread = threading.Thread(target=judge)
    thread.start()
    thread.join()
    assert verdicts[0] in {"accepted", "script_syntax_error"}


def test_nesting_too_deep_to_compile_has_no_place() -> None:
    problem = refusal(b"-" * 100_000 + b"1")
    assert problem.code == "script_syntax_error"
    assert problem.extra == {}


FRAGMENTS = st.sampled_from(
    [
        "def f(",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        "\n",
        " ",
        "\t",
        "x",
        "=",
        "1",
        "lambda",
        "for",
        "in",
        "if",
        "f'",
        "'",
        '"""',
        "\\",
        "#",
        "coding: ",
        "utf-8",
        "\x00",
        "é",
        "yield",
        "await",
        "match x:\n case",
        "@",
        "*",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(FRAGMENTS, max_size=40).map(lambda parts: "".join(parts).encode()),
    )
)
@settings(database=None, deadline=None, max_examples=500)
def test_any_bytes_are_accepted_or_refused(source: bytes) -> None:
    try:
        check(source, "train.py")
        code = "script_accepted"
    except ScriptInvalid as problem:
        code = problem.code
    assert code.startswith("script_")
