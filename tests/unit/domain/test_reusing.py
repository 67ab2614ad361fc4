from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from torchyard.contracts.graphs import Reuse
from torchyard.contracts.inputs import NamedBlob, Source
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.runner import Runtime
from torchyard.contracts.storage_paths import parse
from torchyard.domain import reusing
from torchyard.domain.reusing import Case, Earlier, Facts

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DATA = parse("s3://data/cifar/")
RUNTIME = Runtime(name="torch", python="3.11.2", packages={"torch": "2.13.0", "numpy": "2.0"}, cuda="12.8")
JOB: dict[str, Any] = {
    "script": {"sha256": "a" * 64, "name": "train.py"},
    "dependencies": {"sha256": "b" * 64, "name": "code.zip"},
    "dependency_paths": "s3://data/cifar/",
    "arguments": "--lr 0.1",
    "environment": {"MODE": "fast", "KEY": "${secrets.KEY}"},
    "requirements": "pandas==2",
    "runtime": "torch",
    "name": "a name",
}
FACTS: dict[str, Any] = {
    "runtime": reusing.runtime_text("torch", [RUNTIME]),
    "secrets": {"KEY": NOW},
    "marks": {DATA: "2 objects, 1234"},
    "left": {"job-1": [("model.pt", "c" * 64)]},
}
SOURCES = {
    "make": Source(job="job-1"),
    "data": Source(paths=(DATA,), files=(NamedBlob("d" * 64, "labels.csv"),)),
}


def components(
    sources: dict[str, Source] | None = None, facts: dict[str, Any] | None = None, **job: Any
) -> dict[str, str]:
    return reusing.of_job(
        JobCreate.model_validate({**JOB, **job}), sources or SOURCES, Facts(**{**FACTS, **(facts or {})})
    )


def changes(**more: Any) -> list[str]:
    before, after = components(), components(**more)
    assert (reusing.key(before) == reusing.key(after)) is (before == after)
    return reusing.changed(before, after)


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"script": {"sha256": "e" * 64, "name": "train.py"}}, "script"),
        ({"script": {"sha256": "a" * 64, "name": "other.py"}}, "script_name"),
        ({"dependencies": {"sha256": "e" * 64, "name": "code.zip"}}, "dependencies"),
        ({"dependencies": None}, "dependencies"),
        ({"dependency_paths": ""}, "dependency_paths"),
        ({"arguments": "--lr 0.2"}, "arguments"),
        ({"arguments": "'--lr 0.1'"}, "arguments"),
        ({"environment": {"MODE": "slow", "KEY": "${secrets.KEY}"}}, "environment.MODE"),
        ({"environment": {"MODE": "fast", "KEY": "x${secrets.KEY}"}}, "environment.KEY"),
        ({"requirements": "pandas==3"}, "requirements"),
    ],
)
def test_whatever_a_script_can_tell_apart_changes_the_key(job: dict[str, Any], field: str) -> None:
    assert changes(**job) == [field]


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"runtime": reusing.runtime_text("other", [RUNTIME])}, ["runtime"]),
        (
            {"runtime": reusing.runtime_text("torch", [RUNTIME.model_copy(update={"python": "3.12.0"})])},
            ["runtime"],
        ),
        ({"secrets": {"KEY": NOW + timedelta(microseconds=1)}}, ["environment.KEY"]),
        ({"marks": {DATA: "2 objects, 5678"}}, ["dependency_paths", "inputs.data"]),
        ({"left": {"job-1": [("model.pt", "e" * 64)]}}, ["inputs.make"]),
        ({"left": {"job-1": [("other.pt", "c" * 64)]}}, ["inputs.make"]),
        ({"left": {}}, ["inputs.make"]),
    ],
)
def test_whatever_a_script_finds_changes_the_key(facts: dict[str, Any], fields: list[str]) -> None:
    assert changes(facts=facts) == fields


@pytest.mark.parametrize(
    ("file", "same"),
    [(NamedBlob("d" * 64, "labels.csv"), True), (NamedBlob("e" * 64, "labels.csv"), False)],
)
def test_an_uploaded_file_counts_by_its_content_and_name(file: NamedBlob, same: bool) -> None:
    sources = {**SOURCES, "data": Source(paths=(DATA,), files=(file,))}
    assert (changes(sources=sources) == []) is same
    renamed = {**SOURCES, "data": Source(paths=(DATA,), files=(NamedBlob("d" * 64, "other.csv"),))}
    assert changes(sources=renamed) == ["inputs.data"]


@pytest.mark.parametrize(
    "job",
    [
        {"name": "another name"},
        {"resources": {"gpus": 4, "cpus": 8, "memory_mb": 9_000, "timeout_seconds": 5}},
        {"retries": {"after_failure": 3}},
        {"grace_seconds": 5},
        {"ignore_warnings": True},
        {"dependencies": {"sha256": "b" * 64, "name": "renamed.zip"}},
        {"arguments": "  --lr\n0.1 "},
        {"requirements": "# of note\npandas==2\n"},
        {"environment": {"KEY": "${secrets.KEY}", "MODE": "fast"}},
    ],
)
def test_what_a_script_can_not_tell_apart_does_not(job: dict[str, Any]) -> None:
    assert changes(**job) == []


def test_who_made_an_input_makes_no_difference() -> None:
    sources = {**SOURCES, "make": Source(job="job-2")}
    assert changes(sources=sources, facts={"left": {"job-2": FACTS["left"]["job-1"]}}) == []


def test_an_input_more_is_a_change() -> None:
    assert changes(sources={**SOURCES, "more": Source()}) == ["inputs.more"]


