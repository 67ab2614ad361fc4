"""Runtimes, as they are found and as they are built; with small venvs made here, none with torch."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from torchyard.errors import StartRefused
from torchyard_worker import runtimes

EMPTY = "# nothing\n"


def make_venv(place: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    return next(place.glob("lib/python3.*/site-packages"))


def add_package(packages: Path, name: str, version: str) -> None:
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def make_recipe(shelf: Path, name: str, lock: str) -> None:
    (shelf / name).mkdir(parents=True, exist_ok=True)
    (shelf / name / "requirements.lock").write_text(lock)


def build(
    shelf: Path, directory: Path, name: str = "empty", say: Callable[[str], None] = lambda line: None
) -> None:
    """With a shelf that is not there first, as one of the two always lacks."""
    runtimes.build(name, directory, say, (shelf / "missing", shelf))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of recipes with one, named `empty`."""
    shelf = tmp_path / "shelf"
    make_recipe(shelf, "empty", EMPTY)
    return shelf


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the runtime `empty`, really built; not to be changed."""
    place = tmp_path_factory.mktemp("built")
    make_recipe(place / "shelf", "empty", EMPTY)
    build(place / "shelf", place / "runtimes")
    return place / "runtimes"


@pytest.fixture
def installed(built: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed at will."""
    return shutil.copytree(built, tmp_path / "runtimes", symlinks=True)


def test_a_built_runtime_runs_scripts_and_is_found(installed: Path) -> None:
    [found] = runtimes.discover(installed)
    said = subprocess.run(
        [found.interpreter, "-c", "print('hello')"], check=True, capture_output=True, text=True
    )
    assert said.stdout == "hello\n"
    assert found.runtime.name == "empty"
    version = subprocess.run(
        [found.interpreter, "--version"], check=True, capture_output=True, text=True
    ).stdout
    assert version.split()[1] == found.runtime.python


def test_a_second_build_changes_nothing(installed: Path, shelf: Path) -> None:
    said: list[str] = []
    (installed / "empty" / "kept").touch()
    build(shelf, installed, say=said.append)
    assert said == ["runtime empty is up to date"]
    assert (installed / "empty" / "kept").exists()


def test_builds_of_the_same_runtime_wait_for_each_other(shelf: Path, tmp_path: Path) -> None:
    said: list[str] = []
    builders = [
        threading.Thread(target=build, args=(shelf, tmp_path / "runtimes", "empty", said.append))
        for _ in range(2)
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert said.count("runtime empty is ready") == 1
    assert said[-1] == "runtime empty is up to date"


def test_an_interrupted_build_is_not_found_and_is_made_anew(installed: Path, shelf: Path) -> None:
    (installed / "empty" / ".building").touch()
    (installed / "empty" / "rubbish").touch()
    assert runtimes.discover(installed) == []
    build(shelf, installed)
    assert [found.runtime.name for found in runtimes.discover(installed)] == ["empty"]
    assert not (installed / "empty" / "rubbish").exists()


def test_a_changed_recipe_is_built_anew(installed: Path, shelf: Path) -> None:
    make_recipe(shelf, "empty", "# nothing, but differently\n")
    said: list[str] = []
    build(shelf, installed, say=said.append)
    assert "runtime empty is ready" in said


def test_an_unknown_recipe_is_refused_with_those_there_are(shelf: Path, tmp_path: Path) -> None:
    make_recipe(shelf, "one", "")
    make_recipe(shelf, "two", "")
    with pytest.raises(StartRefused, match=r"no recipe for a runtime 'three'; there are: empty, one, two"):
        build(shelf, tmp_path, "three")
    with pytest.raises(StartRefused, match="no recipe"):
        build(shelf, tmp_path, "../one")


def test_a_failed_build_gives_pip_s_reason_and_leaves_nothing(shelf: Path, tmp_path: Path) -> None:
    make_recipe(shelf, "broken", "./no-such-package\n")
    with pytest.raises(StartRefused, match=r"runtime broken could not be built: .*no-such-package"):
        build(shelf, tmp_path / "runtimes", "broken")
    assert not (tmp_path / "runtimes" / "broken").exists()


def test_a_directory_that_can_t_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert runtimes.main(["build", "torch-2.13-cpu", "--into", str(tmp_path / "file" / "runtimes")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("the runtime torch-2.13-cpu can't be built in ")
    assert told.count("\n") == 1


def test_versions_are_read_without_an_import(installed: Path) -> None:
    packages = next((installed / "empty").glob("lib/python3.*/site-packages"))
    add_package(packages, "torch", "2.13.0+cu130")
    add_package(packages, "numpy", "2.4.6")
    add_package(packages, "obscure", "1.0")
    (packages / "torch").mkdir()
    (packages / "torch" / "__init__.py").write_text("raise RuntimeError('imported')")
    (packages / "torch" / "version.py").write_text(
        "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
    )
    [found] = runtimes.discover(installed)
    assert found.runtime.packages["torch"] == "2.13.0+cu130"
    assert found.runtime.packages["numpy"] == "2.4.6"
    assert "obscure" not in found.runtime.packages
    assert found.runtime.cuda == "13.0"


def test_a_change_is_told_even_where_it_can_t_be_written_down(installed: Path) -> None:
    packages = next((installed / "empty").glob("lib/python3.*/site-packages"))
    add_package(packages, "numpy", "2.4.6")
    (installed / "empty" / "runtime.json.new").mkdir()  # stops root too
    [found] = runtimes.discover(installed)
    assert found.runtime.packages == {"numpy": "2.4.6"}


def test_torch_without_cuda_has_none(installed: Path) -> None:
    packages = next((installed / "empty").glob("lib/python3.*/site-packages"))
    (packages / "torch").mkdir()
    (packages / "torch" / "version.py").write_text("cuda: Optional[str] = None\nhip: Optional[str] = '6'\n")
    [found] = runtimes.discover(installed)
    assert found.runtime.cuda is None


def test_what_is_no_runtime_is_left_out(installed: Path) -> None:
    (installed / "a-file").touch()
    (installed / "a-folder").mkdir()
    make_venv(installed / "unknown-venv")
    make_venv(installed / "damaged")
    (installed / "damaged" / "runtime.json").write_text("{")
    make_venv(installed / "foreign")
    (installed / "foreign" / "runtime.json").write_text(json.dumps({"something": "else"}))
    assert [found.runtime.name for found in runtimes.discover(installed)] == ["empty"]


def test_a_missing_directory_holds_no_runtimes(tmp_path: Path) -> None:
    assert runtimes.discover(tmp_path / "nowhere") == []
