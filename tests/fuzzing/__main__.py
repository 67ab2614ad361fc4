"""`make fuzz-archives`: mutated zips against a running platform, and against the worker's extractor.

Each archive is posted to the platform, over HTTP, and then checked and extracted by the same code in a
process of its own, whose time and memory are measured. They are extracted into memory where that can be
done: some disks take seconds to make new files soon after many were removed. Whatever goes wrong is kept
in build/fuzz/.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from tests.fuzzing.judging import SCRIPT, SCRIPT_NAME, Verdict, judged
from tests.fuzzing.mutations import mutated
from tests.stack import REPOSITORY, Stack

#: Goals for each archive.
MAX_SECONDS, MAX_MB = 2.0, 200.0
_KEPT = REPOSITORY / "build" / "fuzz"
_TOLD_EVERY = 1000
_SCRATCH = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)


@dataclass
class Tally:
    """What all archives together came to."""

    codes: Counter[str] = field(default_factory=Counter)
    extracted: int = 0
    wrong: int = 0
    slowest_answer: float = 0.0
    slowest: float = 0.0
    slowest_cpu: float = 0.0
    peak_bytes: int = 0


def main() -> int:
    """Judge as many archives as are asked for; 1 if something is wrong with one."""
    parser = argparse.ArgumentParser(prog="make fuzz-archives", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="archives to try")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other archives")
    options = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-fuzz-", dir=_SCRATCH) as folder,
        platform() as (stack, api),
    ):
        place = Path(folder) / "archive"
        for number in range(options.first, options.first + options.count):
            content = mutated(number, options.seed)
            note(tally, f"{options.seed}-{number}", content, tried(api, content, place, tally))
            shutil.rmtree(place)
            if (number + 1) % _TOLD_EVERY == 0:
                print(f"{number + 1} archives, {time.monotonic() - started:.0f} s", flush=True)
        platform_mb = stack.peak_memory("platform") / 1e6
    told(tally, options.count, platform_mb)
    return 1 if tally.wrong else 0


@contextlib.contextmanager
def platform() -> Iterator[tuple[Stack, httpx.Client]]:
    """A platform without a worker."""
    with tempfile.TemporaryDirectory(prefix="torchyard-fuzz-") as folder:
        stack = Stack(Path(folder) / "home")
        stack.valkey.start()
        try:
            stack.start_platform()
            with stack.api() as api:
                yield stack, api
        finally:
            stack.__exit__()


def tried(api: httpx.Client, content: bytes, place: Path, tally: Tally) -> Verdict:
    """The verdict on one archive; wrong as well if the platform answers otherwise than its code does."""
    files = {"script": (SCRIPT_NAME, SCRIPT), "dependencies": ("deps.zip", content)}
    start = time.perf_counter()
    answer = api.post("/jobs", files=files)
    tally.slowest_answer = max(tally.slowest_answer, time.perf_counter() - start)
    body = answer.json()
    if answer.status_code == 201:
        api.post(f"/jobs/{body['id']}/cancel").raise_for_status()
        api.delete(f"/jobs/{body['id']}").raise_for_status()
    verdict = judged(content, place)
    if answer.status_code != 201 and not 400 <= answer.status_code < 500:
        return replace(verdict, wrong=f"answered {answer.status_code}")
    if answer.status_code != verdict.status and not verdict.wrong:
        return replace(verdict, wrong=f"answered {answer.status_code}, not {verdict.status}")
    return verdict


def note(tally: Tally, name: str, content: bytes, verdict: Verdict) -> None:
    """Count a verdict, and keep the archive if something is wrong with it."""
    only_there = " (by the worker)" if verdict.status == 201 and verdict.code else ""
    tally.codes[f"{verdict.status} {verdict.code or 'accepted'}{only_there}"] += 1
    tally.extracted += verdict.extracted
    tally.slowest = max(tally.slowest, verdict.seconds)
    tally.slowest_cpu = max(tally.slowest_cpu, verdict.cpu_seconds)
    tally.peak_bytes = max(tally.peak_bytes, verdict.peak_bytes)
    if verdict.cpu_seconds > MAX_SECONDS or verdict.peak_bytes > MAX_MB * 1e6:
        verdict = replace(
            verdict, wrong=verdict.wrong or f"{verdict.cpu_seconds:.2f} s, {verdict.peak_bytes} B"
        )
    if verdict.wrong:
        tally.wrong += 1
        _KEPT.mkdir(parents=True, exist_ok=True)
        (_KEPT / f"{name}.zip").write_bytes(content)
        print(f"{name}: {verdict.wrong}", file=sys.stderr, flush=True)


def told(tally: Tally, count: int, platform_mb: float) -> None:
    """Print the figures."""
    print(f"\n{count} mutated archives: {tally.extracted} extracted, {tally.wrong} wrong")
    for code, number in tally.codes.most_common():
        print(f"  {number:6}  {code}")
    print(f"slowest check and extraction    {tally.slowest:8.3f} s   goal ≤ {MAX_SECONDS:.0f} s")
    print(f"  without other processes' time {tally.slowest_cpu:8.3f} s   goal ≤ {MAX_SECONDS:.0f} s")
    print(f"slowest answer over HTTP        {tally.slowest_answer:8.3f} s   goal ≤ {MAX_SECONDS:.0f} s")
    print(f"most memory of such a process   {tally.peak_bytes / 1e6:8.1f} MB  goal ≤ {MAX_MB:.0f} MB")
    print(f"most memory of the platform     {platform_mb:8.1f} MB  over all archives")


if __name__ == "__main__":
    sys.exit(main())
