import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.yards import NOW, Machine, Plan, attempt, busy, gpus, plan, worker, workers_of

from torchyard.contracts.jobs import Resources
from torchyard.contracts.runner import Gpu
from torchyard.domain.placement import Placement, PlacementSettings, WaitingAttempt


def explanation(decided: Plan, name: str) -> str:
    return decided.waiting[name].explanation


def test_an_attempt_that_rests_is_placed_only_when_its_pause_is_over() -> None:
    resting = replace(attempt("a"), not_before=NOW + timedelta(seconds=10))

    early = plan([resting, attempt("b")], [worker("w")], {}, NOW)
    late = plan([resting], [worker("w")], {}, NOW + timedelta(seconds=10))

    assert [placement.attempt_id for placement in early.placements] == ["b"]
    assert early.waiting["a"].explanation == "pauses after a failure, until 12:00:10 UTC"
    assert [placement.attempt_id for placement in late.placements] == ["a"]


def test_an_attempt_that_fits_is_placed() -> None:
    decided = plan([attempt("a")], [worker("w")], {}, NOW)
    assert decided == Plan(placements=(Placement(attempt_id="a", worker_id="w", gpus=()),), waiting={})


def test_nothing_waiting_is_an_empty_plan() -> None:
    assert plan([], [worker("w")], {}, NOW) == Plan(placements=(), waiting={})


def test_priority_goes_before_fair_share_and_age() -> None:
    waiting = [attempt("old", age=100), attempt("urgent", priority=1), attempt("lazy", priority=-1, age=200)]
    decided = plan(waiting, [worker("w", cpus=1)], {"ann": 5}, NOW)
    assert workers_of(decided) == {"urgent": "w"}
    assert list(decided.waiting) == ["old", "lazy"]


def test_who_has_the_least_running_goes_first() -> None:
    waiting = [attempt("a", owner="ann", age=100), attempt("b", owner="bob")]
    assert workers_of(plan(waiting, [worker("w", cpus=1)], {"ann": 1}, NOW)) == {"b": "w"}
    assert workers_of(plan(waiting, [worker("w", cpus=1)], {"ann": 1, "bob": 1}, NOW)) == {"a": "w"}


def test_what_was_placed_in_this_plan_counts_for_fair_share() -> None:
    waiting = [attempt(f"a{number}", owner="ann", age=100 - number) for number in range(4)]
    waiting += [attempt(f"b{number}", owner="bob", age=50 - number) for number in range(4)]
    decided = plan(waiting, [worker("w", cpus=4)], {}, NOW)
    assert list(workers_of(decided)) == ["a0", "b0", "a1", "b1"]


def test_what_was_placed_with_higher_priority_counts_for_fair_share() -> None:
    waiting = [
        attempt("a", owner="ann", age=100),
        attempt("a-urgent", owner="ann", priority=1),
        attempt("b", owner="bob"),
    ]
    assert list(workers_of(plan(waiting, [worker("w", cpus=2)], {}, NOW))) == ["a-urgent", "b"]


def test_age_decides_within_an_owner() -> None:
    decided = plan([attempt("new", age=1), attempt("old", age=2)], [worker("w", cpus=1)], {}, NOW)
    assert workers_of(decided) == {"old": "w"}


def test_work_goes_where_it_leaves_the_least_free() -> None:
    workers = [worker("large", cpus=16), worker("tight", cpus=2), worker("small", cpus=4)]
    assert workers_of(plan([attempt("a", resources=Resources(cpus=2))], workers, {}, NOW)) == {"a": "tight"}


def test_gpu_work_is_packed() -> None:
    workers = [worker("empty", has=gpus(4)), busy(worker("begun", has=gpus(4)), gpu_count=2)]
    assert workers_of(plan([attempt("a", resources=Resources(gpus=1))], workers, {}, NOW)) == {"a": "begun"}


def near(wanted: WaitingAttempt, *workers: str) -> WaitingAttempt:
    return replace(wanted, near=frozenset(workers))


def test_work_goes_where_its_inputs_are_rather_than_where_it_fits_closest() -> None:
    yard = [worker("tight", cpus=1), worker("wide", cpus=64), worker("wider", cpus=128)]

    assert workers_of(plan([near(attempt("a"), "wide", "wider", "gone")], yard, {}, NOW)) == {"a": "wide"}
    assert workers_of(plan([attempt("a")], yard, {}, NOW)) == {"a": "tight"}


