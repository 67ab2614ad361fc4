"""The scripts of a beginner's course, as they are, from the terminal."""

import pickle
import random
import subprocess
from pathlib import Path

from tests.integration.test_beginner_scripts import SCRIPTS, TORCHYARD
from tests.stack import PATIENCE, Stack


def run(stack: Stack, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TORCHYARD, "run", str(SCRIPTS / script), *options],
        env=stack.environment(),
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
