"""A platform with something on every page."""

import itertools
from dataclasses import dataclass
from typing import Any

from tests.graphs import dataset, drawing, node
from tests.stack import Stack
from tests.web.editing import ended, saved, stored, submitted

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


@dataclass(frozen=True)
class Furniture:
    """The ids of what is there."""

    workflow: str
    run: str
    earlier_run: str
    failed_job: str
    lone_job: str
    leaving_job: str


def furnished(stack: Stack) -> Furniture:
    """Fill a platform with workflows, runs, jobs and settings."""
    with stack.api() as api:
        lab = {"access_key_id": "AKIA", "secret_access_key": "x", "allowed": ["datasets/digits/"]}
        api.put("/connections/digits", json={"endpoint": "http://127.0.0.1:9", **lab}).raise_for_status()
        api.put("/secrets/HF_TOKEN", json={"value": "not shown"}).raise_for_status()
        api.put("/users/wang", json={"role": "user", "disabled": False}).raise_for_status()
        api.post("/templates/train-evaluate-report", json={"language": "en"}).raise_for_status()
    workflow = _workflow(stack)
    earlier, run = _ran(stack, workflow), _ran(stack, workflow)
    lone = submitted(stack, TRAIN, "curves.py", name="a job by itself", arguments="--epochs 40 --lr 0.01")
    leaving = submitted(stack, PREPARE, "prepare.py", name="leaves files")
    for job in (lone, leaving):
        ended(stack, f"/jobs/{job}")
    failed = next(one["job"] for one in run["nodes"] if one["name"] == "evaluate")
    return Furniture(workflow, run["id"], earlier["id"], failed, lone, leaving)


def _workflow(stack: Stack) -> str:
    nodes = [
        dataset("digits", files=[stored(stack, "1,2\n3,4\n", "rows.csv")]),
        node("prepare", stored(stack, PREPARE, "prepare.py")),
        node("train", stored(stack, TRAIN, "train.py"), arguments="--lr ${lr}"),
        node("evaluate", stored(stack, FAILING, "evaluate.py")),
        node("report", stored(stack, "print('never')", "report.py")),
    ]
    names = [one["name"] for one in nodes]
    rate = {"name": "lr", "type": "number", "default": 0.01, "description": "How fast it learns"}
    graph = drawing(nodes, *itertools.pairwise(names), parameters=[rate])
    return saved(stack, "Digits 手写数字", graph)


def _ran(stack: Stack, workflow: str) -> Any:
    with stack.api() as api:
        run = api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status().json()
    return ended(stack, f"/runs/{run['id']}")
