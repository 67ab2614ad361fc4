"""The scripts of a beginner's course, as they are, from the terminal."""

import contextlib
import os
import pickle
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.test_beginner_scripts import SCRIPTS, artifacts, log, named
from tests.servers import S3Server
from tests.stack import PATIENCE, RUNTIME, RUNTIMES, Stack
from tests.terminal import TORCHYARD
from tests.wheels import make_wheel

#: Makes a small data set in CIFAR-10's python format: pickles of arrays, as the real one has.
MAKE_CIFAR = """
import pickle, sys
import numpy as np
from pathlib import Path
chance, place = np.random.default_rng(1), Path(sys.argv[1])
names = "airplane automobile bird cat deer dog frog horse ship truck".split()
def batch(name, label):
    labels = list(range(10)) * 4
    data = chance.integers(0, 60, (len(labels), 3, 32, 32), dtype=np.uint8)
    for picture, one in zip(data, labels):
        picture[:, 3 * one : 3 * one + 3] += 180  # a stripe, for each class elsewhere
    data = data.reshape(len(labels), 3072)
    value = {b"batch_label": label.encode(), b"labels": labels, b"data": data, b"filenames": [b"x.png"] * 40}
    (place / name).write_bytes(pickle.dumps(value, protocol=2))
for number in (1, 2):
    batch(f"data_batch_{number}", f"training batch {number} of 2")
batch("test_batch", "testing batch 1 of 1")
meta = {b"label_names": [name.encode() for name in names], b"num_cases_per_batch": 40, b"num_vis": 3072}
(place / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
"""


def run(stack: Stack, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return torchyard(stack, "run", str(SCRIPTS / script), *options)


def torchyard(stack: Stack, *words: str, told: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TORCHYARD, *words],
        env=stack.environment(),
        input=told,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def cifar_batch() -> bytes:
    """Thirty pictures of one colour each, in the format of CIFAR-10's python version."""
    chance, rows, labels = random.Random(1), [], []
    for number in range(30):
        label = number % 3
        planes = [[200 + chance.randrange(50) if plane == label else 20] * 1024 for plane in range(3)]
        rows.append([value for plane in planes for value in plane])
        labels.append(label)
    # Lists in place of NumPy's array: the tests' own environment has no NumPy.
    return pickle.dumps({b"data": rows, b"labels": labels})


def test_tensors_and_gradients(stack: Stack) -> None:
    done = run(stack, "autograd.py")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "27.0\ntensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\nFalse\n"


def test_an_image_classifier_learns_saves_and_is_loaded_again(stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "data_batch_1").write_bytes(cifar_batch())

    done = run(stack, "classifier.py", "--deps", str(tmp_path / "data"))

    assert done.returncode == 0, done.stderr
    assert "finished training" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.endswith(" 100.0 %")] == [
        "Accuracy for class plane: 100.0 %",
        "Accuracy for class car  : 100.0 %",
        "Accuracy for class bird : 100.0 %",
    ]


@pytest.fixture
def bucket(stack: Stack, s3_server: S3Server) -> Iterator[str]:
    """A bucket of a real S3 server that jobs may read, as an administrator has set up in the terminal."""
    name = f"course-{os.urandom(6).hex()}"
    with contextlib.closing(s3_server.client()) as client:
        client.create_bucket(Bucket=name)
    options = ["--endpoint", s3_server.endpoint, "--key-id", s3_server.access_key_id, "--allow", name]
    done = torchyard(stack, "connections", "set", name, *options, told=f"{s3_server.secret_access_key}\n")
    assert done.returncode == 0, done.stderr
    assert s3_server.secret_access_key not in done.stdout + done.stderr
    yield name
    torchyard(stack, "connections", "rm", name)


def test_an_image_classifier_trains_on_data_that_came_by_dependency_paths(
    stack: Stack, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    python = RUNTIMES / RUNTIME / "bin" / "python"
    subprocess.run([python, "-c", MAKE_CIFAR, tmp_path], check=True, timeout=PATIENCE)
    with contextlib.closing(s3_server.client()) as client:
        for file in tmp_path.iterdir():
            client.upload_file(str(file), bucket, f"data/cifar-10-batches-py/{file.name}")
        client.put_object(Bucket=bucket, Key="weights/readme.txt", Body=b"none yet")
    data, readme = f"s3://{bucket}/data/cifar-10-batches-py/", f"s3://{bucket}/weights/readme.txt"
    checked = torchyard(stack, "connections", "check", bucket, data)
    assert (checked.returncode, "directory" in checked.stdout) == (0, True), checked

    done = run(stack, "cifar.py", "--name", bucket, "--dep", data, "--dep", readme, "--", "--epochs", "4")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:9] for line in lines[:4]] == [f"[{number}] loss:" for number in range(1, 5)]
    assert float(lines[3][9:]) < float(lines[0][9:])
    assert lines[4] == "Accuracy for class: airplane is 100.0 %"
    assert len(lines) == 4 + 10
    job = named(stack, bucket)
    assert artifacts(stack, job).keys() == {"cifar_net.pth"}  # and none of the data
    assert b"fetching 5 files (" in log(stack, job["id"], "system.log")


def test_a_net_in_data_parallel_runs_without_two_gpus(stack: Stack) -> None:
    done = run(stack, "parallel.py")

    assert done.returncode == 0, done.stderr
    outside = [line for line in done.stdout.splitlines() if line.startswith("Outside")]
    sizes = [(30, 3), (10, 1)]
    assert outside == [
        f"Outside: input size torch.Size([{rows}, 5]) output_size torch.Size([{rows}, 2])"
        for rows, times in sizes
        for _ in range(times)
    ]
    assert done.stdout.endswith("0 GPUs\n")


def test_a_script_installs_what_it_needs_and_imports_it(tmp_path: Path) -> None:
    for name in ("gadgets", "sprockets", "widgets"):
        make_wheel(tmp_path / "wheels", name, "2.0", requires=("torch", "numpy"))
    # Its own worker: where packages come from is a setting of the machine.
    with Stack(tmp_path / "home", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path / "wheels")) as shop:
        done = run(shop, "installs.py")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["versions 2.0 2.0 2.0", "2.0"]
    assert done.stderr == ""
