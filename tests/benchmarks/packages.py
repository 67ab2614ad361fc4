"""`make bench ARGS=--packages`: what `requirements` cost, beside `pip install` into a fresh venv.

The runtime has torch and lacks the packages and all that they need, so that both sides install the same. The
first time, neither has anything in its cache; the second time each has its own. Each of our figures is a job
of a platform and its worker: what system.log says of the installation. pip is the runtime's own.

Both write thousands of files. Some disks take many times as long for that soon after as many were removed,
by whomever; `TMPDIR=/dev/shm` leaves the disk out.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.stack import PATIENCE, RUNTIME, RUNTIMES, Stack
from tests.waiting import eventually

PACKAGES = ("scikit-learn", "pandas")
#: They and what they need; as the folders and files in a site-packages are called.
LEFT_OUT = re.compile(
    r"(scikit_learn|sklearn|pandas|numpy|scipy|joblib|threadpoolctl|narwhals|python_dateutil|dateutil|six"
    r"|tzdata|pytz)([-.].*)?"
)
ROUNDS = 3
GOAL_SECONDS = 2.0
_TOOK = re.compile(
    r"(installed|took \d+ packages? of an earlier job for) the job's requirements in ([0-9.]+) s: (.+)"
)
SCRIPT = b"import pandas, sklearn, torch; print(pandas.__version__, sklearn.__version__, torch.__version__)\n"


@dataclass(frozen=True)
class Round:
    """Seconds of the first and of the second time."""

    first: float
    second: float


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="torchyard-bench-packages-") as folder:
        place = Path(folder)
        runtimes = make_runtime(place / "runtimes", place / "python")
        ours, theirs = [], []
        with Stack(place / "home") as stack:
            stack.stop("worker")
            stack.start_worker(runtimes)
            for number in range(ROUNDS):
                theirs.append(by_pip(place / f"pip-{number}"))
                ours.append(Round(by_torchyard(stack, "installed"), by_torchyard(stack, "took")))
                # The next job finds nothing.
                stack.stop("worker")
                for cache in ("uv-cache", "trees"):
                    shutil.rmtree(stack.home / "worker" / cache)
                stack.start_worker(runtimes)
        title = f"installing {' and '.join(PACKAGES)}"
        print(f"{title:40} {'requirements':>12} {'pip install':>12} {'ratio':>8}   goal")
        for what, second, goal in (
            ("first time", False, ""),
            ("second time", True, f"≤ {GOAL_SECONDS:.0f} s"),
        ):
            print(row(what, median(ours, second), median(theirs, second), goal))


def median(rounds: list[Round], second: bool) -> float:
    return statistics.median(one.second if second else one.first for one in rounds)


def row(what: str, ours: float, theirs: float, goal: str) -> str:
    return f"{what:40} {ours:10.2f} s {theirs:10.2f} s {theirs / ours:7.1f}x   {goal}"


def make_runtime(runtimes: Path, place: Path) -> Path:
    """A directory with one runtime, in the default's name: the default one, but for what is installed."""
    subprocess.run([RUNTIMES / RUNTIME / "bin" / "python", "-m", "venv", "--without-pip", place], check=True)
    [packages] = place.glob("lib/python3.*/site-packages")
    [source] = (RUNTIMES / RUNTIME).glob("lib/python3.*/site-packages")
    for path in source.iterdir():
        if not LEFT_OUT.fullmatch(path.name) and path.name != "__pycache__":
            (packages / path.name).symlink_to(path)
    (packages / "__pycache__").mkdir()  # as pip leaves it; the first script would change the runtime
    add = [sys.executable, "-m", "torchyard_worker.adding", RUNTIME, "--into", str(runtimes)]
    subprocess.run([*add, "--python", str(place / "bin" / "python")], check=True, stdout=subprocess.DEVNULL)
    return runtimes


def by_torchyard(stack: Stack, how: str) -> float:
    """Seconds that a job's requirements took, by its system.log, which begins the sentence with `how`."""
    with stack.api() as api:
        form = {"script": ("script.py", SCRIPT)}
        spec = json.dumps({"requirements": "\n".join(PACKAGES)})
        answer = api.post("/jobs", files=form, data={"spec": spec})
        answer.raise_for_status()
        path = f"/jobs/{answer.json()['id']}"
        job = eventually(_ended(api, path), seconds=10 * PATIENCE)
        said = api.get(f"{path}/logs/system.log").text
    found = _TOOK.search(said)
    assert job["state"] == "succeeded", said
    assert found is not None, said
    assert found[1].startswith(how), said
    assert {"numpy", "scipy"} <= {word.split()[0] for word in found[3].split(", ")}, said
    # The attempt's directory is removed behind the job's end.
    eventually(lambda: list((stack.home / "worker" / "attempts").iterdir()) == [], seconds=PATIENCE)
    os.sync()
    return float(found[2])


def _ended(api: httpx.Client, path: str) -> Callable[[], dict[str, object] | None]:
    def look() -> dict[str, object] | None:
        job: dict[str, object] = api.get(path).json()
        return job if job["state"] in {"succeeded", "failed"} else None

    return look


def by_pip(place: Path) -> Round:
    """pip in a fresh venv, twice, with a cache of its own."""
    own = {"PIP_CACHE_DIR": str(place / "cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    seconds = []
    for name in ("first", "second"):
        venv = place / name
        subprocess.run([RUNTIMES / RUNTIME / "bin" / "python", "-m", "venv", venv], check=True)
        os.sync()
        start = time.perf_counter()
        install = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES]
        subprocess.run(install, env=os.environ | own, check=True, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return Round(*seconds)
