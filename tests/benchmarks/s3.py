"""`make bench ARGS=--s3`: what `dependency_paths` cost, beside `aws s3 cp` from the same server.

The AWS command line is no dependency of ours: it is installed into a scratch environment for this alone.
Each run begins with nothing left to be written to disk. What many files came as goes at the end only: some
file systems are slow to give new files the inodes of those that were just removed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.servers import S3Server, s3

from torchyard.contracts.connections import Addressing, StorageAccess
from torchyard.contracts.storage_paths import StorageKind, split_paths
from torchyard_worker.fetching import Fetcher, Order
from torchyard_worker.object_cache import ObjectCache

BUCKET = "bench"
FILES, FILE_BYTES = 5_000, 20_000
LARGE_BYTES = 1_000_000_000
ROUNDS = 3
CACHE_BYTES = 10 * LARGE_BYTES


@dataclass(frozen=True)
class Case:
    """Something to fetch, and how often as fast as the AWS command line is wanted."""

    what: str
    key: str
    goal: float


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
            print(row(case, *measured(case, server, aws, place)), flush=True)


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


def measured(case: Case, server: S3Server, aws: Path, place: Path) -> tuple[float, float, int]:
    """Seconds of ours and theirs, turn and turn about, and the bytes that ours fetches the second time."""
    ours, theirs, again = [], [], 0
    for number in range(ROUNDS):
        home = place / f"{case.key.strip('/')}-{number}"
        home.mkdir()
        fetcher = Fetcher(ObjectCache(home / "objects", max_bytes=CACHE_BYTES))
        theirs.append(timed(partial(by_aws, case, server, aws, home / "aws")))
        ours.append(timed(partial(by_torchyard, case, server, fetcher, home / "first")))
        again = by_torchyard(case, server, fetcher, home / "second")
        if not case.key.endswith("/"):
            shutil.rmtree(home)
    return statistics.median(ours), statistics.median(theirs), again


def timed(call: Callable[[], object]) -> float:
    os.sync()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def by_torchyard(case: Case, server: S3Server, fetcher: Fetcher, work: Path) -> int:
    work.mkdir()
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
    return fetcher.fetch(Order(paths, [access], work, str, lambda _message, _progress: None, lambda: None))


def by_aws(case: Case, server: S3Server, aws: Path, target: Path) -> None:
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(target.parent),
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    recursive = ["--recursive"] if case.key.endswith("/") else []
    copy = ["s3", "cp", "--quiet", *recursive, f"s3://{BUCKET}/{case.key}", str(target)]
    subprocess.run([aws, "--endpoint-url", server.endpoint, *copy], env=own, check=True)


def row(case: Case, ours: float, theirs: float, again: int) -> str:
    seconds = f"{ours:8.2f} s {theirs:8.2f} s"
    return f"{case.what:26} {seconds} {theirs / ours:6.2f}x   ≥ {case.goal:.0f}x   {again:,} B"
