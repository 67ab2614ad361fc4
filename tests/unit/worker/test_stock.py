"""Directories for attempts, made ahead."""

from pathlib import Path

import pytest
from tests.unit.worker.small_runtime import give_package, make_runtime

from torchyard_worker import runtimes
from torchyard_worker.stock import READY, Stock


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return make_runtime(tmp_path / "runtimes" / "test")


def test_each_is_given_out_once(tmp_path: Path, runtime: Path) -> None:
    stock, installed = Stock(tmp_path / "ready"), runtimes.read(runtime)
    stock.fill(installed)
    stock.fill(installed)

    taken = [stock.take(installed) for _ in range(READY + 1)]

    assert len(set(taken)) == READY + 1
    assert taken.pop() is None
    for path in taken:
        assert path is not None
        assert {"work", "home", "tmp", "venv"} == {one.name for one in path.iterdir()}


def test_one_of_a_runtime_whose_packages_changed_is_not_given_out_and_goes(
    tmp_path: Path, runtime: Path
) -> None:
    stock, before = Stock(tmp_path / "ready"), runtimes.read(runtime)
    stock.fill(before)
    [packages] = runtime.glob("lib/python3.*/site-packages")
    give_package(packages, "numpy", "2.4.6")
    after = runtimes.read(runtime)

    assert stock.take(after) is None
    stock.fill(after)

    assert stock.take(before) is None
    assert stock.take(after) is not None
    assert len(list((tmp_path / "ready").iterdir())) == READY


def test_what_an_earlier_process_left_is_removed(tmp_path: Path, runtime: Path) -> None:
    Stock(tmp_path / "ready").fill(runtimes.read(runtime))

    assert Stock(tmp_path / "ready").take(runtimes.read(runtime)) is None

    assert not (tmp_path / "ready").exists()


def test_where_nothing_can_be_made_nothing_is_given_out(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "ready").write_text("no directory")
    stock, installed = Stock(tmp_path / "ready"), runtimes.read(runtime)

    stock.fill(installed)

    assert stock.take(installed) is None