def test_gpus_are_not_wasted_for_what_lies_near() -> None:
    yard = [worker("few", has=gpus(1)), worker("many", has=gpus(4)), worker("plain")]
    on_gpu = attempt("g", resources=Resources(gpus=1))

    assert workers_of(plan([near(on_gpu, "many")], yard, {}, NOW)) == {"g": "few"}
    assert workers_of(plan([near(attempt("c"), "many")], yard, {}, NOW)) == {"c": "plain"}


def test_nothing_waits_for_the_worker_that_has_its_inputs() -> None:
    full = busy(worker("near"), cpus=4)

    decided = plan([near(attempt("a", age=1000), "near")], [full, worker("far")], {}, NOW)

    assert workers_of(decided) == {"a": "far"}


def test_cpu_work_avoids_gpu_workers_where_others_have_room() -> None:
    workers = [worker("gpu", cpus=2, has=gpus(1)), worker("plain", cpus=64)]
    assert workers_of(plan([attempt("a")], workers, {}, NOW)) == {"a": "plain"}
    assert workers_of(plan([attempt("a")], workers[:1], {}, NOW)) == {"a": "gpu"}


def test_a_gpu_model_is_matched_in_any_case() -> None:
    mixed = worker("w", cpus=8, has=gpus(1, model="NVIDIA L4", memory_mb=24_000) + gpus(2))
    waiting = [attempt("a", resources=Resources(gpus=2, gpu_model="a100"))]
    (placement,) = plan(waiting, [mixed], {}, NOW).placements
    assert all("A100" in uuid for uuid in placement.gpus)
    assert len(placement.gpus) == 2


def test_without_a_model_the_smallest_gpus_are_given() -> None:
    mixed = worker("w", has=gpus(1) + gpus(1, model="NVIDIA L4", memory_mb=24_000))
    (placement,) = plan([attempt("a", resources=Resources(gpus=1))], [mixed], {}, NOW).placements
    assert "L4" in placement.gpus[0]


def test_a_gpu_model_without_gpus_asks_for_nothing() -> None:
    waiting = [attempt("a", resources=Resources(gpus=0, gpu_model="h100"))]
    assert workers_of(plan(waiting, [worker("w")], {}, NOW)) == {"a": "w"}


def test_a_smaller_attempt_passes_a_larger_one_that_does_not_fit() -> None:
    half = busy(worker("w"), cpus=2)
    waiting = [attempt("large", age=60, resources=Resources(cpus=4)), attempt("small")]
    decided = plan(waiting, [half], {}, NOW)
    assert workers_of(decided) == {"small": "w"}
    assert explanation(decided, "large") == "needs 4 CPU cores; the largest free worker has 1"


def test_nothing_that_a_starving_attempt_needs_is_given_away() -> None:
    half = busy(worker("w"), cpus=2)
    waiting = [attempt("large", age=301, resources=Resources(cpus=4)), attempt("small")]
    decided = plan(waiting, [half], {}, NOW)
    assert workers_of(decided) == {}
    assert explanation(decided, "small") == "waits for its turn: w is kept for a job that waited longer"


def test_how_long_an_attempt_starves_is_a_setting() -> None:
    half = busy(worker("w"), cpus=2)
    waiting = [attempt("large", age=301, resources=Resources(cpus=4)), attempt("small")]
    patient = PlacementSettings(starvation_after=timedelta(hours=1))
    assert workers_of(plan(waiting, [half], {}, NOW, patient)) == {"small": "w"}


def test_what_a_starving_attempt_does_not_need_is_given_away() -> None:
    """A training that waits for GPUs keeps no CPU core idle beyond those it asked for."""
    full = busy(worker("w", cpus=8, has=gpus(2)), gpu_count=2, cpus=2)
    waiting = [attempt("large", age=999, resources=Resources(gpus=2, cpus=4))]
    waiting += [attempt(f"small{number}", age=10 - number) for number in range(4)]
    decided = plan(waiting, [full], {}, NOW)
    assert list(workers_of(decided)) == ["small0", "small1"]


