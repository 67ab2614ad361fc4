import hashlib
from pathlib import Path
from typing import Any

import pytest
from tests.factories import make_zip
from tests.unit.client.small_platform import SmallPlatform

from torchyard.client import Client, Progress
from torchyard.contracts.jobs import Resources, Retries
from torchyard.errors import FieldInvalid, InvalidInput, RequestRefused

SCRIPT = b"print('hi')\n"


def test_only_what_the_platform_lacks_is_sent(
    platform: SmallPlatform, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data.txt").write_text("data")
    (tmp_path / "train.py").write_bytes(SCRIPT)
    (tmp_path / "deps.zip").write_bytes(make_zip({"data.txt": "data"}))
    first = client.submit(tmp_path / "train.py", dependencies=tmp_path / "src")
    client.submit(str(tmp_path / "train.py"), dependencies=str(tmp_path / "src"))
    assert len(platform.asked("PUT")) == 2
    for _ in range(2):
        zipped = client.submit(tmp_path / "train.py", dependencies=tmp_path / "deps.zip")
        assert zipped.spec.dependencies is not None
        assert zipped.spec.dependencies.name == "deps.zip"
    assert len(platform.asked("PUT")) == 3
    assert first.spec.script.name == "train.py"
    assert first.spec.dependencies is not None
    assert first.spec.dependencies.name == "src"
    assert platform.blobs[first.spec.script.sha256] == SCRIPT


def test_settings_travel_as_they_were_given(platform: SmallPlatform, client: Client) -> None:
    job = client.submit(
        SCRIPT,
        arguments=["--name", "two words", "it's"],
        environment={"SEED": "1"},
        resources=Resources(cpus=2),
        grace_seconds=0,
        retries={"after_failure": 3},
        name="my job",
    )
    assert job.spec.retries == Retries(after_failure=3, after_loss=0)
    assert job.spec.arguments == "--name 'two words' 'it'\"'\"'s'"
    assert (job.spec.environment, job.spec.resources.cpus, job.spec.grace_seconds) == ({"SEED": "1"}, 2, 0)
    assert (job.name, job.spec.script.name) == ("my job", "script.py")
    assert client.submit(SCRIPT, arguments="--epochs 3").spec.arguments == "--epochs 3"
    for paths in ("s3://data/a,cos://data/b/", ["s3://data/a", "cos://data/b/"]):
        assert (
            client.submit(SCRIPT, dependency_paths=paths).spec.dependency_paths == "s3://data/a,cos://data/b/"
        )


def test_inputs_may_be_files_of_this_machine(platform: SmallPlatform, client: Client, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("1,2")
    (tmp_path / "空.bin").write_bytes(b"")
    sha256, empty = (hashlib.sha256(content).hexdigest() for content in (b"1,2", b""))

    job = client.submit(
        SCRIPT,
        inputs={
            "one": tmp_path / "labels.csv",
            "数据": ["s3://lab/x/", tmp_path / "labels.csv", tmp_path / "空.bin"],
            "as-written": f"blob:{sha256}/other.csv",
        },
    )

    assert job.spec.inputs == {
        "one": f"blob:{sha256}/labels.csv",
        "数据": f"s3://lab/x/,blob:{sha256}/labels.csv,blob:{empty}/空.bin",
        "as-written": f"blob:{sha256}/other.csv",
    }
    assert (platform.blobs[sha256], platform.blobs[empty]) == (b"1,2", b"")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"resources": {"gpus": -1}}, "resources.gpus"),
        ({"dependency_paths": "data/a"}, "dependency_paths"),
        ({"environment": {"PATH": "/"}}, "environment"),
        ({"arguments": "'open"}, "arguments"),
        ({"inputs": {"data": "train.csv"}}, "inputs"),
        ({"grace_seconds": 10_000}, "grace_seconds"),
        ({"retries": {"after_failure": 11}}, "retries.after_failure"),
        ({"retries": {"after_lunch": 1}}, "retries.after_lunch"),
    ],
)
def test_a_setting_that_breaks_a_rule_is_refused_before_anything_is_sent(
    platform: SmallPlatform, client: Client, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(FieldInvalid) as refused:
        client.submit(SCRIPT, **settings)
    assert refused.value.field == field
    assert platform.requests == []


def test_a_refusal_writes_a_variable_s_name_as_it_is(client: Client) -> None:
    with pytest.raises(FieldInvalid, match=r"^environment: AWS_PROFILE can't be set by a job"):
        client.submit(SCRIPT, environment={"AWS_PROFILE": "lab"})
    with pytest.raises(FieldInvalid, match=r"^resources\.gpus: input should be"):
        client.submit(SCRIPT, resources={"gpus": -1})


@pytest.mark.parametrize(
    ("script", "dependencies"), [("missing.py", None), (".", None), (SCRIPT, "missing.zip")]
)
def test_a_file_that_is_not_there_is_named(
    platform: SmallPlatform, client: Client, script: Any, dependencies: str | None
) -> None:
    with pytest.raises(InvalidInput, match=r"missing|^\. ") as refused:
        client.submit(script, dependencies=dependencies)
    assert refused.value.code == "file_unreadable"
    assert platform.jobs == []


def test_a_create_whose_answer_was_lost_makes_one_job(platform: SmallPlatform, client: Client) -> None:
    platform.lost = ["POST"]
    job = client.submit(SCRIPT)
    assert [known["id"] for known in platform.jobs] == [job.id]
    assert len(platform.asked("POST")) == 2


def test_an_upload_whose_answer_was_lost_is_sent_again_whole(platform: SmallPlatform, client: Client) -> None:
    platform.lost = ["PUT"]
    client.submit(b"#" * 3_000_000)
    assert [len(blob) for blob in platform.blobs.values()] == [3_000_000]
    assert len(platform.asked("PUT")) == 2


def test_a_key_makes_one_job_of_two_submits(platform: SmallPlatform, client: Client) -> None:
    assert client.submit(SCRIPT, idempotency_key="k").id == client.submit(SCRIPT, idempotency_key="k").id
    assert client.submit(SCRIPT).id != client.submit(SCRIPT).id


def test_a_create_waits_for_its_twin_and_for_a_platform_that_is_about_to_be_back(
    platform: SmallPlatform, client: Client
) -> None:
    platform.problems["POST", "/jobs"] = (409, {"code": "idempotency_in_progress", "detail": "wait"})
    platform.problems["HEAD", f"/blobs/{hashlib.sha256(SCRIPT).hexdigest()}"] = (503, {"detail": "away"})
    assert client.submit(SCRIPT).state == "queued"


def test_progress_is_told_up_to_the_end(platform: SmallPlatform, client: Client) -> None:
    told: list[Progress] = []
    content = b"#" * 2_500_000
    for _ in range(2):
        client.submit(content, on_progress=told.append)
    sent = [progress.sent for progress in told if not progress.known]
    assert (sent[0], sent[-1], sent) == (0, len(content), sorted(sent))
    assert [progress for progress in told if progress.known] == [
        Progress("script.py", len(content), len(content), known=True)
    ]


def test_a_refusal_carries_all_that_the_platform_says(platform: SmallPlatform, client: Client) -> None:
    problem = {
        "title": "Unprocessable Content",
        "code": "script_syntax_error",
        "detail": "train.py does not compile",
        "field": "script",
        "hint": "mend it",
        "saying": {"code": "script_does_not_compile", "facts": {"script": "train.py"}},
        "hint_saying": {"code": "hint_fix_script", "facts": {}},
        "line": 3,
        "errors": [{"field": "script", "code": "x", "message": "y"}],
    }
    platform.problems["POST", "/jobs"] = (422, problem)
    with pytest.raises(RequestRefused) as refused:
        client.submit(SCRIPT)
    told = refused.value
    assert (told.message, told.status, told.code) == ("train.py does not compile", 422, "script_syntax_error")
    assert (told.field, told.hint, told.extra) == (
        "script",
        "mend it",
        {"line": 3, "errors": [{"field": "script", "code": "x", "message": "y"}]},
    )
