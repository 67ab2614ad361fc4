"""What was installed for one job goes to the next that requires it as it was installed, or not at all."""

import json
import os
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.unit.worker.small_runtime import give_package, make_runtime
from tests.wheels import make_wheel

from torchyard_worker import job_venv, packages, runtimes
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.job_venv import JobVenv
from torchyard_worker.package_cache import PackageCache
from torchyard_worker.packages import Installation, Requirements
from torchyard_worker.tree_cache import TreeCache

#: Enough files to be worth it, and a command.
TOOLS = {f"tools/part_{number}.py": f"NUMBER = {number}\n" for number in range(500)} | {
    "tools/__init__.py": ""
}
MAIN = "import sys\nVERSION = '{}'\ndef main(): print(sys.executable)\n"


class Jobs:
    """Jobs of one worker, one after the other or side by side."""

    def __init__(self, home: Path, held: HeldAttempt) -> None:
        self.wheels = home / "wheels"
        self.runtimes = home / "runtimes"
        self.home = home
        self.kept = TreeCache(home / "trees", max_bytes=10**9)
        self._held = held
        self._cache = PackageCache(home / "cache", max_bytes=10**9, uv=job_venv.uv())
        self._count = 0

    def publish(self, version: str, code: str = MAIN, command: str = "gadget") -> None:
        commands = {
            f"gadgets-{version}.dist-info/entry_points.txt": f"[console_scripts]\n{command} = gadgets:main\n"
        }
        make_wheel(self.wheels, "gadgets", version, code=code.format(version), more=TOOLS | commands)

    def start(self, *lines: str, runtime: str = "test", **variables: str) -> tuple[JobVenv, str]:
        """A job whose requirements are there: its venv, and what system.log says."""
        self._count += 1
        folder = self.home / "attempts" / str(self._count)
        venv = job_venv.make(folder / "venv", runtimes.read(self.runtimes / runtime))
        environment = self._environment(venv) | variables
        installation = Installation(self._held, folder, environment, self._cache, self.kept, 0)
        wanted = Requirements(lines or ("gadgets",), "the job's requirements")
        return venv, packages.install(wanted, venv, installation)

    def end(self, venv: JobVenv, script: str = "") -> None:
        """The job's script runs in its venv, and ends."""
        with self.kept.returning(venv.path):
            python = [venv.python, "-c", script]
            subprocess.run(python, cwd=venv.path, env=self._environment(venv), check=True)

    def _environment(self, venv: JobVenv) -> dict[str, str]:
        return {
            "HOME": str(venv.path.parent),
            "PATH": f"{venv.path}/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(venv.path),
            "PIP_CONSTRAINT": venv.constraints.as_uri(),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "UV_FIND_LINKS": str(self.wheels),
        }

    def run(self, script: str = "") -> str:
        venv, said = self.start()
        self.end(venv, script)
        return said


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    held = HeldAttempt("attempt-1", confirmed_at=0.0)
    jobs = Jobs(tmp_path, held)
    make_runtime(jobs.runtimes / "test")
    jobs.publish("2.0")
    yield jobs
    held.close()


def taken(said: str) -> bool:
    assert said.startswith(
        ("took 1 package of an earlier job for the job's requirements in ", "installed the ")
    )
    return said.startswith("took ")


def files(venv: JobVenv) -> set[str]:
    return {str(path.relative_to(venv.path)) for path in venv.path.rglob("*")}


