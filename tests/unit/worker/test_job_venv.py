"""A job's own venv: python as by hand, the runtime's packages, and a place for the job's own."""

import ast
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.worker.small_runtime import make_runtime
from tests.wheels import make_wheel

from torchyard_worker import job_venv, runtimes
from torchyard_worker.job_venv import JobVenv


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return make_runtime(tmp_path / "runtimes" / "test")


@pytest.fixture
def venv(runtime: Path, tmp_path: Path) -> JobVenv:
    """Made ahead and moved, as an attempt gets it; with a blank, as paths may have."""
    made = job_venv.make(tmp_path / "ready" / "venv", runtimes.read(runtime))
    (tmp_path / "ready").rename(tmp_path / "the attempt")
    return dataclasses.replace(made, path=tmp_path / "the attempt" / "venv")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    place = tmp_path / "wheels"
    make_wheel(place, "gadgets", "2.0", requires=("widgets",))
    make_wheel(place, "widgets", "3.0")
    make_wheel(place, "torch", "2.0.0")
    return place


def run(venv: JobVenv, code: str, wheels: Path | None = None) -> str:
    """What a script prints that runs in the venv, as a job's script does."""
    script = venv.path.parent / "work" / "main.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(code)
    environment = {
        "HOME": str(venv.path.parent),
        "PATH": f"{venv.path}/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(venv.path),
        "PIP_CONSTRAINT": venv.constraints.as_uri(),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
    }
    if wheels is not None:
        environment |= {"PIP_FIND_LINKS": str(wheels), "UV_FIND_LINKS": str(wheels)}
    done = subprocess.run(
        [venv.python, "main.py"],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The deprecation warnings that pip has for programs that call it.
    assert "old script wrapper" not in done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stdout


def installed_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("site-packages/*") if path.name != "__pycache__")


def test_a_script_runs_as_by_hand(venv: JobVenv) -> None:
    said = json.loads(
        run(
            venv,
            "import json, sys, os\n"
            "print(json.dumps([sys.argv, sys.executable, sys.prefix, sys.path[0], __name__, __file__,"
            " sys.path]))",
        )
    )
    place = venv.path.parent / "work"
    assert said[0] == ["main.py"]
    assert said[1:4] == [str(venv.python), str(venv.path), str(place)]
    assert said[4:6] == ["__main__", str(place / "main.py")]
    assert len(said[6]) == len(set(said[6]))


def test_the_runtime_s_packages_are_there_with_what_their_pth_files_add(venv: JobVenv) -> None:
    said = run(
        venv,
        "import torch, widgets, from_a_pth_file, importlib.metadata as m\n"
        "print(torch.VERSION, m.version('widgets'), [e.name for e in m.entry_points(group='tests.torch')])",
    )
    assert said == "2.13.0+cpu 1.0 ['it']\n"


def test_spawned_processes_are_of_the_same_venv(venv: JobVenv) -> None:
    said = run(
        venv,
        "import multiprocessing as mp, sys\n"
        "def tell(queue): import widgets; queue.put((sys.prefix, sys.executable))\n"
        "if __name__ == '__main__':\n"
        "    for method in ('spawn', 'forkserver', 'fork'):\n"
        "        c = mp.get_context(method); q = c.Queue()\n"
        "        p = c.Process(target=tell, args=(q,)); p.start()\n"
        "        print(q.get() == (sys.prefix, sys.executable)); p.join()\n",
    )
    assert said == "True\n" * 3


@pytest.mark.parametrize(
    "install",
    [
        "import pip\nassert pip.main(['install', '-q', 'gadgets']) == 0",
        "from pip._internal import main\nassert main(['install', '-q', 'gadgets']) == 0",
        "from pip._internal.cli.main import main\nassert main(['install', '-q', 'gadgets']) == 0",
        "import subprocess as s, sys\ns.call([sys.executable, '-m', 'pip', 'install', '-q', 'gadgets'])",
        "import subprocess\nsubprocess.check_call(['python', '-m', 'pip', 'install', '-q', 'gadgets'])",
        "import subprocess\nsubprocess.check_call(['pip', 'install', '-q', 'gadgets'])",
        "import os\nassert os.system('pip3 install -q gadgets') == 0",
        "import subprocess\nsubprocess.check_call(['uv', 'pip', 'install', '-q', 'gadgets'])",
    ],
)
def test_what_a_script_installs_can_be_imported_at_once_and_lands_in_the_job(
    venv: JobVenv, wheels: Path, runtime: Path, install: str
) -> None:
    before = installed_in(runtime)

    said = run(
        venv,
        f"{install}\nimport gadgets, widgets, torch\nprint(gadgets.VERSION, widgets.VERSION, torch.VERSION)\n"
        "from importlib.metadata import distributions\n"
        "print(sorted({d.metadata['Name'] for d in distributions()} - {'pip'}))",
        wheels,
    )

    # The runtime's widgets and torch were good enough.
    assert said == "2.0 1.0 2.13.0+cpu\n['gadgets', 'torch', 'widgets']\n"
    assert {path.name for path in venv.packages.glob("*.dist-info")} == {"gadgets-2.0.dist-info"}
    assert installed_in(runtime) == before


