"""uv's cache is bounded: what jobs wanted longest ago goes, and nothing under an installation."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from tests.waiting import eventually
from tests.wheels import make_wheel

from torchyard_worker import job_venv
from torchyard_worker.package_cache import PackageCache

#: Bytes of each package's module.
LARGE = 400_000
NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def uv() -> Path:
    found = job_venv.uv()
    assert found is not None
    return found


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    for name in NAMES:
        make_wheel(tmp_path / "wheels", name, "1.0", code=f"DATA = '{'x' * LARGE}'\n")
    return tmp_path / "wheels"


def cache_of(tmp_path: Path, uv: Path | None, max_bytes: int) -> PackageCache:
    return PackageCache(tmp_path / "uv-cache", max_bytes=max_bytes, uv=uv)


def install(cache: PackageCache, uv: Path, wheels: Path, name: str) -> None:
    """As a job does, into a folder of its own."""
    with cache.installing() as directory:
        target = wheels.parent / "jobs" / f"{name}-{len(list(wheels.parent.glob('jobs/*')))}"
        subprocess.run(
            [
                uv,
                "pip",
                "install",
                "--no-config",
                "--no-index",
                "--target",
                target,
                "--link-mode",
                "copy",
                name,
            ],
            env={"UV_CACHE_DIR": str(directory), "UV_FIND_LINKS": str(wheels), "PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
        )
        assert (target / f"{name}.py").stat().st_size > LARGE
    cache.used([name])


def held(cache: PackageCache) -> list[str]:
    """The packages whose files are in the cache."""
    return sorted({path.stem for path in cache.directory.rglob("*.py")} & set(NAMES))


def test_the_packages_that_were_wanted_longest_ago_make_room(tmp_path: Path, uv: Path, wheels: Path) -> None:
    cache = cache_of(tmp_path, uv, int(2.5 * LARGE))
    for name in (*NAMES, "alpha"):
        install(cache, uv, wheels, name)

    cache.make_room()

    assert held(cache) == ["alpha", "gamma"]
    cache.make_room()
    assert held(cache) == ["alpha", "gamma"]
    install(cache, uv, wheels, "beta")


def test_a_cache_that_has_room_is_left_alone(tmp_path: Path, uv: Path, wheels: Path) -> None:
    cache = cache_of(tmp_path, uv, 10 * LARGE)
    cache.make_room()
    assert not cache.directory.exists()
    for name in NAMES:
        install(cache, uv, wheels, name)

    cache.make_room()

    assert held(cache) == list(NAMES)


def test_what_nobody_noted_goes_when_nothing_else_helps(tmp_path: Path, uv: Path, wheels: Path) -> None:
    cache = cache_of(tmp_path, uv, LARGE)
    for name in NAMES:
        install(cache, uv, wheels, name)
    (tmp_path / "uv-cache.json").write_text("damaged")

    cache.make_room()

    assert held(cache) == []
    install(cache, uv, wheels, "alpha")


def test_nothing_goes_while_a_job_installs(tmp_path: Path, uv: Path, wheels: Path) -> None:
    cache = cache_of(tmp_path, uv, 0)
    install(cache, uv, wheels, "alpha")

    with cache.installing():
        cache.make_room()
        assert held(cache) == ["alpha"]

    cache.make_room()
    assert held(cache) == []


def test_nothing_goes_under_an_installation_of_another_process(
    tmp_path: Path, uv: Path, wheels: Path
) -> None:
    cache = cache_of(tmp_path, uv, 0)
    install(cache, uv, wheels, "alpha")
    # uv holds this lock shared while it installs.
    lock = cache.directory / ".lock"
    with subprocess.Popen(["flock", "--shared", lock, "cat"], stdin=subprocess.PIPE) as other:
        assert other.stdin is not None
        eventually(lambda: _holds(other, lock))
        pruning = threading.Thread(target=cache.make_room)
        pruning.start()
        eventually(lambda: _children_of_us("cache"))
        assert held(cache) == ["alpha"]
        other.stdin.close()
        pruning.join(60)

    assert held(cache) == []


def _holds(process: subprocess.Popen[bytes], lock: Path) -> bool:
    inode = f":{lock.stat().st_ino} "
    return any(
        inode in line for line in Path("/proc/locks").read_text().splitlines() if str(process.pid) in line
    )


def _children_of_us(word: str) -> bool:
    ours = Path(f"/proc/self/task/{os.getpid()}/children").parent.parent
    found = [child for task in ours.iterdir() for child in (task / "children").read_text().split()]
    return any(word.encode() in Path(f"/proc/{child}/cmdline").read_bytes() for child in found)


def test_without_uv_there_is_nothing_to_do(tmp_path: Path) -> None:
    cache_of(tmp_path, None, 0).make_room()


def test_a_uv_that_fails_harms_no_job(tmp_path: Path, uv: Path, wheels: Path) -> None:
    install(cache_of(tmp_path, uv, 0), uv, wheels, "alpha")
    cache = cache_of(tmp_path, Path("/bin/false"), 0)

    cache.make_room()

    assert held(cache) == ["alpha"]
