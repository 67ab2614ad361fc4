from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from torchyard_worker import job_venv, warmth
from torchyard_worker.zygotes import Zygote

USUAL = {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "4", "CUDA_VISIBLE_DEVICES": "GPU-1"}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    work, packages = tmp_path / "work", tmp_path / "packages"
    for folder in (work, packages):
        folder.mkdir()
    (packages / job_venv.PATHS).touch()
    (work / "main.py").touch()
    return work, packages


def obstacle(folders: tuple[Path, Path], **variables: str) -> str | None:
    loaded = cast(Zygote, SimpleNamespace(modules=frozenset({"torch", "random", "typing_extensions"})))
    return warmth.obstacle(loaded, *folders, USUAL | variables)


def test_a_usual_script_starts_warm(folders: tuple[Path, Path]) -> None:
    work, packages = folders
    (work / "torch").mkdir()  # a folder of data, which no import takes for a package while there is one
    (work / "random.csv").touch()
    (work / "model.py").touch()
    (packages / "einops").mkdir()
    (packages / "einops" / "__init__.py").touch()

    assert obstacle(folders, WANDB_MODE="offline", TORCH_HOME="/x", TORCHYARD_JOB_ID="1") is None


@pytest.mark.parametrize(
    "name", ["PYTHONHASHSEED", "LC_ALL", "TZ", "LD_PRELOAD", "MKL_NUM_THREADS", "PYTORCH_JIT", "TORCH_LOGS"]
)
def test_what_is_read_when_torch_loads_has_to_be_set_before(folders: tuple[Path, Path], name: str) -> None:
    assert obstacle(folders, **{name: "1"}) == f"{name} has to be set before torch is loaded"


def test_a_variable_with_another_value_than_the_zygote_s_is_read_at_start(folders: tuple[Path, Path]) -> None:
    assert obstacle(folders, PYTHONUNBUFFERED="") == "PYTHONUNBUFFERED has to be set before torch is loaded"


@pytest.mark.parametrize("count", ["4,2", "0", "many", ""])
def test_a_number_of_threads_that_is_none_is_the_library_s_to_read(
    folders: tuple[Path, Path], count: str
) -> None:
    assert obstacle(folders, OMP_NUM_THREADS=count) == "OMP_NUM_THREADS is more than a number"


@pytest.mark.parametrize("name", ["random.py", "random.cpython-311-x86_64-linux-gnu.so", "random.pyc"])
def test_a_file_that_hides_a_loaded_module_starts_cold(folders: tuple[Path, Path], name: str) -> None:
    (folders[0] / name).touch()

    assert obstacle(folders) == f"{name} beside the script has the name of a module that is loaded already"


def test_a_package_that_hides_a_loaded_module_starts_cold(folders: tuple[Path, Path]) -> None:
    (folders[0] / "torch").mkdir()
    (folders[0] / "torch" / "__init__.py").touch()

    assert obstacle(folders) == "torch beside the script has the name of a module that is loaded already"


def test_a_job_s_own_version_of_a_loaded_module_starts_cold(folders: tuple[Path, Path]) -> None:
    (folders[1] / "typing_extensions.py").touch()

    assert obstacle(folders) == "it has its own typing_extensions.py"


def test_packages_with_lines_for_the_interpreter_s_start_start_cold(folders: tuple[Path, Path]) -> None:
    (folders[1] / "distutils-precedence.pth").touch()

    assert obstacle(folders) == "its packages want to be there when the interpreter starts"
