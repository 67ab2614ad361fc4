"""Reuse on a real worker: what succeeded before is not run again, and every node can say why."""

from typing import Any

from tests.graphs import drawing, node
from tests.integration.test_workflow_runs import ended, log, states, uploaded
from tests.stack import Stack

MAKE = "open('outputs/number.txt', 'w').write('20')\n"
DOUBLE = """
import os, pathlib, sys
number = int(pathlib.Path('inputs/make/number.txt').read_text())
print('job', os.environ['TORCHYARD_JOB_ID'])
pathlib.Path('outputs/number.txt').write_text(str(number * int(sys.argv[1])))
"""
SHOW = "print(open('inputs/double/number.txt').read())\n"


def drawn(stack: Stack, times: str) -> dict[str, Any]:
    reuse = {"mode": "on"}
    return drawing(
        [
            node("make", uploaded(stack, MAKE), reuse=reuse),
            node("double", uploaded(stack, DOUBLE), reuse=reuse, arguments=times),
            node("show", uploaded(stack, SHOW), reuse=reuse),
        ],
        ("make", "double"),
        ("double", "show"),
    )


def ran(stack: Stack, workflow: str) -> Any:
    with stack.api() as api:
        run = api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status().json()
    return ended(stack, run["id"])


def jobs_of(stack: Stack, run: Any) -> list[str]:
    with stack.api() as api:
        found = api.get("/jobs", params={"limit": 500}).raise_for_status().json()["items"]
    return [job["node"] for job in found if job["run"] == run["id"]]


def test_a_second_run_makes_no_job_and_a_changed_node_runs_again(stack: Stack) -> None:
    with stack.api() as api:
        made = api.post("/workflows", json={"name": "reuse", "graph": drawn(stack, "2")}).raise_for_status()
        workflow = made.json()["id"]
        first = ran(stack, workflow)
        second = ran(stack, workflow)
        saved = api.put(
            f"/workflows/{workflow}",
            json={"graph": drawn(stack, "3")},
            headers={"If-Match": made.headers["ETag"]},
        )
        saved.raise_for_status()
        standing = {one["name"]: one for one in api.get(f"/workflows/{workflow}/nodes").json()}
        third = ran(stack, workflow)

        def explained(run: Any, name: str) -> Any:
            return api.get(f"/runs/{run['id']}/nodes/{name}/explain").raise_for_status().json()

        assert states(first) == {"make": "succeeded", "double": "succeeded", "show": "succeeded"}
        assert states(second) == {"make": "reused", "double": "reused", "show": "reused"}
        assert jobs_of(stack, second) == []
        assert {one["reused_from"] for one in second["nodes"]} == {first["id"]}
        assert log(stack, second, "show") == log(stack, first, "show") == "40\n"
        assert explained(second, "double")["sentence"] == "Reused the result of run 1."
        assert standing["double"]["stale_because"] == ["arguments"]
        assert standing["show"]["stale_because"] == ["double"]

        assert states(third) == {"make": "reused", "double": "succeeded", "show": "succeeded"}
        assert sorted(jobs_of(stack, third)) == ["double", "show"]
        assert log(stack, third, "show") == "60\n"
        why = explained(third, "double")
        assert (why["sentence"], why["compared_run"]) == ("Ran because arguments changed.", first["id"])
        told = {name: why["components"][0][name] for name in ("field", "before", "after", "changed")}
        assert told == {"field": "arguments", "before": "2", "after": "3", "changed": True}
        assert explained(third, "show")["sentence"] == "Ran because inputs.double changed."
        compared = api.get(f"/runs/{first['id']}/compare/{third['id']}").json()
        assert [one["name"] for one in compared["nodes"] if one["settings"]] == ["double"]
