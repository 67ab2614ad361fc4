"""Workflows from the terminal and over REST, with a real worker: files, S3, a figure, resuming; templates."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servers import S3Server
from tests.stack import PATIENCE, REPOSITORY, Stack
from tests.terminal import TORCHYARD
from tests.waiting import eventually

ENDED = {"succeeded", "failed", "cancelled"}
LONG = PATIENCE * 2

TRAIN = """\
import argparse, csv, json, pathlib
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=pathlib.Path)
parser.add_argument("--lr", type=float)
options = parser.parse_args()
rows = [line.split(",") for line in (options.data / "points.csv").read_text().split()]
x, y = torch.tensor([[float(a), float(b)] for a, b in rows]).T
w = torch.zeros(1, requires_grad=True)
for step in range(100):
    loss = ((w * x - y) ** 2).mean()
    loss.backward()
    w.data -= options.lr * w.grad
    w.grad = None
print(f"w {w.item():.3f}")
torch.save(w.detach(), "outputs/w.pth")
"""
EVALUATE = """\
import json
import matplotlib.pyplot as plt
import torch
from helper import LABEL

w = torch.load("inputs/train/w.pth")
plt.plot([0, 1], [0, w.item()])
plt.title(LABEL)
plt.show()
json.dump({"w": w.item()}, open("outputs/metrics.json", "w"))
print(f"evaluated {w.item():.3f}")
"""
FLOW = """\
torchyard: 1
name: three nodes
parameters:
  lr: {{type: number, default: 0.1}}
nodes:
  data:
    kind: dataset
    paths: {path}
  train:
    script: train.py
    arguments: --data ${{data.outputs}} --lr ${{lr}}
    needs: [data]
  evaluate:
    script: evaluate.py
    dependencies: lib
    needs: [train]
