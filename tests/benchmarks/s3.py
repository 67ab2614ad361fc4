"""`make bench ARGS=--s3`: what `dependency_paths` cost, beside `aws s3 cp` from the same server.

The AWS command line is no dependency of ours: it is installed into a scratch environment for this alone.
Each run begins with nothing left to be written to disk. A large file goes at once: two of them keep what the
server reads out of memory. What many files came as goes at the end only: some file systems are slow to give
new files the inodes of those that were just removed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.servers import S3Server, s3

from torchyard.contracts.connections import Addressing, StorageAccess
from torchyard.contracts.storage_paths import StorageKind, split_paths
from torchyard_worker.fetching import Fetcher, Order
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.spooling import AttemptDirectory

BUCKET = "bench"
FILES, FILE_BYTES = 5_000, 20_000
LARGE_BYTES = 1_000_000_000
ROUNDS = 4
CACHE_BYTES = 10 * LARGE_BYTES


@dataclass(frozen=True)
class Case:
    """Something to fetch, and how often as fast as the AWS command line is wanted."""

    what: str
    key: str
    goal: float


@dataclass(frozen=True)
class Run:
    """One fetch of ours: how long it took, and how many bytes came from the server."""

    seconds: float
    fetched: int


@dataclass(frozen=True)
class Figures:
    """Seconds of ours, of theirs, and of ours the second time, with the bytes that were fetched then."""

    ours: float
    theirs: float
    again: float
    fetched_again: int


CASES = (Case("5,000 files of 20 kB", "many/", 2.0), Case("one object of 1 GB", "large.bin", 1.0))


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="torchyard-bench-s3-") as folder, s3() as server:
        place = Path(folder)
        aws = installed(place / "aws")
        fill(server, place)
        print(
            f"{'figure':26} {'torchyard':>10} {'aws s3 cp':>10} {'ratio':>7}   goal   bytes the second time"
        )
        for case in CASES:
            print(row(case, measured(case, server, aws, place)), flush=True)


def installed(place: Path) -> Path:
    """The AWS command line in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "awscli"], check=True, stderr=subprocess.DEVNULL)
    return place / "bin" / "aws"


def fill(server: S3Server, place: Path) -> None:
    """Put there what is fetched."""
    client = server.client()
    client.create_bucket(Bucket=BUCKET)

    def put(number: int) -> None:
        body = os.urandom(FILE_BYTES)
        client.put_object(Bucket=BUCKET, Key=f"many/{number % 50:02}/{number:05}.bin", Body=body)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(FILES)))
    large = place / "large.bin"
    with large.open("wb") as file:
        for _ in range(LARGE_BYTES // 10**6):
            file.write(os.urandom(10**6))
    client.upload_file(str(large), BUCKET, "large.bin")
    large.unlink()
    client.close()


def measured(case: Case, server: S3Server, aws: Path, place: Path) -> Figures:
    """Ours and theirs, turn and turn about; who is first changes from round to round."""
    ours: list[Run] = []
    theirs: list[float] = []
    again: list[Run] = []
    for number in range(2 * ROUNDS):
        home = place / f"{case.key.strip('/')}-{number}"
        home.mkdir()
        if number % 4 in {0, 3}:
            theirs.append(by_aws(case, server, aws, home / "aws"))
        else:
            for runs, run in zip((ours, again), twice(case, server, home), strict=True):
                runs.append(run)
        if not case.key.endswith("/"):
            shutil.rmtree(home)
    return Figures(
        statistics.median(run.seconds for run in ours),
        statistics.median(theirs),
        statistics.median(run.seconds for run in again),
        max(run.fetched for run in again),
    )


def twice(case: Case, server: S3Server, home: Path) -> tuple[Run, Run]:
    """Two jobs, one after the other."""
    fetcher = Fetcher(ObjectCache(home / "objects", max_bytes=CACHE_BYTES))
    first, second = (AttemptDirectory(home / name) for name in ("first", "second"))
    run = by_torchyard(case, server, fetcher, first)
    fetcher.take_back(first)
    return run, by_torchyard(case, server, fetcher, second)


def by_torchyard(case: Case, server: S3Server, fetcher: Fetcher, job: AttemptDirectory) -> Run:
    job.work.mkdir(parents=True)
    access = StorageAccess(
        name="bench",
        kind=StorageKind.S3,
        endpoint=server.endpoint,
        region="us-east-1",
        addressing=Addressing.PATH,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        allowed=[BUCKET],
    )
    paths = split_paths(f"s3://{BUCKET}/{case.key}")
    order = Order(paths, [access], job, str, lambda _message, _progress: None, lambda: None)
    os.sync()
    start = time.perf_counter()
    fetched = fetcher.fetch(order)
    return Run(time.perf_counter() - start, fetched)


def by_aws(case: Case, server: S3Server, aws: Path, target: Path) -> float:
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(target.parent),
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    recursive = ["--recursive"] if case.key.endswith("/") else []
    copy = ["s3", "cp", "--quiet", *recursive, f"s3://{BUCKET}/{case.key}", str(target)]
    os.sync()
    start = time.perf_counter()
    subprocess.run([aws, "--endpoint-url", server.endpoint, *copy], env=own, check=True)
    return time.perf_counter() - start


def row(case: Case, figures: Figures) -> str:
    ratio = f"{figures.theirs / figures.ours:6.2f}x   ≥ {case.goal:.0f}x"
    again = f"{figures.again:9.2f} s {figures.fetched_again:12,} B"
    return f"{case.what:22} {figures.ours:9.2f} s {figures.theirs:9.2f} s {ratio} {again}"
