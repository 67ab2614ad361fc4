"""A quota from the terminal to the job that waits for it."""

import json
from pathlib import Path

from tests.stack import Stack
from tests.terminal import torchyard
from tests.waiting import eventually


def test_a_job_beyond_the_quota_waits_says_so_and_starts_when_it_is_raised(
    own_stack: Stack, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text("print('ran')\n")
    said = torchyard(own_stack, "users", "limit", "admin", "--gpus", "2", "--cpus", "0").stdout
    assert said == "admin holds 0 of 2 GPUs and 0 of 0 CPU cores\n"
    job = torchyard(own_stack, "run", str(script), "--detach").stdout.strip()

    def why() -> str:
        shown = json.loads(torchyard(own_stack, "show", job, "--json").stdout)["job"]
        return str((shown["waiting"] or {}).get("explanation"))

    eventually(lambda: "quota is 0 CPU cores, so this can't start until an administrator" in why())
    (listed,) = json.loads(torchyard(own_stack, "users", "list", "--json").stdout)
    assert (listed["max_gpus"], listed["max_cpus"], listed["role"]) == (2, 0, "admin")

    torchyard(own_stack, "users", "limit", "admin", "--cpus", "none")

    assert "ran" in torchyard(own_stack, "logs", "-f", job).stdout
    assert "0 of 2" in torchyard(own_stack, "users", "list").stdout


def test_what_is_no_limit_is_refused(own_stack: Stack) -> None:
    for words in (["--gpus", "many"], ["--cpus", "-1"], ["--cpus", "1000001"], []):
        assert torchyard(own_stack, "users", "limit", "admin", *words, code=2).stderr
    assert "no user" in torchyard(own_stack, "users", "limit", "nobody", "--gpus", "1", code=2).stderr