def test_runtimes_that_differ_from_worker_to_worker_are_all_told() -> None:
    older = RUNTIME.model_copy(update={"packages": {}, "cuda": None})
    text = reusing.runtime_text("torch", [RUNTIME, older, RUNTIME])
    assert text == "torch: Python 3.11.2 | Python 3.11.2, numpy 2.0, torch 2.13.0, CUDA 12.8"
    assert reusing.runtime_text("torch", []) == "torch"


def test_a_long_text_is_shortened_and_still_told_apart() -> None:
    one, other = components(arguments="x" * 5_000 + "1"), components(arguments="x" * 5_000 + "2")
    assert len(one["arguments"]) < 400
    assert reusing.changed(one, other) == ["arguments"]


def test_what_storage_paths_were_known_by_is_read_back() -> None:
    assert reusing.seen(components()) == {"s3://data/cifar/": "2 objects, 1234"}
    assert reusing.seen(components(facts={"marks": {}})) == {}


def test_fields_are_compared_and_those_that_changed_come_first() -> None:
    told = reusing.compare({"a": "1", "b": "2", "gone": "3"}, {"a": "1", "b": "4", "new": "5"})
    assert [(one.field, one.before, one.after, one.changed) for one in told] == [
        ("b", "2", "4", True),
        ("new", None, "5", True),
        ("gone", "3", None, True),
        ("a", "1", "1", False),
    ]


def case(**fields: Any) -> Case:
    return Case(
        **{
            "reuse": Reuse(mode="on"),
            "force": False,
            "saved": True,
            "unknown": None,
            "components": {"a": "1", "b": "2", "c": "3", "d": "4"},
            **fields,
        }
    )


def earlier(hours: float = 1, *, kept: bool = True, number: int = 12) -> Earlier:
    return Earlier(f"run-{number}", number, f"job-{number}", NOW - timedelta(hours=hours), kept)


AGED = Reuse(mode="on", max_age_seconds=86_400)


@pytest.mark.parametrize(
    ("given", "same", "last", "reused", "sentence"),
    [
        ({}, [earlier()], None, 12, "Reused the result of run 12."),
        ({}, [earlier(kept=False), earlier(9, number=7)], None, 7, "Reused the result of run 7."),
        ({"reuse": AGED}, [earlier(24)], None, 12, "Reused the result of run 12."),
        ({"reuse": AGED}, [earlier(25)], None, None, "Ran because its last success is older than 1 day."),
        (
            {"reuse": Reuse(mode="on", max_age_seconds=5_400)},
            [earlier(2)],
            None,
            None,
            "Ran because its last success is older than 1.5 hours.",
        ),
        (
            {},
            [earlier(kept=False)],
            None,
            None,
            "Ran because artifacts of the earlier success were removed.",
        ),
        ({}, [], None, None, "Ran: there was no success before."),
        (
            {},
            [],
            {"a": "1", "b": "2", "c": "3", "d": "9"},
            None,
            "Ran because d changed.",
        ),
        ({}, [], {"a": "0", "b": "2", "c": "0", "d": "4"}, None, "Ran because a and c changed."),
        ({}, [], {}, None, "Ran because a, b, c and 1 more changed."),
        ({"reuse": Reuse()}, [earlier()], None, None, "Ran: reuse is off."),
        ({"force": True}, [earlier()], None, None, "Ran because the run was forced."),
        (
            {"saved": False},
            [earlier()],
            None,
            None,
            "Ran: only runs of a saved workflow reuse results.",
        ),
        (
            {"unknown": "the storage is away"},
            [earlier()],
            None,
            None,
            "Ran because it can't be told whether it would get the same files: the storage is away.",
        ),
    ],
)
def test_a_verdict_says_why(
    given: dict[str, Any],
    same: list[Earlier],
    last: dict[str, str] | None,
    reused: int | None,
    sentence: str,
) -> None:
    verdict = reusing.judge(case(**given), same, last, NOW)
    assert (verdict.reused.number if verdict.reused else None, verdict.sentence) == (reused, sentence)


def test_what_a_worker_really_had_is_what_counts() -> None:
    expected = components()
    real = reusing.runtime_text("torch", [RUNTIME])
    told = {"s3://data/cifar/": "2 objects, 1234"}
    assert reusing.as_it_ran(expected, told, real) == expected
    assert reusing.as_it_ran(expected, None, real) == expected

    other = reusing.as_it_ran(expected, {"s3://data/cifar/": "2 objects, 5678"}, real)
    assert other == components(facts={"marks": {DATA: "2 objects, 5678"}})
    newer = reusing.runtime_text("torch", [RUNTIME.model_copy(update={"python": "3.13.0"})])
    assert reusing.changed(expected, reusing.as_it_ran(expected, told, newer)) == ["runtime"]


def test_a_runtime_that_was_one_of_those_expected_is_no_change() -> None:
    newer = RUNTIME.model_copy(update={"python": "3.13.0"})
    expected = components(facts={"runtime": reusing.runtime_text("torch", [RUNTIME, newer])})
    assert reusing.as_it_ran(expected, None, reusing.runtime_text("torch", [newer])) == expected


@pytest.mark.parametrize("told", [{}, {"s3://data/cifar/": ""}])
def test_what_changed_while_it_was_fetched_stands_in_for_nothing(told: dict[str, str]) -> None:
    expected = components()
    found = reusing.as_it_ran(expected, told, expected["runtime"])
    assert reusing.key(found) is None
    assert reusing.seen(found) == {}
    unknown = components(facts={"marks": {}})
    assert reusing.key(unknown) is None
    assert reusing.as_it_ran(unknown, {"s3://data/cifar/": "2 objects, 1234"}, unknown["runtime"]) == expected