def imported(venv: JobVenv, code: str) -> str:
    return subprocess.run(
        [venv.python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_next_job_gets_what_the_last_one_had_installed(jobs: Jobs) -> None:
    first, said = jobs.start()
    assert not taken(said)
    fresh, inodes = files(first), {path.stat().st_ino for path in first.packages.rglob("part_*.py")}
    jobs.end(first, "import gadgets, tools.part_1")

    second, said = jobs.start()

    assert taken(said)
    assert said.endswith(" s: gadgets 2.0")
    assert files(second) == fresh
    assert {path.stat().st_ino for path in second.packages.rglob("part_*.py")} == inodes
    assert imported(second, "import gadgets, tools.part_7, torch; print(gadgets.VERSION)") == "2.0"


def test_its_commands_run_in_the_venv_they_are_in_now(jobs: Jobs) -> None:
    jobs.run()
    first = jobs.home / "attempts" / "1"
    assert not (first / "venv").exists()

    second, said = jobs.start()

    assert taken(said)
    said = subprocess.run([second.path / "bin" / "gadget"], capture_output=True, text=True, check=True).stdout
    assert said == f"{second.python}\n"
    told = [
        path.read_bytes() for path in second.path.rglob("*") if path.is_file() and "python" not in path.name
    ]
    assert not any(os.fsencode(first) in content for content in told)


def test_it_goes_on_and_on(jobs: Jobs) -> None:
    install = "import subprocess, gadgets; subprocess.run(['uv', 'pip', 'list', '-q'], check=True)"
    assert [taken(jobs.run(install)) for _ in range(4)] == [False, True, True, True]


@pytest.mark.parametrize(
    "script",
    [
        "import gadgets; open(gadgets.__file__, 'a').write('VERSION = 3')",
        "import gadgets, os; os.remove(gadgets.__file__)",
        "import os; os.chmod('bin/gadget', 0o700)",
        "import subprocess; subprocess.run(['uv', 'pip', 'uninstall', '-q', 'gadgets'], check=True)",
        "import subprocess; subprocess.run(['uv', 'pip', 'install', '-q', 'gadgets<2'], check=True)",
        "import subprocess; subprocess.run(['pip', 'install', '-q', 'gadgets<2'], check=True)",
    ],
)
def test_what_a_job_changed_is_installed_anew_for_the_next(jobs: Jobs, script: str) -> None:
    jobs.publish("1.0")
    jobs.run(script)

    venv, said = jobs.start()

    assert not taken(said)
    assert imported(venv, "import gadgets; print(gadgets.VERSION)") == "2.0"


FORGED = """
import gadgets, importlib.util, marshal, os, pathlib, site
source = pathlib.Path(gadgets.__file__)
cached = pathlib.Path(importlib.util.cache_from_source(source))
cached.parent.mkdir(exist_ok=True)
found = source.stat()
head = importlib.util.MAGIC_NUMBER + b"\\0" * 4
head += int(found.st_mtime).to_bytes(4, "little") + found.st_size.to_bytes(4, "little")
cached.write_bytes(head + marshal.dumps(compile("VERSION = 'forged'", source, "exec")))
here = source.parent
(here / "forged.pth").write_text("import os; os.environ['FORGED'] = '1'")
(here / "sitecustomize.py").write_text("import os; os.environ['FORGED'] = '1'")
(here / "tools" / "__pycache__").mkdir(exist_ok=True)
(here / "tools" / "__pycache__" / "part_1.cpython-311.pyc").write_bytes(b"forged")
pathlib.Path("bin/gadgets").write_text("#!/bin/sh")
pathlib.Path("jobside/forged.py").write_text("")
with open("lib/python3.11/site-packages/00-torchyard.pth", "a") as file:
    file.write("import os; os.environ['FORGED'] = '1'")
os.symlink("/", "root")
"""


def test_nothing_that_a_job_planted_reaches_the_next(jobs: Jobs) -> None:
    first, _ = jobs.start()
    fresh = files(first)
    jobs.end(first, FORGED.replace("python3.11", f"python{first.installed.version}"))

    second, said = jobs.start()

    assert taken(said)
    assert files(second) == fresh
    assert (
        imported(second, "import os, gadgets; print(gadgets.VERSION, 'FORGED' in os.environ)") == "2.0 False"
    )


def test_what_a_job_installs_by_itself_stays_its_own(jobs: Jobs) -> None:
    make_wheel(jobs.wheels, "gizmos", "1.0")
    jobs.run("import subprocess; subprocess.run(['uv', 'pip', 'install', '-q', 'gizmos'], check=True)")

    venv, said = jobs.start()

    assert taken(said)
    assert imported(venv, "import importlib.util; print(importlib.util.find_spec('gizmos'))") == "None"
    assert sorted(path.name for path in venv.packages.glob("*.dist-info")) == ["gadgets-2.0.dist-info"]


def test_a_newer_version_is_installed(jobs: Jobs) -> None:
    jobs.run()
    jobs.publish("2.1")

    venv, said = jobs.start()

    assert not taken(said)
    assert imported(venv, "import gadgets; print(gadgets.VERSION)") == "2.1"


def test_another_wheel_of_the_same_version_is_installed(jobs: Jobs) -> None:
    page = jobs.home / "index" / "gadgets" / "index.html"
    page.parent.mkdir(parents=True)
    index = {"PIP_NO_INDEX": "", "UV_FIND_LINKS": "", "UV_DEFAULT_INDEX": page.parent.parent.as_uri()}

    def publish(code: str) -> None:
        jobs.publish("2.0", code)
        [wheel] = jobs.wheels.iterdir()
        digest = sha256(wheel.read_bytes()).hexdigest()
        page.write_text(f'<!DOCTYPE html><a href="{wheel.as_uri()}#sha256={digest}">{wheel.name}</a>')

    publish("VERSION = 'old'")
    (first, _), (second, _) = jobs.start(**index), jobs.start(**index)
    jobs.end(first)
    third, said = jobs.start(**index)
    assert taken(said)
    jobs.end(third)

    publish("VERSION = 'new'")
    fourth, said = jobs.start(**index)
    jobs.end(second)  # what it has comes back last, and is the old one
    fifth, _ = jobs.start(**index)

    assert not taken(said)
    assert {imported(venv, "import gadgets; print(gadgets.VERSION)") for venv in (fourth, fifth)} == {"new"}


def test_another_runtime_gets_nothing_of_it(jobs: Jobs) -> None:
    make_runtime(jobs.runtimes / "other")
    jobs.run()

    assert not taken(jobs.start(runtime="other")[1])


def test_a_runtime_that_has_changed_gets_nothing_of_it(jobs: Jobs) -> None:
    jobs.run()
    [place] = (jobs.runtimes / "test").glob("lib/python3.*/site-packages")
    give_package(place, "gizmos", "1.0")

    assert not taken(jobs.start()[1])


@pytest.mark.parametrize(
    ("lines", "variables"), [(("gadgets>=1",), {}), ((), {"UV_INDEX_STRATEGY": "unsafe-best-match"})]
)
def test_other_requirements_and_settings_get_nothing_of_it(
    jobs: Jobs, lines: tuple[str, ...], variables: dict[str, str]
) -> None:
    jobs.run()

    assert not taken(jobs.start(*lines, **variables)[1])


def test_of_two_jobs_at_once_the_second_installs(jobs: Jobs) -> None:
    jobs.run()
    (first, said), (second, other) = jobs.start(), jobs.start()

    assert (taken(said), taken(other)) == (True, False)
    jobs.end(first, "import gadgets; open(gadgets.__file__, 'a').write('VERSION = 3')")
    jobs.end(second)
    assert imported(jobs.start()[0], "import gadgets; print(gadgets.VERSION)") == "2.0"


def test_what_is_small_is_installed_each_time(jobs: Jobs) -> None:
    make_wheel(jobs.wheels, "gizmos", "1.0")
    for _ in range(2):
        venv, said = jobs.start("gizmos")
        jobs.end(venv)

        assert said.startswith("installed the job's requirements in ")


def test_what_takes_the_name_of_the_venv_s_own_is_installed_each_time(jobs: Jobs) -> None:
    jobs.publish("3.0", command="pip3")

    assert [taken(jobs.run()) for _ in range(2)] == [False, False]


def test_what_can_t_be_had_any_more_fails_as_ever(jobs: Jobs) -> None:
    jobs.run()
    (jobs.wheels / "gadgets-2.0-py3-none-any.whl").unlink()

    with pytest.raises(packages.RequirementsFailed, match="gadgets"):
        jobs.start()


def test_the_next_process_of_the_worker_takes_it_too(jobs: Jobs) -> None:
    jobs.run()
    jobs.kept = TreeCache(jobs.home / "trees", max_bytes=10**9)

    assert taken(jobs.start()[1])


def test_what_a_killed_worker_left_half_put_back_is_removed(jobs: Jobs) -> None:
    jobs.run()
    [record] = (jobs.home / "trees").glob("*/*.json")
    record.unlink()
    jobs.kept = TreeCache(jobs.home / "trees", max_bytes=10**9)

    assert not taken(jobs.start()[1])
    assert list((jobs.home / "trees").glob("*/*")) == []


def test_what_is_noted_beside_the_venv_holds_no_setting_in_clear(jobs: Jobs) -> None:
    venv, _ = jobs.start(UV_INDEX="https://user:password@index.example/simple")

    assert "password" not in json.dumps(json.loads(venv.path.with_name("venv.json").read_text()))