def test_room_is_kept_on_one_worker_only() -> None:
    workers = [busy(worker("w1"), cpus=3), busy(worker("w2"), cpus=2)]
    waiting = [attempt("large", age=999, resources=Resources(cpus=4)), attempt("small")]
    assert workers_of(plan(waiting, workers, {}, NOW)) == {"small": "w1"}


def test_each_starving_attempt_has_a_worker_kept() -> None:
    workers = [busy(worker("w1"), cpus=2), busy(worker("w2"), cpus=2)]
    waiting = [attempt(f"large{number}", age=999, resources=Resources(cpus=4)) for number in range(3)]
    decided = plan([*waiting, attempt("small")], workers, {}, NOW)
    assert workers_of(decided) == {}
    assert "is kept for a job that waited longer" in explanation(decided, "small")


def test_no_room_is_kept_for_what_never_fits() -> None:
    waiting = [attempt("huge", age=999, resources=Resources(cpus=64)), attempt("small")]
    assert workers_of(plan(waiting, [worker("w")], {}, NOW)) == {"small": "w"}


def test_a_kept_worker_frees_up_for_the_attempt_it_is_kept_for() -> None:
    """Short attempts arrive without end, a large one waits: it starts as soon as what ran has ended."""
    yard = [worker("w", cpus=4)]
    ends = [1, 2, 3, 4]  # of four attempts that run at first, one core each
    large = attempt("large", age=301, resources=Resources(cpus=4), owner="bob")
    for step in range(5):
        running = sum(end > step for end in ends)
        small = attempt(f"small{step}", owner=f"owner{step}", age=100)
        decided = plan([large, small], [busy(yard[0], cpus=running)], {}, NOW)
        assert workers_of(decided) == ({"large": "w"} if running == 0 else {})


def test_without_workers_it_says_so() -> None:
    decided = plan([attempt("a"), attempt("b")], [], {}, NOW)
    assert {waiting.explanation for waiting in decided.waiting.values()} == {
        "waits for a worker: none is connected"
    }


def test_an_unknown_runtime_is_named() -> None:
    decided = plan([attempt("a", runtime="x")], [worker("w")], {}, NOW)
    assert explanation(decided, "a") == "waits for runtime 'x': no connected worker offers it"


def test_workers_without_the_runtime_do_not_count() -> None:
    workers = [worker("large", cpus=64, runtimes=("other",)), worker("small", cpus=2)]
    decided = plan([attempt("a", resources=Resources(cpus=8))], workers, {}, NOW)
    assert explanation(decided, "a") == (
        "needs 8 CPU cores; the largest worker has 2 in all, so this can't start until a larger worker joins"
    )


def test_what_no_worker_ever_has_is_told_with_figures() -> None:
    decided = plan([attempt("a", resources=Resources(memory_mb=9000))], [worker("w")], {}, NOW)
    assert explanation(decided, "a") == (
        "needs 9000 MiB of memory; the largest worker has 8192 MiB in all, "
        "so this can't start until a larger worker joins"
    )


def test_what_no_worker_has_together_is_told() -> None:
    workers = [worker("cores", cpus=64, memory_mb=1024), worker("memory", cpus=1, memory_mb=65536)]
    decided = plan([attempt("a", resources=Resources(cpus=8, memory_mb=9000))], workers, {}, NOW)
    assert explanation(decided, "a") == (
        "needs 8 CPU cores and 9000 MiB of memory on one worker; none has all of it, "
        "so this can't start until a larger worker joins"
    )


def test_what_no_worker_has_free_is_told_with_figures() -> None:
    decided = plan(
        [attempt("a", resources=Resources(gpus=2))], [busy(worker("w", has=gpus(2)), gpu_count=1)], {}, NOW
    )
    assert explanation(decided, "a") == "needs 2 GPUs; the largest free worker has 1"


def test_a_gpu_model_stands_in_the_explanation() -> None:
    full = busy(worker("w", has=gpus(1)), gpu_count=1)
    decided = plan([attempt("a", resources=Resources(gpus=1, gpu_model="A100"))], [full], {}, NOW)
    assert explanation(decided, "a") == "needs 1 GPU of model 'a100'; the largest free worker has 0"