"""


def torchyard(stack: Stack, *words: object, told: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TORCHYARD, *map(str, words)],
        env=stack.environment(),
        input=told,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@pytest.fixture
def points(stack: Stack, s3_server: S3Server) -> Iterator[str]:
    """A path in S3 that a connection of the platform allows, with data for a line of slope 2."""
    name = f"flow-{os.urandom(6).hex()}"
    rows = "".join(f"{x / 10},{x / 5}\n" for x in range(1, 20))
    with contextlib.closing(s3_server.client()) as client:
        client.create_bucket(Bucket=name)
        client.put_object(Bucket=name, Key="data/points.csv", Body=rows.encode())
    options = ["--endpoint", s3_server.endpoint, "--key-id", s3_server.access_key_id, "--allow", name]
    done = torchyard(stack, "connections", "set", name, *options, told=f"{s3_server.secret_access_key}\n")
    assert done.returncode == 0, done.stderr
    yield f"s3://{name}/data/points.csv"
    torchyard(stack, "connections", "rm", name)


@pytest.fixture
def flow(tmp_path: Path, points: str) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "evaluate.py").write_text(EVALUATE)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("LABEL = 'a line'\n")
    file = tmp_path / "flow.yaml"
    file.write_text(FLOW.format(path=points))
    return file


def changes(done: "subprocess.CompletedProcess[str]") -> list[tuple[str, str]]:
    """The changes of state that were told, as (node, state)."""
    told = [line.split() for line in done.stdout.splitlines()]
    return [(words[1], words[2]) for words in told if len(words) > 2 and words[0].count(":") == 2]


def states(run: Any) -> dict[str, str]:
    return {one["name"]: one["state"] for one in run["nodes"]}


def job_of(run: Any, name: str) -> str:
    return str(next(one["job"] for one in run["nodes"] if one["name"] == name))


def lines(done: "subprocess.CompletedProcess[str]") -> list[list[str]]:
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.timeout(600)
def test_a_file_runs_breaks_is_mended_and_resumed(stack: Stack, flow: Path) -> None:
    assert torchyard(stack, "workflow", "validate", flow).stdout == f"{flow} is fine: 3 nodes\n"
    evaluate = flow.parent / "evaluate.py"
    evaluate.write_text(EVALUATE.replace("inputs/train/w.pth", "inputs/train/nothing.pth"))

    broken = torchyard(stack, "workflow", "run", flow, "-p", "lr=0.2", "--name", "broken")
    assert broken.returncode == 1, broken.stderr
    told = changes(broken)
    assert [state for node, state in told if node == "train"] == ["queued", "staging", "running", "succeeded"]
    assert {("data", "succeeded"), ("evaluate", "failed")} <= set(told)
    assert (told[0], told[-1]) == (("run", "running"), ("run", "failed"))
    assert broken.stdout.count("nothing.pth' at line 6 of evaluate.py") >= 2  # in its line and in the table
    table = broken.stdout.partition("NODE ")[2]
    assert [line.split()[:2] for line in table.splitlines()[1:4]] == [
        ["data", "succeeded"],
        ["train", "succeeded"],
        ["evaluate", "failed"],
    ]
    with stack.api() as api:
        listed = api.get("/runs").json()["items"]
        run_id = next(one["id"] for one in listed if one["name"] == "broken")
        assert api.get(f"/runs/{run_id}").json()["parameters"] == {"lr": 0.2}

    still = torchyard(stack, "workflow", "resume", run_id[:8])
    assert still.returncode == 1, still.stdout
    wrong = flow.with_name("wrong.yaml")
    wrong.write_text(flow.read_text().replace("dependencies: lib", "arguments: ${nothing}"))
    refused = torchyard(stack, "workflow", "resume", run_id[:8], "--file", wrong)
    assert (refused.returncode, "wrong.yaml:15:5: evaluate: settings.arguments" in refused.stderr) == (
        2,
        True,
    )

    evaluate.write_text(EVALUATE)
    mended = torchyard(stack, "workflow", "resume", run_id[:8], "--file", flow)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "train" not in {node for node, _ in changes(mended)}
    _check_mended(stack, run_id)


def _check_mended(stack: Stack, run_id: str) -> None:
    with stack.api() as api:
        run = api.get(f"/runs/{run_id}").json()
        assert states(run) == dict.fromkeys(("data", "train", "evaluate"), "succeeded")
        tries = api.get(f"/runs/{run_id}/nodes/evaluate/attempts").json()
        assert [one["state"] for one in tries] == ["failed", "failed", "succeeded"]
        job = job_of(run, "evaluate")
        assert api.get(f"/jobs/{job}/logs/stdout.log").text == "evaluated 2.000\n"
        artifacts = api.get(f"/jobs/{job}/artifacts").json()
        assert any(one["media_type"] == "image/png" for one in artifacts), artifacts
        assert api.get(f"/jobs/{job_of(run, 'train')}/logs/stdout.log").text == "w 2.000\n"


@pytest.mark.timeout(600)
def test_the_same_over_rest_after_an_import_and_only_a_part_of_it(stack: Stack, flow: Path) -> None:
    made = torchyard(stack, "workflow", "import", flow)
    assert made.returncode == 0, made.stderr
    workflow = made.stdout.strip()
    with stack.api() as api:
        started = api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status().json()
        run = eventually(
            lambda: found if (found := api.get(f"/runs/{started['id']}").json())["state"] in ENDED else None,
            seconds=LONG,
        )
        assert states(run) == dict.fromkeys(("data", "train", "evaluate"), "succeeded"), run
        exported = api.get(f"/workflows/{workflow}/export")
        again = api.post(
            "/workflows/import", content=exported.content, headers={"Content-Type": "application/yaml"}
        )
        assert again.status_code == 201, again.text
        assert again.json()["graph"] == api.get(f"/workflows/{workflow}").json()["graph"]

    part = torchyard(stack, "workflow", "run", workflow[:8], "--only", "evaluate", "--json")
    assert part.returncode == 0, part.stderr
    assert states(json.loads(part.stdout)) == {
        "data": "left_out",
        "train": "left_out",
        "evaluate": "succeeded",
    }
    assert json.loads(part.stdout)["nodes"][2]["inputs_from"] == {"train": started["id"]}
    listed = torchyard(stack, "workflow", "runs", workflow[:8])
    assert [words[-1] for words in lines(listed)] != []
    assert len(lines(listed)) == 3
    detached = torchyard(stack, "workflow", "run", workflow[:8], "--force", "--detach")
    followed = torchyard(stack, "workflow", "follow", detached.stdout.strip())
    assert followed.returncode == 0, followed.stdout


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("lenet", {}),
        ("train-evaluate-report", {"evaluate": "image/png", "report": "outputs/report.md"}),
        ("learning-rates", {"best": "outputs/best.pth"}),
    ],
)
def test_a_template_runs_to_success(stack: Stack, name: str, left: dict[str, str]) -> None:
    made = torchyard(stack, "workflow", "new", name)
    assert made.returncode == 0, made.stderr
    done = torchyard(stack, "workflow", "run", made.stdout.strip(), "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert set(states(run).values()) == {"succeeded"}
    with stack.api() as api:
        for node, wanted in left.items():
            artifacts = api.get(f"/jobs/{job_of(run, node)}/artifacts").json()
            assert wanted in {one[field] for one in artifacts for field in ("path", "media_type")}, artifacts
            assert any(one["path"].endswith("metrics.json") for one in artifacts)
        if name == "lenet":
            assert api.get(f"/jobs/{job_of(run, 'lenet')}/logs/stdout.log").text.startswith("LeNet(")


@pytest.mark.timeout(600)
def test_the_readme_s_shortest_path_is_one(own_stack: Stack, tmp_path: Path) -> None:
    section = (REPOSITORY / "README.md").read_text().partition("## Workflows\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    commands = "\n".join(blocks).replace(".venv/bin/torchyard", str(TORCHYARD))
    commands = commands.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=tmp_path,
        env=own_stack.environment(),
        capture_output=True,
        text=True,
        timeout=LONG * 2,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    with own_stack.api() as api:
        runs = api.get("/runs").json()["items"]
        assert [one["trigger"] for one in reversed(runs)] == ["manual"] * 3 + ["sweep"] * 2
        first = api.get(f"/runs/{runs[-1]['id']}").json()
        assert (first["state"], first["workflow"]) == ("succeeded", None)
        printed = api.get(f"/jobs/{job_of(first, 'report')}/logs/stdout.log").text
    assert printed.startswith("slope ")
    assert abs(float(printed.split()[1]) - 3) < 0.1
