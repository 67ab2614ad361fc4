"""Every code that a problem may have is listed, and every sentence is given what stands in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from torchyard.contracts.problem_codes import meanings
from torchyard.contracts.sentences import SENTENCES

ROOT = Path(__file__).parents[2]
PLATFORM, WORKER = ROOT / "platform" / "torchyard", ROOT / "worker" / "torchyard_worker"
#: What speaks to operators and in terminals has codes of its own.
ELSEWHERE = {"cli", "client", "embedded"}
NOT_THE_API = {"listening.py", "main.py", "settings.py", "testing.py"}
#: Calls whose argument at this place is a code.
PLACES = {"PydanticCustomError": 0, "Fault": 1, "rejected": 0, "_refused": 1, "_wrong": 0, "_wrong_value": 2}
#: Said to programs that are no browsers, or for another code's problems.
UNLISTED = {"number_not_finite", "surrogate_not_allowed", "time_out_of_range"}


def sources() -> Iterator[ast.Module]:
    for path in sorted(PLATFORM.rglob("*.py")):
        if not ELSEWHERE & set(path.parts) and path.name not in NOT_THE_API:
            yield ast.parse(path.read_text())


def calls(source: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(source) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def codes_in_use() -> set[str]:
    found = set()
    for call in (call for source in sources() for call in calls(source)):
        name, at = name_of(call), PLACES.get(name_of(call))
        told = [one.value for one in call.keywords if one.arg == "code"]
        told += [call.args[at]] if at is not None and at < len(call.args) else []
        found |= {f"archive_{text}" if name == "rejected" else text for one in told if (text := text_of(one))}
    return found


def test_every_code_in_use_is_listed_with_its_meaning() -> None:
    assert codes_in_use() - meanings().keys() - UNLISTED == set()


def test_a_sentence_is_given_what_stands_in_it() -> None:
    texts = [path.read_text() for path in sorted(WORKER.rglob("*.py"))]
    tellers = [*sources(), *(ast.parse(text) for text in texts if "contracts.sayings" in text)]
    for call in (call for source in tellers for call in calls(source)):
        code = text_of(call.args[0]) if name_of(call) == "say" and call.args else None
        if code is None or any(one.arg is None for one in call.keywords):
            continue
        known = SENTENCES[code]
        names = set(re.findall(r"{(\w+)}", "".join(known)))
        given = {one.arg for one in call.keywords}
        assert names - {"count"} <= given, f"line {call.lineno}: {code} lacks {names - given}"
        assert given <= names | {"count", "peak"}, f"line {call.lineno}: {code} has no {given - names}"