def test_what_no_worker_has_free_together_is_told() -> None:
    workers = [busy(worker("w1"), cpus=3), busy(worker("w2"), memory_mb=8000)]
    decided = plan([attempt("a", resources=Resources(cpus=4, memory_mb=4096))], workers, {}, NOW)
    assert explanation(decided, "a") == (
        "needs 4 CPU cores and 4096 MiB of memory on one worker; none has all of it free"
    )


def test_those_behind_wait_for_their_turn() -> None:
    full = busy(worker("w"), cpus=4)
    decided = plan([attempt(name, age=ord("z") - ord(name)) for name in "abcd"], [full], {}, NOW)
    assert [waiting.position for waiting in decided.waiting.values()] == [1, 2, 3, 4]
    assert explanation(decided, "a") == "needs 1 CPU core; the largest free worker has 0"
    assert explanation(decided, "b") == "waits for its turn: 1 job is ahead"
    assert explanation(decided, "d") == "waits for its turn: 3 jobs are ahead"


def test_an_overcommitted_worker_is_full() -> None:
    decided = plan([attempt("a")], [busy(worker("w"), cpus=9)], {}, NOW)
    assert explanation(decided, "a") == "needs 1 CPU core; the largest free worker has 0"


def test_ten_thousand_waiting_are_planned_whole() -> None:
    chance = random.Random(1)
    waiting = [
        attempt(
            f"a{number:05}",
            owner=f"o{number % 17}",
            priority=chance.randint(0, 2),
            age=chance.randint(0, 1000),
            resources=Resources(gpus=chance.choice([0, 0, 1, 2]), memory_mb=chance.randint(100, 9000)),
        )
        for number in range(10_000)
    ]
    workers = [worker(f"w{number:02}", cpus=64, memory_mb=256_000, has=gpus(8)) for number in range(50)]
    decided = plan(waiting, workers, {}, NOW)
    assert len(decided.placements) + len(decided.waiting) == 10_000
    assert list(decided.waiting.values())[-1].position == len(decided.waiting)


MODELS = ["NVIDIA A100", "NVIDIA L4"]


@st.composite
def yards(draw: st.DrawFn) -> list[Machine]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        has = tuple(
            Gpu(uuid=f"{number}-{place}", model=model, memory_mb=1000 * draw(st.integers(1, 3)))
            for place, model in enumerate(draw(st.lists(st.sampled_from(MODELS), max_size=4)))
        )
        runtimes = tuple(draw(st.lists(st.sampled_from(["torch", "jax"]), min_size=1, max_size=2)))
        idle = worker(f"w{number}", cpus=draw(st.integers(1, 6)), memory_mb=draw(st.integers(1, 6)) * 100)
        capacity = replace(idle.capacity, gpus=has, runtimes=frozenset(runtimes))
        idle = replace(idle, capacity=capacity, free_gpus=has)
        found.append(
            busy(
                idle,
                cpus=draw(st.integers(0, idle.free_cpus)),
                memory_mb=draw(st.integers(0, 3)) * 100,
                gpu_count=draw(st.integers(0, len(has))),
            )
        )
    return found


@st.composite
def queues(draw: st.DrawFn) -> list[WaitingAttempt]:
    return [
        replace(
            attempt(
                f"a{number}",
                owner=draw(st.sampled_from(["ann", "bob", "eve"])),
                priority=draw(st.sampled_from([0, 0, 0, 1])),
                age=draw(st.sampled_from([0, 10, 10, 299, 300, 1000])),
                runtime=draw(st.sampled_from(["torch", "torch", "jax", "other"])),
                resources=Resources(
                    gpus=draw(st.sampled_from([0, 0, 1, 2, 3])),
                    gpu_model=draw(st.sampled_from([None, None, "a100", "L4"])),
                    cpus=draw(st.integers(1, 6)),
                    memory_mb=draw(st.integers(1, 6)) * 100,
                ),
            ),
            near=frozenset(draw(st.sets(st.sampled_from(["w0", "w1", "w9"])))),
        )
        for number in range(draw(st.integers(0, 10)))
    ]


COUNTS = st.dictionaries(st.sampled_from(["ann", "bob"]), st.integers(0, 3))
PATIENCE = st.sampled_from([timedelta(minutes=5), timedelta(days=1)])


