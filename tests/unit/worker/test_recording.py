"""What scripts use, measured by their shim and sent by the worker."""

import json
import resource
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.worker.conftest import Launched
from tests.unit.worker.small_platform import Fault, SmallPlatform
from tests.waiting import eventually

from torchyard.contracts.logs import RecordName
from torchyard.contracts.samples import GPU_SAMPLE, SAMPLE
from torchyard_worker import event_files
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.gpu_meter import GpuMeter, GpuReading
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.recording import Recorder
from torchyard_worker.shim import processes, spool
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.waiting import readable

BUSY = "import os\nkept = bytearray(64 * 2**20)\nif os.fork() == 0:\n    while True: pass\nwhile True: pass\n"


class Gpus(GpuMeter):
    """Two GPUs that never change."""

    def __init__(self) -> None:
        super().__init__([])

    def read(self) -> list[GpuReading]:
        return [GpuReading(50, 1024), GpuReading(0, 7)]


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    one = HeldAttempt("0b5f3a52-0000-4000-8000-000000000001", 0.0)
    yield one
    one.close()


def samples(directory: Path) -> list[tuple[float, ...]]:
    path = directory / spool.SAMPLES
    data = path.read_bytes() if path.exists() else b""
    return list(SAMPLE.iter_unpack(data[: len(data) - len(data) % SAMPLE.size]))


def test_both_sides_mean_the_same_record() -> None:
    assert (SAMPLE.format, spool.SAMPLES) == (spool.SAMPLE.format, RecordName.SAMPLES)


def test_a_script_is_measured_with_all_its_processes(launched: Launched, directory: Path) -> None:
    launched(BUSY)

    eventually(lambda: len(samples(directory)) >= 2, seconds=60)
    first, second = samples(directory)[:2]
    assert 0.9 < first[0] < second[0]
    for until, cores, least, most, memory, low, high in (first, second):
        assert until > 0
        assert 0 <= least <= cores <= most
        # What the fork shares counts once.
        assert 60 < low <= memory <= high < 128
    assert second[1] > 0


def test_the_time_from_the_last_measurement_to_the_end_is_told_too(
    launched: Launched, directory: Path
) -> None:
    shim = launched(
        f"import os, time\nwhile not os.path.exists({str(directory / 'go')!r}): time.sleep(0.01)\n"
        "until = time.process_time() + 0.3\nwhile time.process_time() < until: pass\n"
    )
    eventually(lambda: samples(directory), seconds=60)
    before = len(samples(directory))
    (directory / "go").touch()
    assert readable(shim.pidfd, seconds=60)

    ends = [0.0, *(record[0] for record in samples(directory))]
    spent = [
        (end - start) * record[1]
        for (start, end), record in zip(pairwise(ends), samples(directory), strict=True)
    ]
    assert sum(spent[before - 1 :]) >= 0.25
    assert samples(directory)[-1][4] > 0  # memory, as it was measured last


def test_cpu_time_of_what_has_ended_stays(launched: Launched, directory: Path) -> None:
    shim = launched(
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    while time.process_time() < 0.3: pass\n"
        "    os._exit(0)\n"
        "os.wait(); print('ready')\nwhile True: signal.pause()\n"
    )
    log = directory / spool.STDOUT
    eventually(lambda: log.exists() and b"ready" in log.read_bytes(), seconds=60)

    seconds, memory = processes.usage(shim._pid)

    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert seconds - ours.ru_utime - ours.ru_stime >= 0.25
    assert memory > 0


def write_samples(directory: Path, count: int) -> None:
    records = [SAMPLE.pack(n + 1, 1, 1, 1, 2, 2, 2) for n in range(count)]
    (directory / spool.SAMPLES).write_bytes(b"".join(records))


def test_samples_are_sent_with_faults_once(
    directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    faults = iter([Fault.BROKEN, Fault.ANSWER_LOST, Fault.DROPPED])
    platform.faults = lambda _method, path: next(faults, None) if "records" in path else None
    recorder = Recorder(api, held, AttemptDirectory(directory), GpuMeter([]))
    write_samples(directory, 3)

    recorder.look()
    recorder.finish()

    assert platform.records["samples.bin"] == (directory / spool.SAMPLES).read_bytes()


def test_a_worker_that_took_over_sends_what_is_lacking(
    directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    write_samples(directory, 3)
    platform.records["samples.bin"] += (directory / spool.SAMPLES).read_bytes()[: 2 * SAMPLE.size]

    Recorder(api, held, AttemptDirectory(directory), GpuMeter([])).finish()

    assert platform.records["samples.bin"] == (directory / spool.SAMPLES).read_bytes()


def test_a_platform_that_takes_no_records_is_left_alone(
    directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    write_samples(directory, 3)
    platform.records_refused = True
    recorder = Recorder(api, held, AttemptDirectory(directory), GpuMeter([]))

    recorder.finish()
    recorder.finish()

    assert sum("records" in path for _, path in platform.requests) == 1


def test_gpus_are_read_when_the_shim_has_measured(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    recorder = Recorder(api, held, AttemptDirectory(directory), Gpus())
    launched("import signal\nwhile True: signal.pause()\n")

    def look() -> bool:
        recorder.look()
        return bool(platform.records["gpus.bin"])

    eventually(look, seconds=60)
    found = list(GPU_SAMPLE.iter_unpack(platform.records["gpus.bin"]))
    times = {until for until, *_ in samples(directory)}
    assert [record[1:] for record in found[:2]] == [(0, 50, 1024), (1, 0, 7)]
    assert {record[0] for record in found} <= times


def reader(directory: Path, code: str) -> Path:
    """An interpreter whose tensorboard is made of `code`."""
    place = directory / "python"
    place.write_text(f"#!{sys.executable}\n{code}")
    place.chmod(0o700)
    return place


def test_event_files_are_told_from_others() -> None:
    paths = ["outputs/run/events.out.tfevents.17.host.1.0", "outputs/events.txt", "x/events.out.tfevents.1"]

    assert event_files.among(paths) == [paths[0], paths[2]]


def test_what_the_reader_found_lies_in_the_spool(directory: Path) -> None:
    told = {"files": 1, "notes": {"event_files_many_series": {"most": 3}}, "series": []}
    interpreter = reader(directory, f"import sys\nsys.stdin.read()\nprint({json.dumps(json.dumps(told))})\n")

    said = event_files.read(AttemptDirectory(directory), ["events.out.tfevents.1"], interpreter)

    assert said == ["TensorBoard event files: only the first 3 series are shown"]
    assert json.loads((directory / RecordName.SCALARS).read_bytes()) == told
    assert event_files.read(AttemptDirectory(directory), ["x"], directory / "missing") == []


@pytest.mark.parametrize("code", ["import sys\nsys.exit(3)\n", "print('{')\n"])
def test_a_reader_that_fails_costs_the_series_alone(directory: Path, code: str) -> None:
    (said,) = event_files.read(AttemptDirectory(directory), ["x"], reader(directory, code))

    assert "were not read" in said
    assert not (directory / RecordName.SCALARS).exists()
