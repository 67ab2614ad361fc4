"""Reusing results: what stands in for a node, what does not, and that whatever matters makes a difference."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from tests.driving import Driver
from tests.factories import RUNTIME, admin, register, stored, with_storage
from tests.graphs import dataset, graph, node

from torchyard.contracts import fingerprints
from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.graphs import Graph, Reuse
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.runner import Heartbeat
from torchyard.contracts.runs import Explanation
from torchyard.contracts.sayings import Saying
from torchyard.contracts.secrets import SecretValue
from torchyard.contracts.storage_paths import StoragePath
from torchyard.errors import Unavailable
from torchyard.services import explaining, jobs, retention, secrets, workers
from torchyard.services.context import Context
from torchyard.testing import MemoryBuckets

ON = {"mode": "on"}
MODEL = {"outputs/model.pt": b"weights"}


class Buckets(MemoryBuckets):
    """A storage that can be away."""

    away = False

    def fingerprint(self, access: StorageAccess, path: StoragePath) -> str | None:
        if self.away:
            raise Unavailable("the storage does not answer", code="dependency_unavailable")
        return super().fingerprint(access, path)


@pytest.fixture
def buckets() -> Buckets:
    return Buckets({("data", "cifar/a.bin"): b"aaaa", ("data", "cifar/b.bin"): b"bb"})


@pytest.fixture
def ctx(ctx: Context, buckets: Buckets) -> Context:
    return with_storage(ctx, buckets)


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(ctx)


def set_secret(ctx: Context, name: str = "KEY", value: str = "one") -> None:
    owner = admin(ctx)
    with ctx.db.write() as session:
        secrets.put(ctx, session, owner, name, SecretValue(value=SecretStr(value)))


def chain(ctx: Context, *, script: bytes = b"print('train')\n", reuse: Any = ON, **train: Any) -> Graph:
    """make → train → report, all of which reuse; `train` is the one that is changed."""
    return graph(
        [
            node("make", stored(ctx, b"print('make')\n"), reuse=ON),
            node("train", stored(ctx, script), reuse=reuse, **train),
            node("report", stored(ctx, b"print('report')\n"), reuse=ON),
        ],
        ("make", "train"),
        ("train", "report"),
        parameters=[
            {"name": "lr", "type": "number", "default": 0.1},
            {"name": "unused", "type": "integer", "default": 1},
        ],
    )


def run_all(driver: Driver, run: str, files: dict[str, dict[str, bytes]] | None = None) -> dict[str, str]:
    """Have every node end that is run; how the nodes ended."""
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock
    while queued := [name for name, state in driver.states(run).items() if state == "queued"]:
        for name in queued:
            driver.end(run, name, files=(files or {}).get(name, {f"outputs/{name}.txt": name.encode()}))
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]
    return driver.states(run)


def explained(driver: Driver, run: str, name: str) -> Explanation:
    with driver.ctx.db.read() as session:
        return explaining.explain(session, run, name)


def changed(driver: Driver, run: str, name: str) -> list[str]:
    return [one.field for one in explained(driver, run, name).components if one.changed]


def test_what_succeeded_before_is_not_run_again_and_its_outputs_are_used(
    driver: Driver, ctx: Context
) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    assert set(run_all(driver, first).values()) == {"succeeded"}

    second = driver.start(workflow=workflow)

    run = driver.get(second)
    assert run.counts == {"reused": 3}
    assert (run.state, run.sentence) == ("succeeded", "Done: 3 reused.")
    for name in ("make", "train", "report"):
        told, before = driver.node(second, name), driver.node(first, name)
        assert (told.job, told.reused_from, told.attempts) == (before.job, first, 0)
        assert told.sentence == "Reused the result of run 1."
        assert (told.started_at, told.finished_at) == (None, ctx.clock.now())
    third = driver.start(workflow=workflow, force=True)
    assert driver.states(third)["make"] == "queued"
    assert explained(driver, third, "make").sentence == "Ran because the run was forced."


def test_a_changed_node_runs_and_what_is_below_it_only_if_it_gets_other_files(
    driver: Driver, ctx: Context
) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    driver.save(workflow, chain(ctx, arguments="--epochs 3"))

    second = driver.start(workflow=workflow)
    assert driver.states(second) == {"make": "reused", "train": "queued", "report": "waiting"}
    assert driver.inputs(second, "train") == {"make": f"job:{driver.node(first, 'make').job}"}
    assert run_all(driver, second) == {"make": "reused", "train": "succeeded", "report": "reused"}
    driver.save(workflow, chain(ctx, arguments="--epochs 4"))
    third = driver.start(workflow=workflow)
    assert run_all(driver, third, {"train": MODEL}) == {
        "make": "reused",
        "train": "succeeded",
        "report": "succeeded",
    }

    assert explained(driver, second, "train").sentence == "Ran because arguments changed."
    assert explained(driver, third, "report").sentence == "Ran because inputs.train changed."
    assert changed(driver, third, "report") == ["inputs.train"]
    train = Saying(code="part_inputs", facts={"name": "train"})
    told = explained(driver, third, "report")
    assert told.saying == Saying(code="why_changed", facts={"parts": [train]})
    assert told.components[0].saying == train
    why = explained(driver, second, "report")
    assert (why.compared_run, why.compared_job) == (first, driver.node(first, "report").job)
    assert not any(one.changed for one in why.components)


def test_field_by_field_the_first_difference_stands_first(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    driver.save(workflow, chain(ctx, script=b"print('other')\n"))

    why = explained(driver, driver.start(workflow=workflow), "train")

    other = hashlib.sha256(b"print('other')\n").hexdigest()
    before = hashlib.sha256(b"print('train')\n").hexdigest()
    assert [one.field for one in why.components] == ["script", "script_name", "runtime", "inputs.make"]
    assert (why.components[0].before, why.components[0].after) == (before, other)
    assert why.components[2].after == "torch-test: Python 3.11.2, torch 2.13.0"
    assert (why.compared_run, why.compared_job) == (first, driver.node(first, "train").job)


CHANGES: dict[str, Callable[[Context], dict[str, Any]]] = {
    "script": lambda ctx: {"script": b"print('train') \n"},
    "script_name": lambda ctx: {},
    "dependencies": lambda ctx: {"dependencies": stored(ctx, b"zip 2", "d.zip").model_dump()},
    "arguments": lambda ctx: {"arguments": "--lr 1"},
    "environment.MODE": lambda ctx: {"environment": {"MODE": "slow", "KEY": "${secrets.KEY}"}},
    "requirements": lambda ctx: {"requirements": "pandas==3"},
}


@pytest.mark.parametrize("field", [name for name in CHANGES if name != "script_name"])
def test_a_setting_that_matters_makes_the_node_run(driver: Driver, ctx: Context, field: str) -> None:
    set_secret(ctx)
    settings: dict[str, Any] = {
        "dependencies": stored(ctx, b"zip 1", "d.zip").model_dump(),
        "arguments": "--lr ${lr}",
        "environment": {"MODE": "fast", "KEY": "${secrets.KEY}"},
        "requirements": "pandas==2",
    }
    workflow = driver.workflow(chain(ctx, **settings))
    run_all(driver, driver.start(workflow=workflow))
    driver.save(workflow, chain(ctx, **{**settings, **CHANGES[field](ctx)}))

    run = driver.start(workflow=workflow)

    assert driver.states(run) == {"make": "reused", "train": "queued", "report": "waiting"}
    assert changed(driver, run, "train") == [field]


def test_a_parameter_matters_to_the_nodes_that_use_it(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx, arguments="--lr ${lr}"))
    run_all(driver, driver.start(workflow=workflow))

    unused = driver.start(workflow=workflow, parameters={"unused": 5})
    used = driver.start(workflow=workflow, parameters={"lr": 0.5})

    assert driver.get(unused).counts == {"reused": 3}
    assert driver.states(used)["train"] == "queued"
    assert explained(driver, used, "train").sentence == "Ran because arguments changed."


def test_what_does_not_matter_makes_no_difference(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    run_all(driver, driver.start(workflow=workflow))
    same = chain(
        ctx,
        resources={"cpus": 2, "memory_mb": 999, "timeout_seconds": 60},
        retries={"after_failure": 2},
        grace_seconds=3,
    )
    driver.save(workflow, same.model_copy(update={"nodes": list(reversed(same.nodes))}))

    assert driver.get(driver.start(workflow=workflow)).counts == {"reused": 3}


def test_a_secret_that_was_set_again_makes_the_node_run(driver: Driver, ctx: Context) -> None:
    set_secret(ctx)
    workflow = driver.workflow(chain(ctx, environment={"KEY": "${secrets.KEY}"}))
    run_all(driver, driver.start(workflow=workflow))
    assert driver.get(driver.start(workflow=workflow)).counts == {"reused": 3}

    set_secret(ctx, value="two")
    run = driver.start(workflow=workflow)

    assert changed(driver, run, "train") == ["environment.KEY"]
    assert explained(driver, run, "train").sentence == "Ran because environment.KEY changed."
    told = explained(driver, run, "train").model_dump_json()
    assert "two" not in told
    assert "${secrets.KEY}" in told


def test_another_runtime_or_other_versions_of_it_make_the_nodes_run(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    run_all(driver, driver.start(workflow=workflow))
    newer = RUNTIME.model_copy(update={"packages": {"torch": "2.14.0"}})
    register(ctx, name="other", runtimes=[newer, RUNTIME.model_copy(update={"name": "new"})])

    run = driver.start(workflow=workflow)
    assert explained(driver, run, "make").sentence == "Ran because runtime changed."
    driver.stop(run)
    driver.save(workflow, chain(ctx, runtime="new"))
    run = driver.start(workflow=workflow)
    run_all(driver, run)
    assert changed(driver, run, "train") == ["runtime"]


@pytest.mark.parametrize(
    "settings", [{"dependency_paths": "s3://data/cifar/"}, {"inputs": {"data": "s3://data/cifar/"}}]
)
def test_what_lies_in_storage_counts_by_its_etags(
    driver: Driver, ctx: Context, buckets: Buckets, settings: dict[str, Any]
) -> None:
    workflow = driver.workflow(chain(ctx, **settings))
    run_all(driver, driver.start(workflow=workflow))
    buckets.objects["data", "cifar/a.bin"] = b"aaaa"
    assert driver.get(driver.start(workflow=workflow)).counts == {"reused": 3}

    buckets.objects["data", "cifar/a.bin"] = b"AAAA"
    run = driver.start(workflow=workflow)
    run_all(driver, run)

    (field,) = settings
    assert changed(driver, run, "train") == [field if field == "dependency_paths" else "inputs.data"]
    buckets.away = True
    blind = driver.start(workflow=workflow)
    assert driver.states(blind) == {"make": "reused", "train": "queued", "report": "waiting"}
    assert explained(driver, blind, "train").sentence == (
        "Ran because it can't be told whether it would get the same files: the storage does not answer."
    )
    run_all(driver, blind)
    buckets.away = False
    # What it was made of is not known: it stands in for nothing.
    assert driver.node(driver.start(workflow=workflow), "train").reused_from == run


@pytest.mark.parametrize("check", [True, False])
def test_a_dataset_counts_by_its_files_for_the_nodes_below_it(
    driver: Driver, ctx: Context, buckets: Buckets, check: bool
) -> None:
    def drawn(labels: bytes, name: str = "labels.csv") -> Graph:
        file = stored(ctx, labels, name).model_dump()
        return graph(
            [
                dataset("data", paths="s3://data/cifar/", files=[file], check=check),
                node("train", stored(ctx, b"print(1)\n"), reuse=ON),
            ],
            ("data", "train"),
        )

    workflow = driver.workflow(drawn(b"1"))
    run_all(driver, driver.start(workflow=workflow))
    same = driver.start(workflow=workflow)
    assert driver.states(same) == {"data": "succeeded", "train": "reused"}
    assert explained(driver, same, "data").sentence == "Looked at, as data is in every run."

    for change in (
        lambda: driver.save(workflow, drawn(b"2")),
        lambda: driver.save(workflow, drawn(b"2", "l")),
    ):
        change()
        run = driver.start(workflow=workflow)
        assert changed(driver, run, "train") == ["inputs.data"]
        run_all(driver, run)
    buckets.objects["data", "cifar/new.bin"] = b""
    run = driver.start(workflow=workflow)
    assert changed(driver, run, "train") == ["inputs.data"]
    assert (changed(driver, run, "data") == ["paths"]) is check


def test_an_upstream_that_left_other_bytes_makes_the_node_run(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    run_all(driver, driver.start(workflow=workflow))
    forced = driver.start(workflow=workflow, force=True)
    run_all(driver, forced, {"make": {"outputs/make.txt": b"other"}})

    # The newest result of `make` is taken, and `train` was run with that as well.
    run = driver.start(workflow=workflow)

    assert {node.reused_from for node in driver.get(run).nodes} == {forced}


def test_only_a_success_is_reused(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    driver.end(first, "make")
    driver.end(first, "train", 1, files=MODEL)
    second = driver.start(workflow=workflow)
    assert driver.states(second) == {"make": "reused", "train": "queued", "report": "waiting"}
    assert explained(driver, second, "train").sentence == "Ran: there was no success before."
    driver.stop_node(second, "train")

    assert driver.states(driver.start(workflow=workflow))["train"] == "queued"


def test_two_runs_at_once_each_run_their_nodes_and_the_newest_success_is_reused(
    driver: Driver, ctx: Context
) -> None:
    drawn = graph([node("a", stored(ctx, b"print(1)\n"), reuse=ON)], settings={"concurrent_runs": 3})
    workflow = driver.workflow(drawn)
    one, other = driver.start(workflow=workflow), driver.start(workflow=workflow)
    assert [driver.states(run)["a"] for run in (one, other)] == ["queued", "queued"]
    driver.end(other, "a")
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]
    driver.end(one, "a")

    third = driver.start(workflow=workflow)

    assert driver.node(third, "a").reused_from == one
    fourth = driver.start(workflow=workflow)
    assert (driver.node(fourth, "a").reused_from, driver.node(fourth, "a").sentence) == (
        one,
        "Reused the result of run 1.",
    )


def test_the_age_of_a_result_is_that_of_its_job(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx, reuse={"mode": "on", "max_age_seconds": 3600}))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    driver.ctx.clock.advance(3000)  # type: ignore[attr-defined]
    assert driver.node(driver.start(workflow=workflow), "train").reused_from == first
    driver.ctx.clock.advance(3000)  # type: ignore[attr-defined]

    run = driver.start(workflow=workflow)

    assert driver.states(run)["train"] == "queued"
    assert explained(driver, run, "train").sentence == "Ran because its last success is older than 1 hour."
    assert run_all(driver, run) == {"make": "reused", "train": "succeeded", "report": "reused"}


def test_a_result_whose_artifacts_were_removed_is_not_reused(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    limits = dataclasses.replace(ctx.limits, artifact_max_total_bytes=0)
    retention.enforce(dataclasses.replace(ctx, limits=limits))

    run = driver.start(workflow=workflow)

    assert driver.states(run)["make"] == "queued"
    assert (
        explained(driver, run, "make").sentence
        == "Ran because artifacts of the earlier success were removed."
    )


def test_a_result_whose_job_was_deleted_is_not_reused(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    with ctx.db.write() as session:
        jobs.delete(ctx, session, str(driver.node(first, "make").job))

    run = driver.start(workflow=workflow)

    assert driver.states(run)["make"] == "queued"
    assert explained(driver, run, "make").sentence == "Ran: there was no success before."


def test_results_of_other_workflows_and_of_unsaved_graphs_are_left_alone(
    driver: Driver, ctx: Context
) -> None:
    drawn = chain(ctx)
    run_all(driver, driver.start(workflow=driver.workflow(drawn)))

    other = driver.start(workflow=driver.workflow(drawn))
    unsaved = driver.start(drawn)

    assert driver.states(other)["make"] == "queued"
    assert driver.states(unsaved)["make"] == "queued"
    assert explained(driver, unsaved, "make").sentence == "Ran: only runs of a saved workflow reuse results."


def test_a_node_that_does_not_reuse_runs_and_is_compared_all_the_same(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx, reuse={"mode": "off"}))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    run = driver.start(workflow=workflow)

    why = explained(driver, run, "train")

    assert (why.sentence, why.compared_run) == ("Ran: reuse is off.", first)
    assert why.components
    assert not any(one.changed for one in why.components)
    run_all(driver, run)
    driver.save(workflow, chain(ctx))
    assert driver.node(driver.start(workflow=workflow), "train").reused_from == run


def test_a_failed_upstream_whose_files_are_the_same_gives_the_same_result(
    driver: Driver, ctx: Context
) -> None:
    drawn = graph(
        [node("a", stored(ctx, b"print(1)\n")), node("b", stored(ctx, b"print(2)\n"), reuse=ON)],
        ("a", "b", "always"),
    )
    workflow = driver.workflow(drawn)
    for number, (exit_code, files, state) in enumerate(
        [(0, MODEL, "queued"), (1, MODEL, "reused"), (1, {}, "queued")]
    ):
        run = driver.start(workflow=workflow)
        driver.end(run, "a", exit_code, files=files)
        assert driver.states(run)["b"] == state, number
        run_all(driver, run)


def test_what_was_reused_is_done_and_gives_its_outputs_to_runs_of_a_part(
    driver: Driver, ctx: Context
) -> None:
    workflow = driver.workflow(chain(ctx))
    first = driver.start(workflow=workflow)
    run_all(driver, first)
    driver.save(workflow, chain(ctx, arguments="1"))
    second = driver.start(workflow=workflow)
    driver.end(second, "train", 1)
    assert driver.states(second) == {"make": "reused", "train": "failed", "report": "upstream_failed"}

    part = driver.start(workflow=workflow, mode={"kind": "unfinished"})

    assert driver.states(part) == {"make": "left_out", "train": "queued", "report": "waiting"}
    assert driver.node(part, "train").inputs_from == {"make": second}
    assert driver.inputs(part, "train") == {"make": f"job:{driver.node(first, 'make').job}"}


def test_a_resumed_run_reuses_its_own_results_only_where_reuse_is_on(driver: Driver, ctx: Context) -> None:
    script = stored(ctx, b"print(1)\n")
    drawn = graph(
        [node("a", script), node("on", script, reuse=ON), node("off", script, arguments="off")],
        ("a", "on"),
        ("a", "off"),
    )
    run = driver.start(workflow=driver.workflow(drawn))
    run_all(driver, run)
    before = {name: driver.node(run, name).job for name in ("a", "on", "off")}

    driver.resume(run, nodes=["a"], downstream=True)
    driver.end(run, "a", files={"outputs/a.txt": b"a"})

    assert driver.states(run) == {"a": "succeeded", "on": "reused", "off": "queued"}
    on = driver.node(run, "on")
    assert (on.job, on.reused_from, on.attempts) == (before["on"], run, 1)
    assert driver.node(run, "off").job != before["off"]
    driver.resume(run, nodes=["on"], overrides={"on": {"arguments": "more"}})
    assert driver.states(run)["on"] == "queued"
    assert explained(driver, run, "on").sentence == "Ran because arguments changed."
    assert explained(driver, run, "on").compared_job == before["on"]


def test_what_did_not_run_is_explained_too(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    run = driver.start(workflow=workflow, mode={"kind": "to", "nodes": ["train"]})

    assert explained(driver, run, "report").sentence == "Has no part in this run: its mode leaves it out."
    assert explained(driver, run, "train").sentence == "Waits for make."
    driver.end(run, "make", 1)
    assert "make" in explained(driver, run, "train").sentence
    assert explained(driver, run, "train").components == []


def test_a_script_that_was_renamed_may_do_something_else(driver: Driver, ctx: Context) -> None:
    def drawn(name: str) -> Graph:
        return graph([node("a", FileRef(sha256=stored(ctx, b"print(1)\n").sha256, name=name), reuse=ON)])

    workflow = driver.workflow(drawn("a.py"))
    run_all(driver, driver.start(workflow=workflow))
    driver.save(workflow, drawn("b.py"))

    assert changed(driver, driver.start(workflow=workflow), "a") == ["script_name"]


def test_what_was_replaced_before_the_worker_fetched_it_counts_as_it_was_then(
    driver: Driver, ctx: Context, buckets: Buckets
) -> None:
    drawn = graph([node("a", stored(ctx, b"print(1)\n"), reuse=ON, dependency_paths="s3://data/cifar/a.bin")])
    workflow = driver.workflow(drawn)
    first = driver.start(workflow=workflow)
    buckets.objects["data", "cifar/a.bin"] = b"other"
    other = fingerprints.of_file(hashlib.md5(b"other", usedforsecurity=False).hexdigest(), 5)
    driver.end(first, "a", fetched={"s3://data/cifar/a.bin": other})
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock

    assert driver.states(driver.start(workflow=workflow)) == {"a": "reused"}
    buckets.objects["data", "cifar/a.bin"] = b"aaaa"
    run = driver.start(workflow=workflow)

    assert driver.states(run) == {"a": "queued"}
    assert changed(driver, run, "a") == ["dependency_paths"]


def test_a_worker_whose_runtime_is_another_one_counts_as_it_is(driver: Driver, ctx: Context) -> None:
    workflow = driver.workflow(chain(ctx))
    run = driver.start(workflow=workflow)
    driver.take(run, "make")
    newer = RUNTIME.model_copy(update={"packages": {"torch": "2.14.0"}})
    with ctx.db.write() as session:
        workers.beat(ctx, session, driver.worker, Heartbeat(counter=1, runtimes=[newer]))
    driver.end(run, "make")

    assert [one.after for one in explained(driver, run, "make").components if one.field == "runtime"] == [
        "torch-test: Python 3.11.2, torch 2.14.0"
    ]


def test_a_node_that_is_run_anyway_waits_for_no_storage_and_is_known_by_what_it_fetched(
    driver: Driver, ctx: Context, buckets: Buckets
) -> None:
    def drawn(mode: str) -> Graph:
        script = stored(ctx, b"print(1)\n")
        return graph([node("a", script, reuse={"mode": mode}, dependency_paths="s3://data/cifar/a.bin")])

    buckets.away = True
    workflow = driver.workflow(drawn("off"))
    first = driver.start(workflow=workflow)
    assert driver.states(first) == {"a": "queued"}
    told = {"s3://data/cifar/a.bin": fingerprints.of_file(hashlib.md5(b"aaaa").hexdigest(), 4)}
    driver.end(first, "a", fetched=told)
    buckets.away = False
    driver.save(workflow, drawn("on"))

    run = driver.start(workflow=workflow)

    assert driver.node(run, "a").reused_from == first


def test_what_is_not_known_of_the_last_success_is_said(driver: Driver, ctx: Context) -> None:
    drawn = graph([node("a", stored(ctx, b"print(1)\n"), dependency_paths="s3://data/cifar/a.bin")])
    workflow = driver.workflow(drawn)
    driver.end(driver.start(workflow=workflow), "a")
    driver.save(
        workflow,
        drawn.model_copy(update={"nodes": [drawn.nodes[0].model_copy(update={"reuse": Reuse(mode="on")})]}),
    )

    run = driver.start(workflow=workflow)

    assert explained(driver, run, "a").sentence == (
        "Ran because it is not known what lay in the storage at its last success."
    )
    assert changed(driver, run, "a") == []
