import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.worker.small_platform import SmallPlatform, serving

from torchyard_worker import launching
from torchyard_worker.launching import Shim
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.runtimes import read
from torchyard_worker.shim import spool
from torchyard_worker.zygotes import Zygote

#: Starts a script under a shim in `directory`: `launched(code, *arguments, **launch)`.
Launched = Callable[..., Shim]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An attempt's directory, with nothing in it but the script's own."""
    place = tmp_path / "attempt"
    (place / "work").mkdir(parents=True)
    return place


@pytest.fixture(scope="session")
def zygote(runtimes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Of the runtime `test`, with nothing loaded ahead."""
    found = Zygote(tmp_path_factory.mktemp("zygote") / "home", read(runtimes / "test"), ())
    yield found
    found.close()


@pytest.fixture(params=["cold", "warm"])
def launched(directory: Path, zygote: Zygote, request: pytest.FixtureRequest) -> Iterator[Launched]:
    shims: list[Shim] = []
    warm = request.param == "warm"

    def launch(code: str, *arguments: str, **more: Any) -> Shim:
        (directory / "work" / "main.py").write_text(code)
        order = {
            "argv": [sys.executable, "main.py", *arguments],
            "cwd": str(directory / "work"),
            "env": {"PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8", "SPOOL": str(directory)},
            "timeout_seconds": 0,
            "grace_seconds": 20,
            **more,
        }
        spool.write_json(str(directory), spool.LAUNCH, order)
        shims.append(zygote.launch(directory) if warm else launching.launch(directory, Path(sys.executable)))
        return shims[-1]

    yield launch
    for shim in shims:
        shim.kill()
        launching.kill_leftovers(f"SPOOL={directory}")
        shim.close()


@pytest.fixture
def platform() -> Iterator[SmallPlatform]:
    with serving() as running:
        yield running


@pytest.fixture
def api(platform: SmallPlatform) -> Iterator[PlatformApi]:
    client = PlatformApi(platform.url, connect_timeout=5, request_timeout=10)
    yield client
    client.close()


@pytest.fixture(scope="session")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one runtime, `test`: the Python that runs the tests, without its packages."""
    place = tmp_path_factory.mktemp("runtimes") / "test"
    packages = place / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    facts = {
        "runtime": {"name": "test", "python": "3.11.2", "packages": {"torch": "2.13.0"}},
        "changed_ns": packages.stat().st_mtime_ns,
        "requirements": "",
    }
    (place / "runtime.json").write_text(json.dumps(facts))
    return place.parent
