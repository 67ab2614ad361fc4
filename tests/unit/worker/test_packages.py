"""A job's requirements, installed before its script, from a directory of tiny wheels."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.servers import free_port
from tests.unit.worker.small_runtime import make_runtime
from tests.waiting import eventually
from tests.wheels import make_wheel

from torchyard.contracts.runner import Cause, ClaimedAttempt
from torchyard.errors import DependencyFailed, RequirementsFailed
from torchyard_worker import job_venv, packages, runtimes
from torchyard_worker.attempts import HeldAttempt, Stopped, StopWish
from torchyard_worker.job_venv import JobVenv
from torchyard_worker.package_cache import PackageCache
from torchyard_worker.packages import Installation, Requirements
from torchyard_worker.tree_cache import TreeCache


def claimed(requirements: str = "", *, zipped: bool = False) -> ClaimedAttempt:
    spec = {
        "name": "a job",
        "runtime": "test",
        "script": {"sha256": "0" * 64, "name": "main.py"},
        "dependencies": {"sha256": "1" * 64, "name": "deps.zip"} if zipped else None,
        "requirements": requirements,
    }
    return ClaimedAttempt.model_validate(
        {"attempt_id": "attempt-1", "job_id": "job-1", "number": 1, "spec": spec}
    )


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    held = HeldAttempt("attempt-1", confirmed_at=0.0)
    yield held
    held.close()


@pytest.fixture
def venv(tmp_path: Path) -> JobVenv:
    runtime = make_runtime(tmp_path / "runtimes" / "test")
    return job_venv.make(tmp_path / "attempt" / "venv", runtimes.read(runtime))


@pytest.fixture
def installation(held: HeldAttempt, venv: JobVenv, tmp_path: Path) -> Installation:
    place = tmp_path / "wheels"
    make_wheel(place, "gadgets", "2.0", requires=("widgets",))
    make_wheel(place, "widgets", "3.0")
    make_wheel(place, "picky", "1.0", requires=("torch<2",))
    variables = {
        "HOME": str(tmp_path / "attempt"),
        "PATH": f"{venv.path}/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(venv.path),
        "PIP_CONSTRAINT": venv.constraints.as_uri(),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(place),
        "UV_FIND_LINKS": str(place),
    }
    cache = PackageCache(tmp_path / "cache", max_bytes=10**9, uv=job_venv.uv())
    kept = TreeCache(tmp_path / "trees", max_bytes=10**9)
    return Installation(held, tmp_path / "attempt", variables, cache, kept, 0)


def of(*lines: str) -> Requirements:
    return Requirements(lines, "the job's requirements")


def without(venv: JobVenv, name: str) -> JobVenv:
    (venv.path / "bin" / name).unlink()
    return venv


def test_the_field_and_the_zip_s_file_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("\ufeffgadgets  # ours\n", "utf-8")

    assert packages.wanted(claimed("widgets"), tmp_path).lines == ("widgets",)  # no zip, so no file of one
    both = packages.wanted(claimed("widgets", zipped=True), tmp_path)
    assert both == Requirements(
        ("widgets", "gadgets"), "the job's requirements and requirements.txt in deps.zip"
    )
    assert packages.wanted(claimed(), tmp_path).lines == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"widgets\n-e .\n", r"requirements.txt in deps.zip, line 2: the option '-e .' is not allowed"),
        ("widgets".encode("utf-16"), "requirements.txt in deps.zip, it is no UTF-8"),
    ],
)
def test_a_file_in_the_zip_that_can_t_be_used_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "requirements.txt").write_bytes(content)
    with pytest.raises(RequirementsFailed, match=reason):
        packages.wanted(claimed(zipped=True), tmp_path)


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_they_land_in_the_job_s_venv_and_the_runtime_s_count(
    venv: JobVenv, installation: Installation, tool: str
) -> None:
    venv = venv if tool == "uv" else without(venv, "uv")

    told = packages.install(of("gadgets>=1"), venv, installation)

    assert told.startswith("installed the job's requirements in ")
    assert told.endswith(" s: gadgets 2.0")
    assert (venv.packages / "gadgets.py").exists()
    assert not (venv.packages / "widgets.py").exists()
    assert installation.cache.directory.exists() == (tool == "uv")


def test_what_the_runtime_has_is_not_installed(venv: JobVenv, installation: Installation) -> None:
    told = packages.install(of("widgets", "torch>=2"), venv, installation)

    assert told.endswith(" s: the runtime has everything")
    assert [path.name for path in venv.packages.iterdir()] == ["00-torchyard.pth"]


def test_a_file_of_the_cache_is_never_the_job_s_own_to_change(
    venv: JobVenv, installation: Installation
) -> None:
    packages.install(of("gadgets"), venv, installation)

    assert (venv.packages / "gadgets.py").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        ("torch==2.0", ("torch==2.0", "torch==2.13.0+cpu")),
        ("picky", ("picky", "torch")),
        ("not-to-be-found==7", ("not-to-be-found==7",)),
        ("gadgets>5", ("gadgets>5",)),
    ],
)
@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_what_can_t_be_had_fails_with_the_resolver_s_reason(
    venv: JobVenv, installation: Installation, tool: str, line: str, reasons: tuple[str, ...]
) -> None:
    venv = venv if tool == "uv" else without(venv, "uv")

    with pytest.raises(RequirementsFailed) as refusal:
        packages.install(of(line), venv, installation)

    assert all(reason in refusal.value.message for reason in reasons), refusal.value.message
    assert "\n" not in refusal.value.message
    assert list(venv.packages.glob("*.dist-info")) == []


def test_where_uv_has_no_answer_pip_is_asked(
    venv: JobVenv, installation: Installation, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    installation.environment["UV_FIND_LINKS"] = str(nowhere)  # type: ignore[index]

    assert packages.install(of("gadgets"), venv, installation).endswith(" s: gadgets 2.0")


@pytest.fixture
def silent_index(installation: Installation) -> Iterator[None]:
    """An index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        variables = installation.environment
        assert isinstance(variables, dict)
        del variables["PIP_NO_INDEX"]
        variables |= {"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
        yield


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_index_that_is_away_may_be_back_the_next_time(
    venv: JobVenv, installation: Installation, tool: str
) -> None:
    venv = venv if tool == "uv" else without(venv, "uv")
    address = f"http://127.0.0.1:{free_port()}/simple"
    variables = installation.environment
    assert isinstance(variables, dict)
    del variables["PIP_NO_INDEX"]
    variables |= {"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
    variables |= {"PIP_RETRIES": "1", "UV_HTTP_RETRIES": "0"}  # as often as it takes, but quickly

    with pytest.raises(DependencyFailed) as away:
        packages.install(of("not-to-be-found"), venv, installation)

    assert away.value.code == "dependency_unavailable"
    assert away.value.message.startswith("the package index does not answer: ")
    assert "not-to-be-found" in away.value.message


def test_of_many_versions_the_last_ones_are_told(
    venv: JobVenv, installation: Installation, tmp_path: Path
) -> None:
    for number in range(10):
        make_wheel(tmp_path / "wheels", "many", f"1.{number}")

    with pytest.raises(RequirementsFailed) as refusal:
        packages.install(of("many>2"), without(venv, "uv"), installation)

    assert "many>2 (from versions: …, 1.5, 1.6, 1.7, 1.8, 1.9); No matching" in refusal.value.message


@pytest.mark.usefixtures("silent_index")
def test_a_cancelled_job_stops_installing(
    venv: JobVenv, installation: Installation, held: HeldAttempt, tmp_path: Path
) -> None:
    stopped: list[Stopped] = []

    def install() -> None:
        try:
            packages.install(of("gadgets"), venv, installation)
        except Stopped as wish:
            stopped.append(wish)

    thread = threading.Thread(target=install)
    thread.start()
    eventually((tmp_path / "attempt" / "installing.log").exists)
    held.stop(StopWish(Cause.CANCELLED))
    thread.join(20)

    assert [one.wish.cause for one in stopped] == [Cause.CANCELLED]


@pytest.mark.usefixtures("silent_index")
def test_the_time_limit_holds_for_installing_too(venv: JobVenv, installation: Installation) -> None:
    hurried = replace(installation, seconds=1)

    with pytest.raises(Stopped) as stopped:
        packages.install(of("gadgets"), venv, hurried)

    assert stopped.value.wish.cause is Cause.TIMEOUT
