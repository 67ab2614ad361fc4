"""Dataset nodes: looked for before anything below them starts, without holding up anything else."""

from collections.abc import Callable

import pytest
from tests.driving import Driver, Later
from tests.factories import stored, with_storage
from tests.graphs import dataset, graph, node

from torchyard.contracts.connections import FoundPath, StorageAccess
from torchyard.contracts.jobs import FileRef, Reason
from torchyard.contracts.runs import RunState
from torchyard.contracts.storage_paths import StoragePath
from torchyard.errors import Unavailable
from torchyard.services import jobs
from torchyard.services.context import Context
from torchyard.testing import MemoryBuckets


class AwayForAWhile(MemoryBuckets):
    """A storage that answers after some questions."""

    failures = 0
    before: Callable[[], None] | None = None

    def find(self, access: StorageAccess, path: StoragePath) -> FoundPath:
        if self.before is not None:
            self.before()
        if self.failures:
            self.failures -= 1
            raise Unavailable("the storage does not answer", code="dependency_unavailable")
        return super().find(access, path)


@pytest.fixture
def buckets() -> AwayForAWhile:
    return AwayForAWhile({("data", "cifar/a.bin"): b"aaaa", ("data", "cifar/b.bin"): b"bb"})


@pytest.fixture
def ctx(ctx: Context, buckets: AwayForAWhile) -> Context:
    return with_storage(ctx, buckets)


@pytest.fixture
def script(ctx: Context) -> FileRef:
    return stored(ctx, b"print('hi')\n")


def test_what_a_dataset_names_is_looked_for_and_given_to_the_nodes_below(
    ctx: Context, script: FileRef
) -> None:
    driver = Driver(ctx)
    file = stored(ctx, b"labels", "labels.csv")
    drawn = graph(
        [
            dataset("data", paths="s3://data/${set}/", files=[file.model_dump()]),
            node("train", script),
        ],
        ("data", "train"),
        parameters=[{"name": "set", "default": "cifar"}],
    )
    run = driver.start(drawn)

    assert driver.states(run) == {"data": "succeeded", "train": "queued"}
    assert driver.node(run, "data").sentence == "3 files, 6 bytes in storage."
    assert driver.inputs(run, "train") == {"data": f"s3://data/cifar/,blob:{file.sha256}/labels.csv"}
    driver.end(run, "train")
    assert driver.get(run).state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ("s3://data/none/", Reason.DEPENDENCY_NOT_FOUND),
        ("s3://other/cifar/", Reason.DEPENDENCY_FORBIDDEN),
    ],
)
def test_a_dataset_that_is_not_there_fails_before_anything_below_it_starts(
    ctx: Context, script: FileRef, paths: str, reason: Reason
) -> None:
    driver = Driver(ctx)
    run = driver.start(
        graph([dataset("data", paths=paths), node("train", script), node("b", script)], ("data", "train"))
    )

    assert driver.states(run) == {"data": "failed", "train": "upstream_failed", "b": "queued"}
    assert driver.node(run, "data").reason is reason
    assert paths in str(driver.node(run, "data").sentence)


@pytest.mark.parametrize(("failures", "state"), [(2, "succeeded"), (3, "failed")])
def test_a_storage_that_is_away_is_asked_three_times(
    ctx: Context, buckets: AwayForAWhile, failures: int, state: str
) -> None:
    buckets.failures = failures
    driver = Driver(ctx)
    run = driver.start(graph([dataset("data", paths="s3://data/cifar/")]))

    assert driver.states(run) == {"data": state}
    if state == "failed":
        assert driver.node(run, "data").reason is Reason.DEPENDENCY_UNAVAILABLE


def test_a_dataset_that_is_not_to_be_checked_is_not_looked_for(ctx: Context) -> None:
    driver = Driver(ctx)
    run = driver.start(graph([dataset("data", paths="s3://data/none/", check=False)]))

    assert driver.states(run) == {"data": "succeeded"}


def test_a_slow_storage_holds_up_its_node_alone(ctx: Context, script: FileRef) -> None:
    pool = Later()
    driver = Driver(ctx, pool)
    drawn = graph(
        [dataset("data", paths="s3://data/cifar/"), node("train", script), node("b", script)],
        ("data", "train"),
    )
    run = driver.start(drawn)
    assert driver.states(run) == {"data": "waiting", "train": "waiting", "b": "queued"}
    driver.end(run, "b")
    assert len(pool.work) == 1

    while pool.work:
        pool.do()
        driver.engine.look()

    assert driver.states(run) == {"data": "succeeded", "train": "queued", "b": "succeeded"}


def test_what_was_being_looked_for_when_the_platform_ended_is_looked_for_again(ctx: Context) -> None:
    pool = Later()
    driver = Driver(ctx, pool)
    run = driver.start(graph([dataset("data", paths="s3://data/cifar/")]))
    pool.work.clear()

    driver.new_engine().look()
    pool.do()
    driver.engine.look()

    assert driver.get(run).state is RunState.SUCCEEDED


def test_a_run_that_is_stopped_waits_for_no_storage(ctx: Context) -> None:
    pool = Later()
    driver = Driver(ctx, pool)
    run = driver.start(graph([dataset("data", paths="s3://data/cifar/")]))
    driver.stop(run)
    assert driver.get(run).state is RunState.CANCELLED

    pool.do()
    driver.engine.look()

    assert driver.states(run) == {"data": "cancelled"}


def test_a_run_that_is_stopped_just_as_the_engine_thinks_of_it_stops_its_jobs(
    ctx: Context, buckets: AwayForAWhile, script: FileRef
) -> None:
    driver = Driver(ctx)
    nodes = [node("a", script), node("b", script), dataset("data", paths="s3://data/cifar/")]
    run = driver.start(graph(nodes, ("b", "data")))
    driver.take(run, "a")
    buckets.before = lambda: driver.stop(run, look=False)
    driver.end(run, "b")

    assert driver.states(run) == {"a": "running", "b": "succeeded", "data": "cancelled"}
    with ctx.db.read() as session:
        assert jobs.get(ctx, session, str(driver.node(run, "a").job)).cancel_requested


def test_a_mistake_of_our_own_fails_its_node_and_no_other(
    ctx: Context, buckets: AwayForAWhile, script: FileRef
) -> None:
    driver = Driver(ctx)
    buckets.before = lambda: 1 // 0  # type: ignore[return-value]
    run = driver.start(graph([dataset("data", paths="s3://data/cifar/"), node("b", script)]))

    assert driver.states(run) == {"data": "failed", "b": "queued"}
    assert driver.node(run, "data").reason is Reason.INTERNAL


def test_many_datasets_are_all_looked_for(ctx: Context) -> None:
    pool = Later()
    driver = Driver(ctx, pool)
    run = driver.start(graph([dataset(f"d{number}", paths="s3://data/cifar/") for number in range(50)]))
    assert len(pool.work) == 50

    pool.do()
    driver.engine.look()

    assert driver.get(run).counts == {"succeeded": 50}


def test_a_left_out_dataset_is_named_all_the_same(ctx: Context, script: FileRef) -> None:
    driver = Driver(ctx)
    drawn = graph([dataset("data", paths="s3://data/cifar/"), node("train", script)], ("data", "train"))
    run = driver.start(drawn, mode={"kind": "only", "nodes": ["train"]})

    assert driver.states(run) == {"data": "left_out", "train": "queued"}
    assert driver.inputs(run, "train") == {"data": "s3://data/cifar/"}
