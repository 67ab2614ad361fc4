"""A script's environment is made from nothing."""

from pathlib import Path
from typing import Any

import pytest

from torchyard.contracts.runner import ClaimedAttempt
from torchyard_worker import isolation

#: Directories that no machine has.
SCRIPT, HOME, TEMPORARY = Path("/a/job/script"), Path("/a/job/home"), Path("/a/job/tmp")
FIXED = {
    "PATH": "/runtime/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": str(HOME),
    "TMPDIR": str(TEMPORARY),
    "CUDA_VISIBLE_DEVICES": "",
    "AWS_EC2_METADATA_DISABLED": "true",
    "TORCHYARD_JOB_ID": "job-1",
    "TORCHYARD_ATTEMPT": "2",
    "TORCHYARD_OUTPUTS": str(SCRIPT / "outputs"),
    "TORCHYARD_INPUTS": str(SCRIPT / "inputs"),
}


def environment(
    gpus: list[str] | None = None, resolved: dict[str, str] | None = None, **spec: Any
) -> dict[str, str]:
    claimed = ClaimedAttempt.model_validate(
        {
            "attempt_id": "attempt-1",
            "job_id": "job-1",
            "number": 2,
            "gpus": gpus or [],
            "environment": resolved or {},
            "spec": {
                "name": "a job",
                "runtime": "test",
                "script": {"sha256": "0" * 64, "name": "main.py"},
                "resources": {"cpus": 3},
                **spec,
            },
        }
    )
    return isolation.environment(
        claimed,
        Path("/runtime/bin/python"),
        work=SCRIPT,
        home=HOME,
        temporary=TEMPORARY,
    )


def test_it_holds_what_is_promised_and_nothing_of_the_worker_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHYARD_WORKER_TOKEN", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")

    assert environment() == FIXED | {
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "3",
    }


def test_the_user_s_variables_go_before_defaults_but_not_before_the_platform_s() -> None:
    own = {"PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "8", "SEED": "1", "HOME": "/root", "PATH": "/evil"}

    found = environment(environment=own)

    assert (found["PYTHONUNBUFFERED"], found["OMP_NUM_THREADS"], found["SEED"]) == ("", "8", "1")
    assert found.items() >= FIXED.items()


def test_only_its_own_gpus_are_visible() -> None:
    assert environment(gpus=["GPU-1", "GPU-2"])["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"


def test_it_is_said_plainly_who_runs_scripts() -> None:
    assert isolation.tier() == 0
    assert isolation.notes()[0].startswith("scripts run as ")


def test_values_that_the_platform_put_in_take_the_place_of_references() -> None:
    asked = {"TOKEN": "${secrets.KEY}", "SEED": "1"}

    found = environment(environment=asked, resolved={"TOKEN": "clear", "SEED": "1", "HOME": "/elsewhere"})

    assert (found["TOKEN"], found["SEED"], found["HOME"]) == ("clear", "1", str(HOME))
