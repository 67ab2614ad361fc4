"""Runtimes that are somebody else's environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.worker.small_runtime import give_package, make_runtime

from torchyard.errors import StartRefused
from torchyard_worker import adding, job_venv, runtimes


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with torch that knows nothing of us."""
    place = make_runtime(tmp_path_factory.mktemp("theirs") / "env")
    (place / "runtime.json").unlink()
    return place


def test_an_environment_with_torch_becomes_a_runtime(theirs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    before = sorted(theirs.rglob("*"))

    added = adding.add("theirs", theirs / "bin" / "python", tmp_path, said.append)

    assert runtimes.discover(tmp_path) == [added]
    assert (added.runtime.name, added.runtime.packages) == ("theirs", {"torch": "2.13.0+cpu"})
    assert added.runtime.python == "{}.{}.{}".format(*sys.version_info[:3])
    assert said[0].startswith(f"runtime theirs is {theirs}/bin/python: Python 3.")
    assert sorted(theirs.rglob("*")) == before


def test_scripts_run_in_it(theirs: Path, tmp_path: Path) -> None:
    added = adding.add("theirs", theirs / "bin" / "python", tmp_path, lambda line: None)
    venv = job_venv.make(tmp_path / "venv", added)

    said = subprocess.run(
        [venv.python, "-c", "import torch, from_a_pth_file; print(torch.VERSION)"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert said == "2.13.0+cpu\n"


def test_what_is_installed_there_later_is_told(tmp_path: Path) -> None:
    changing = make_runtime(tmp_path / "changing")
    (changing / "runtime.json").unlink()
    adding.add("theirs", changing / "bin" / "python", tmp_path, lambda line: None)
    [packages] = changing.glob("lib/python3.*/site-packages")
    os.utime(packages, ns=(0, 0))  # so that the change is seen on any clock
    give_package(packages, "scipy", "1.2")

    assert runtimes.discover(tmp_path)[0].runtime.packages == {"torch": "2.13.0+cpu", "scipy": "1.2"}


def test_adding_it_again_changes_it(theirs: Path, tmp_path: Path) -> None:
    for _ in range(2):
        adding.add("theirs", theirs / "bin" / "python", tmp_path, lambda line: None)

    assert len(runtimes.discover(tmp_path)) == 1


def test_an_interpreter_that_went_away_is_left_out(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "python"
    link.symlink_to(theirs / "bin" / "python")
    (tmp_path / "pyvenv.cfg").symlink_to(theirs / "pyvenv.cfg")
    (tmp_path / "lib").symlink_to(theirs / "lib")
    adding.add("theirs", link, tmp_path / "runtimes", lambda line: None)
    link.unlink()

    assert runtimes.discover(tmp_path / "runtimes") == []


def test_one_without_torch_is_refused(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    with pytest.raises(StartRefused, match="has no torch"):
        adding.add("theirs", tmp_path / "env" / "bin" / "python", tmp_path / "runtimes", lambda line: None)
    assert not (tmp_path / "runtimes").exists()


@pytest.mark.parametrize("name", ["", "../up", "Upper", "a b"])
def test_a_name_that_is_none_is_refused(theirs: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(StartRefused, match="is no name for a runtime"):
        adding.add(name, theirs / "bin" / "python", tmp_path, lambda line: None)


def test_a_built_runtime_is_not_replaced(theirs: Path, tmp_path: Path) -> None:
    make_runtime(tmp_path / "built")
    with pytest.raises(StartRefused, match="choose another name"):
        adding.add("built", theirs / "bin" / "python", tmp_path, lambda line: None)
    assert [one.runtime.name for one in runtimes.discover(tmp_path)] == ["built"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be started: No such file"),
        ("#!/bin/sh\necho nonsense\n", "is no Python that works"),
        ("#!/bin/sh\necho broken >&2; exit 3\n", "is no Python that works: broken"),
        (
            '#!/bin/sh\necho \'{"version": [3, 8, 1], "torch": true, "base": "/", "packages_at": []}\'\n',
            "is Python 3.8.1; it has to be 3.9 or newer",
        ),
    ],
)
def test_what_is_no_fit_python_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    python = tmp_path / "python"
    if content is not None:
        python.write_text(content)
        python.chmod(0o755)

    assert adding.main(["mine", "--python", str(python), "--into", str(tmp_path / "runtimes")]) == 1

    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