@pytest.mark.parametrize("tool", ["'pip', 'install'", "'uv', 'pip', 'install'"])
def test_another_version_than_the_runtime_s_is_the_job_s_own(venv: JobVenv, wheels: Path, tool: str) -> None:
    said = run(
        venv,
        f"import subprocess\nsubprocess.check_call([{tool}, '-q', 'widgets==3.0'])\n"
        "import widgets, importlib.metadata as m; print(widgets.VERSION, m.version('widgets'))",
        wheels,
    )
    assert said == "3.0 3.0\n"


@pytest.mark.parametrize("tool", ["'pip', 'install'", "'uv', 'pip', 'install'"])
@pytest.mark.parametrize("wish", ["torch==2.0.0", "torch<2.13"])
def test_another_torch_is_never_installed(venv: JobVenv, wheels: Path, tool: str, wish: str) -> None:
    said = run(
        venv,
        f"import subprocess\ndone = subprocess.run([{tool}, '{wish}'], capture_output=True, text=True)\n"
        "import torch; print(done.returncode != 0, torch.VERSION)",
        wheels,
    )
    assert said == "True 2.13.0+cpu\n"
    assert [path.name for path in venv.packages.iterdir()] == ["00-torchyard.pth"]


def test_another_job_has_nothing_of_it(venv: JobVenv, wheels: Path, runtime: Path, tmp_path: Path) -> None:
    run(venv, "import pip; pip.main(['install', '-q', 'gadgets'])", wheels)
    other = job_venv.make(tmp_path / "other" / "venv", runtimes.read(runtime))

    assert run(other, "import importlib.util; print(importlib.util.find_spec('gadgets'))") == "None\n"


def test_the_runtime_s_commands_run_in_the_job_s_venv(venv: JobVenv) -> None:
    assert run(venv, "import subprocess; subprocess.check_call(['torchrun'])") == f"{venv.path}\n"


def test_pip_keeps_its_own_face(venv: JobVenv) -> None:
    said = run(
        venv,
        "import pip, pip._internal, pip._vendor, logging, sys, os, subprocess\n"
        "listed = subprocess.check_output([sys.executable, '-m', 'pip', '--version'], text=True)\n"
        "print(listed.split()[1] == pip.__version__, os.path.exists(pip.__file__))\n"
        "print(pip.main(['no-such-command']), pip._internal.main(['install', 'not-to-be-found']))\n",
    ).splitlines()
    assert said[0] == "True True"
    assert said[-1] == "1 1"


def test_uv_shows_the_runtime_s_packages_and_leaves_no_trace_of_them(venv: JobVenv) -> None:
    said = run(venv, "import subprocess; subprocess.check_call(['uv', 'pip', 'list', '--format', 'freeze'])")

    assert {"torch==2.13.0+cpu", "widgets==1.0"} <= set(said.splitlines())
    assert [path.name for path in venv.packages.iterdir()] == ["00-torchyard.pth"]


def test_what_is_laid_beside_the_script_runs_under_python_3_9() -> None:
    for file in (Path(job_venv.__file__).parent / "jobside").rglob("*.py"):
        ast.parse(file.read_text(), feature_version=(3, 9))
        imported = {
            line.split()[1].split(".")[0]
            for line in file.read_text().splitlines()
            if line.startswith("import ")
        }
        assert imported <= set(sys.stdlib_module_names) | {"matplotlib"}, file


def test_a_venv_is_readable_for_other_users(venv: JobVenv) -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in venv.path.rglob("*") if not path.is_symlink())
    assert os.access(venv.path / "bin" / "pip", os.X_OK)
