"""A platform with something on every page."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.graphs import dataset, drawing, node
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually
from tests.web.editing import ended, in_a_row, saved, stored, submitted

PREPARE = "open('outputs/rows.csv', 'w').write('x,y\\n1,2\\n3,4\\n')\nprint('2 rows')\n"
TRAIN = """
import sys
for epoch in range(1, 41):
    print(f"epoch {epoch}/40 loss: {1 / epoch:.4f} accuracy: {1 - 0.5 / epoch:.4f}")
print("\\x1b[32mdone\\x1b[0m", file=sys.stderr)
"""
FAILING = """
import sys

def evaluate(rows):
    return sum(rows) / len(rows)

print("reading inputs")
print("a warning that means nothing", file=sys.stderr)
evaluate([])
"""
TUNE = """
import json, sys
rate = float(sys.argv[1])
json.dump({"loss": 0.02 + (rate - 0.03) ** 2, "accuracy": 0.97 - rate}, open("outputs/metrics.json", "w"))
"""
#: Works until it is told to stop.
TRAINING = """
import signal, time
for epoch in range(1, 13):
    print(f"epoch {epoch}/40 loss: {1 / epoch:.4f} accuracy: {1 - 0.5 / epoch:.4f}")
    time.sleep(0.1)
signal.pause()
"""
#: The worker that nothing is heard of.
FAR_AWAY = "far-away"


@dataclass(frozen=True)
class Furniture:
    """The ids of what is there."""

    workflow: str
    run: str
    earlier_run: str
    tuned: str
    sweep: str
    contended: str
    failed_job: str
    lone_job: str
    leaving_job: str


@dataclass(frozen=True)
class Work:
    """The ids of jobs that have not ended."""

    running: str
    queued: str
    unreachable: str | None = None


def furnished(stack: Stack) -> Furniture:
    """Fill a platform with workflows, runs, jobs and settings."""
    with stack.api() as api:
        lab = {"access_key_id": "AKIA", "secret_access_key": "x", "allowed": ["datasets/digits/"]}
        api.put("/connections/digits", json={"endpoint": "http://127.0.0.1:9", **lab}).raise_for_status()
        api.put("/secrets/HF_TOKEN", json={"value": "not shown"}).raise_for_status()
        api.put("/users/wang", json={"role": "user", "max_gpus": 0, "max_cpus": 16}).raise_for_status()
        api.post("/templates/train-evaluate-report", json={"language": "en"}).raise_for_status()
    workflow = saved(stack, "Digits 手写数字", _digits(stack, first=True))
    earlier = _ran(stack, workflow)
    with stack.api() as api:
        drawn = _digits(stack)
        changed = {"graph": drawn, "layout": in_a_row(drawn)}
        api.put(f"/workflows/{workflow}", json=changed, headers={"If-Match": '"1"'}).raise_for_status()
    run = _ran(stack, workflow, parameters={"lr": 0.003})
    tuned, sweep = _swept(stack)
    steps = [node(name, stored(stack, TRAIN, f"{name}.py")) for name in ("train", "evaluate")]
    contended = saved(stack, "Two people's", drawing(steps, ("train", "evaluate")))
    lone = submitted(stack, TRAIN, "curves.py", name="a job by itself", arguments="--epochs 40 --lr 0.01")
    leaving = submitted(stack, PREPARE, "prepare.py", name="leaves files")
    for job in (lone, leaving):
        ended(stack, f"/jobs/{job}")
    failed = next(one["job"] for one in run["nodes"] if one["name"] == "evaluate")
    return Furniture(
        workflow=workflow,
        run=run["id"],
        earlier_run=earlier["id"],
        tuned=tuned,
        sweep=sweep,
        contended=contended,
        failed_job=failed,
        lone_job=lone,
        leaving_job=leaving,
    )


@contextmanager
def work(stack: Stack, *, far_away: bool = False) -> Iterator[Work]:
    """Jobs that run and wait for as long as somebody looks at them.

    Args:
        stack: Where.
        far_away: Have another worker too, of which nothing is heard any more while it runs a job. It stays in
            the list of workers.
    """
    running = submitted(stack, TRAINING, "train.py", name="a long training", arguments="--epochs 40")
    _stands(stack, running, lambda job: job["state"] == "running")
    unreachable = _unreachable(stack) if far_away else None
    queued = submitted(stack, TRAIN, "train.py", name="wants GPUs", resources={"gpus": 2})
    _stands(stack, queued, lambda job: bool(job["waiting"]))
    yield Work(running, queued, unreachable)
    if unreachable:
        stack.send(FAR_AWAY, signal.SIGCONT)
    for job in filter(None, (running, queued, unreachable)):
        with stack.api() as api:
            api.post(f"/jobs/{job}/cancel").raise_for_status()
        ended(stack, f"/jobs/{job}")
    stack.stop(FAR_AWAY)


def _unreachable(stack: Stack) -> str:
    stack.start_worker(name=FAR_AWAY)
    # The other worker is not free for so much.
    job = submitted(stack, TRAINING, "train.py", name="far away", resources={"cpus": os.cpu_count()})
    _stands(stack, job, lambda job: job["state"] == "running")
    stack.send(FAR_AWAY, signal.SIGSTOP)
    _stands(stack, job, lambda job: bool(job["unreachable"]))
    return job


def _stands(stack: Stack, job: str, so: Callable[[Any], bool]) -> None:
    def look() -> bool:
        with stack.api() as api:
            return so(api.get(f"/jobs/{job}").raise_for_status().json())

    eventually(look, seconds=PATIENCE)


def _swept(stack: Stack) -> tuple[str, str]:
    """A workflow whose runs leave metrics, and a sweep of it that has ended."""
    rate = {"name": "lr", "type": "number", "default": 0.01, "description": "How fast it learns"}
    tune = node("tune", stored(stack, TUNE, "tune.py"), arguments="${lr}")
    workflow = saved(stack, "Tune 调参", drawing([tune], parameters=[rate]))
    with stack.api() as api:
        wish = {"name": "learning rates", "parameters": {"lr": [0.1, 0.03, 0.01, 0.003]}}
        made = api.post(f"/workflows/{workflow}/sweeps", json=wish).raise_for_status().json()
    for one in made["results"]:
        ended(stack, f"/runs/{one['run']}")
    return workflow, made["id"]


def _digits(stack: Stack, *, first: bool = False) -> Any:
    """The graph as it was drawn first, or as it is now."""
    more = {} if first else {"environment": {"MOMENTUM": "0.9"}, "resources": {"memory_mb": 1024}}
    nodes = [
        dataset("digits", files=[stored(stack, "1,2\n3,4\n", "rows.csv")]),
        node("prepare", stored(stack, PREPARE, "prepare.py")),
        node("train", stored(stack, TRAIN, "train.py"), arguments="--lr ${lr}", **more),
        node("evaluate", stored(stack, FAILING, "evaluate.py")),
    ]
    if not first:
        nodes.append(node("report", stored(stack, "print('never')", "report.py")))
    names = [one["name"] for one in nodes]
    rate = {"name": "lr", "type": "number", "default": 0.01, "description": "How fast it learns"}
    return drawing(nodes, *itertools.pairwise(names), parameters=[rate])


def _ran(stack: Stack, workflow: str, **wish: Any) -> Any:
    with stack.api() as api:
        run = api.post(f"/workflows/{workflow}/runs", json=wish).raise_for_status().json()
    return ended(stack, f"/runs/{run['id']}")