def left_over(workers: list[Machine], waiting: list[WaitingAttempt], decided: Plan) -> list[Machine]:
    """The workers after the plan; fails where it gave what was not free."""
    asked = {one.attempt_id: one for one in waiting}
    left = {one.name: one for one in workers}
    for placement in decided.placements:
        here, wanted = left[placement.worker_id], asked[placement.attempt_id]
        free = {gpu.uuid: gpu for gpu in here.free_gpus}
        given = [free.pop(uuid) for uuid in placement.gpus]
        assert len(given) == wanted.resources.gpus
        assert all((wanted.resources.gpu_model or "").lower() in gpu.model.lower() for gpu in given)
        assert wanted.runtime in here.capacity.runtimes
        left[placement.worker_id] = replace(
            here,
            free_cpus=here.free_cpus - wanted.resources.cpus,
            free_memory_mb=here.free_memory_mb - wanted.resources.memory_mb,
            free_gpus=tuple(free.values()),
        )
    changed = [one for name, one in left.items() if any(name == p.worker_id for p in decided.placements)]
    assert all(one.free_cpus >= 0 and one.free_memory_mb >= 0 for one in changed)
    return list(left.values())


def fits(one: WaitingAttempt, here: Machine) -> bool:
    model = (one.resources.gpu_model or "").lower()
    return (
        one.runtime in here.capacity.runtimes
        and here.free_cpus >= one.resources.cpus
        and here.free_memory_mb >= one.resources.memory_mb
        and sum(model in gpu.model.lower() for gpu in here.free_gpus) >= one.resources.gpus
    )


@given(queues(), yards(), COUNTS, PATIENCE)
@settings(database=None, deadline=None, max_examples=400)
def test_a_plan_gives_only_what_is_free_and_loses_nobody(
    waiting: list[WaitingAttempt], workers: list[Machine], running: dict[str, int], patience: timedelta
) -> None:
    decided = plan(waiting, workers, running, NOW, PlacementSettings(starvation_after=patience))
    left_over(workers, waiting, decided)
    placed = [placement.attempt_id for placement in decided.placements]
    assert Counter([*placed, *decided.waiting]) == Counter(one.attempt_id for one in waiting)
    assert [one.position for one in decided.waiting.values()] == list(range(1, len(decided.waiting) + 1))


@given(queues(), yards(), COUNTS, PATIENCE)
@settings(database=None, deadline=None, max_examples=400)
def test_nobody_waits_for_what_is_free_unless_it_is_kept(
    waiting: list[WaitingAttempt], workers: list[Machine], running: dict[str, int], patience: timedelta
) -> None:
    decided = plan(waiting, workers, running, NOW, PlacementSettings(starvation_after=patience))
    left = left_over(workers, waiting, decided)
    could = [one for one in waiting if one.attempt_id in decided.waiting and any(fits(one, w) for w in left)]
    if patience == timedelta(days=1):
        assert could == []
    for one in could:
        assert "turn" in explanation(decided, one.attempt_id)


@given(queues(), yards(), COUNTS)
@settings(database=None, deadline=None, max_examples=200)
def test_without_starvation_nobody_passes_one_that_would_have_fitted(
    waiting: list[WaitingAttempt], workers: list[Machine], running: dict[str, int]
) -> None:
    patient = PlacementSettings(starvation_after=timedelta(days=1))
    decided = plan(waiting, workers, running, NOW, patient)
    asked = {one.attempt_id: one for one in waiting}
    if not decided.placements:
        return
    last = asked[decided.placements[-1].attempt_id]
    without_last = replace(decided, placements=decided.placements[:-1])
    left = left_over(workers, waiting, without_last)
    before = [asked[name] for name in decided.waiting if asked[name].priority > last.priority]
    assert not [other for other in before if any(fits(other, one) for one in left)]


@given(queues(), yards(), COUNTS, st.randoms(use_true_random=False))
@settings(database=None, deadline=None, max_examples=200)
def test_a_plan_does_not_depend_on_the_order_of_its_input(
    waiting: list[WaitingAttempt],
    workers: list[Machine],
    running: dict[str, int],
    chance: random.Random,
) -> None:
    mixed, other = list(waiting), list(workers)
    chance.shuffle(mixed)
    chance.shuffle(other)
    one, two = plan(waiting, workers, running, NOW), plan(mixed, other, running, NOW)
    assert one == two
    assert list(one.waiting) == list(two.waiting)
