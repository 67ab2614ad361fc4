"""The exact answer of a worker to each kind of archive that attacks, whatever the platform let through."""

from pathlib import Path

import pytest
from tests.archive_corpus import CASES, Case
from tests.unit.worker.small_platform import SmallPlatform
from tests.unit.worker.test_runner import ATTEMPT, Worker, printed

from torchyard.contracts import archives
from torchyard.contracts.runner import Cause
from torchyard.errors import TorchyardError
from torchyard_worker.platform_api import PlatformApi

#: Prints each file below the script, with the bits of its mode beyond the plain ones.
LISTING = """
import os
for folder, _, names in os.walk('.'):
    for name in names:
        print(name, oct(os.stat(os.path.join(folder, name)).st_mode & 0o7022))
"""


@pytest.mark.parametrize("case", [case for case in CASES if case.worker_code], ids=str)
def test_an_archive_that_is_refused_ends_the_attempt_and_leaves_nothing(
    tmp_path: Path, runtimes: Path, api: PlatformApi, platform: SmallPlatform, case: Case
) -> None:
    worker = Worker(tmp_path / "worker", runtimes, api)
    platform.offer(ATTEMPT, "print('never')", zipped=case.content)

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.ARCHIVE_REJECTED, final
    assert final.outcome.detail
    assert printed(platform) == b""
    assert [path.name for path in tmp_path.iterdir()] == ["worker"]
    assert list(worker.attempts.iterdir()) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.worker_code], ids=str)
def test_the_extractor_has_an_exact_code_for_each(tmp_path: Path, case: Case) -> None:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(case.content)

    with pytest.raises(TorchyardError) as refusal:
        archives.extract(archive, tmp_path / "out")

    assert refusal.value.code == case.worker_code
    assert [path.name for path in tmp_path.iterdir()] == ["deps.zip"]


@pytest.mark.parametrize("case", [case for case in CASES if not case.worker_code], ids=str)
def test_an_archive_that_is_accepted_brings_plain_files(
    tmp_path: Path, runtimes: Path, api: PlatformApi, platform: SmallPlatform, case: Case
) -> None:
    worker = Worker(tmp_path / "worker", runtimes, api)
    platform.offer(ATTEMPT, LISTING, zipped=case.content)

    worker.runner.run(ATTEMPT)

    [brought] = {"tool", "inner.zip"} & {line.split()[0] for line in printed(platform).decode().splitlines()}
    assert sorted(printed(platform).decode().splitlines()) == sorted([f"{brought} 0o0", "main.py 0o0"])
