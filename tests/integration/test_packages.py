"""Packages in jobs, on the real runtime: installed before the script, by the script, and its figures."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.factories import make_zip
from tests.stack import PATIENCE, RUNTIME, RUNTIMES, Stack
from tests.terminal import TORCHYARD
from tests.waiting import eventually
from tests.wheels import make_wheel


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose packages come from a directory of tiny wheels alone."""
    place = tmp_path_factory.mktemp("shop")
    make_wheel(place / "wheels", "gadgets", "2.0", requires=("torch", "numpy"))
    make_wheel(place / "wheels", "narwhals", "4.0")
    make_wheel(place / "wheels", "torch", "2.0.0")
    for name in ("one", "two", "three", "four", "five"):
        make_wheel(place / "wheels", name, "1.0", requires=("torch", "numpy"))
    with Stack(place / "home", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(place / "wheels")) as running:
        yield running


def run(stack: Stack, script: str, *, zipped: bytes | None = None, **spec: Any) -> Any:
    """The ended job."""
    files = {"script": ("main.py", script.encode())}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    with stack.api() as api:
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
        assert answer.status_code == 201, answer.text
        path = f"/jobs/{answer.json()['id']}"
        return eventually(
            lambda: job if (job := api.get(path).json())["state"] in {"succeeded", "failed"} else None,
            seconds=PATIENCE,
        )


def log(stack: Stack, job: Any, name: str = "stdout.log") -> str:
    with stack.api() as api:
        return api.get(f"/jobs/{job['id']}/logs/{name}").text


def artifacts(stack: Stack, job: Any) -> list[str]:
    with stack.api() as api:
        return sorted(one["path"] for one in api.get(f"/jobs/{job['id']}/artifacts").json())


def test_a_script_installs_and_imports_at_once_beside_the_runtime_s_torch(shop: Stack) -> None:
    job = run(
        shop,
        "import subprocess, sys, pip\n"
        "from pip._internal import main\n"
        "assert pip.main(['install', '-q', 'gadgets']) == 0\n"
        "import gadgets, torch\n"
        "assert main(['install', '-q', 'narwhals==4.0']) == 0\n"
        "import narwhals\n"
        "print(gadgets.VERSION, narwhals.VERSION, torch.__version__.split('+')[0], torch.__file__)\n"
        "print(subprocess.run(['pip', 'install', 'torch==2.0.0']).returncode)\n",
    )

    assert job["state"] == "succeeded", job
    first, *rest = log(shop, job).splitlines()
    assert first == f"2.0 4.0 2.13.0 {torch_of_the_runtime()}"
    assert rest[-1] == "1"
    assert artifacts(shop, job) == []


EVERY_WAY = """
import subprocess, sys
import pip
pip.main(['install', '-q', 'one'])
from pip._internal import main
main(['install', '-q', 'two'])
subprocess.check_call([sys.executable, '-m', 'pip', 'install', '-q', 'three'])
subprocess.check_call(['pip', 'install', '-q', 'four'])
subprocess.check_call(['uv', 'pip', 'install', '-q', 'five'])
import one, two, three, four, five
print({module.__file__.startswith(sys.prefix) for module in (one, two, three, four, five)})
from importlib.metadata import distributions
print([one.version for one in distributions() if one.metadata['Name'] == 'torch'])
"""


def test_every_way_to_install_works_without_noise_and_never_brings_torch(shop: Stack) -> None:
    job = run(shop, EVERY_WAY)

    assert job["state"] == "succeeded", job
    places, torches = log(shop, job).splitlines()
    assert places == "{True}"
    assert torches.startswith("['2.13.0")
    assert "," not in torches
    assert log(shop, job, "stderr.log") == ""


def torch_of_the_runtime() -> Path:
    [torch] = (RUNTIMES / RUNTIME).glob("lib/python3.*/site-packages/torch/__init__.py")
    return torch


def test_the_next_job_has_nothing_of_it(shop: Stack) -> None:
    run(shop, "import pip; pip.main(['install', 'gadgets'])")

    job = run(shop, "import gadgets")

    assert job["state"] == "failed"
    assert "could not import 'gadgets' at line 1 of main.py" in job["sentence"]
    eventually(lambda: list((shop.home / "worker" / "attempts").iterdir()) == [])


def test_requirements_are_there_before_the_script_and_said_in_system_log(shop: Stack) -> None:
    job = run(
        shop,
        "import gadgets, narwhals; print(gadgets.VERSION, narwhals.VERSION)",
        requirements="gadgets  # ours",
        zipped=make_zip({"requirements.txt": "narwhals==4.0\n"}),
    )

    assert log(shop, job) == "2.0 4.0\n"
    said = log(shop, job, "system.log")
    assert "installed the job's requirements and requirements.txt in deps.zip in " in said
    assert "gadgets 2.0" in said
    assert artifacts(shop, job) == []


TAMPERING = """
import os, pathlib, sys, bulky
assert os.environ.get('PLANTED') is None
here = pathlib.Path(bulky.__file__).parent
assert not list(here.glob('__pycache__/bulky_*')), 'bytecode of another job'
(here / 'planted.pth').write_text("import os; os.environ['PLANTED'] = '1'")
import bulky_1
print(bulky.VERSION, sys.prefix == os.environ['VIRTUAL_ENV'])
"""


def test_the_next_job_takes_what_was_installed_and_nothing_that_a_script_planted(shop: Stack) -> None:
    more = {f"bulky_{number}.py": "" for number in range(500)}
    make_wheel(shop.home.parent / "wheels", "bulky", "1.0", more=more)
    said = []
    for _ in range(3):
        job = run(shop, TAMPERING, requirements="bulky")
        assert (job["state"], log(shop, job)) == ("succeeded", "1.0 True\n"), log(shop, job, "stderr.log")
        said.append(log(shop, job, "system.log"))

    assert "installed the job's requirements in " in said[0]
    assert all("took 1 package of an earlier job for the job's requirements in " in one for one in said[1:])


@pytest.mark.parametrize(
    ("requirements", "reason"),
    [
        ("torch==2.0.0", "torch==2.13.0"),
        ("gadgets\ntorch<2", "torch<2"),
        ("not-to-be-found", "not-to-be-found"),
        ("gadgets>=3", "gadgets>=3"),
    ],
)
def test_requirements_that_can_t_be_had_fail_the_job_in_one_sentence(
    shop: Stack, requirements: str, reason: str
) -> None:
    job = run(shop, "print('never')", requirements=requirements)

    assert (job["state"], job["reason"]) == ("failed", "requirements_failed")
    assert job["sentence"].startswith("The packages that the job requires could not be installed: ")
    assert reason in job["sentence"]
    assert log(shop, job) == ""


def test_a_line_of_the_zip_s_file_that_is_not_allowed_is_refused_at_submit(shop: Stack) -> None:
    zipped = make_zip({"requirements.txt": "narwhals\n-e .\n"})
    with shop.api() as api:
        files = {"script": ("main.py", b"print()"), "dependencies": ("deps.zip", zipped)}
        answer = api.post("/jobs", files=files)

    assert (answer.status_code, answer.json()["code"]) == (422, "requirements_invalid")
    assert "requirements.txt in the zip" in answer.json()["detail"]
    assert "line 2: the option '-e .' is not allowed" in answer.json()["detail"]


def test_requirements_that_choose_for_the_worker_are_refused_at_submit(shop: Stack) -> None:
    with shop.api() as api:
        answer = api.post(
            "/jobs",
            files={"script": ("main.py", b"print()")},
            data={"spec": json.dumps({"requirements": "narwhals\n--index-url https://example.org\n"})},
        )
    assert answer.status_code == 422
    assert answer.json()["code"] == "requirements_invalid"
    assert "line 2" in answer.json()["detail"]


def test_requirements_are_given_from_the_terminal(shop: Stack, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import gadgets; print(gadgets.VERSION)")
    (tmp_path / "requirements.txt").write_text("gadgets\n")

    done = subprocess.run(
        [TORCHYARD, "run", "--requirements", "requirements.txt", "main.py"],
        cwd=tmp_path, env=shop.environment(), capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, b"2.0\n"), done.stderr


def test_a_job_has_the_index_settings_and_no_secret_of_the_worker(shop: Stack) -> None:
    job = run(shop, "import os; print(dict(os.environ))")

    said = log(shop, job)
    assert "'PIP_NO_INDEX': '1'" in said
    assert "TOKEN" not in said


def test_a_module_in_the_zip_s_only_folder_is_found_by_the_sentence(shop: Stack) -> None:
    job = run(shop, "import features", zipped=make_zip({"src/features.py": "", "src/data.csv": "1"}))

    assert "it lies in the folder 'src' of deps.zip, so import it as 'src.features'" in job["sentence"]


FIGURES = """
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.figure(); plt.plot([2, 1])
plt.show()
print(plt.get_fignums())
plt.plot([3, 4])
plt.show()
for step in range(3):
    plt.plot([step]); plt.pause(0.001)
print(plt.get_fignums())
"""


def test_shown_figures_become_artifacts_without_a_word(shop: Stack) -> None:
    job = run(shop, FIGURES)

    assert job["state"] == "succeeded", job
    assert log(shop, job) == "[]\n[1]\n"
    # Two at the first show, one at the second, and what the animation had come to at the end.
    assert artifacts(shop, job) == [f"outputs/figure-{number}.png" for number in range(1, 5)]
    with shop.api() as api:
        assert api.get(f"/jobs/{job['id']}/artifacts/outputs/figure-1.png").content.startswith(b"\x89PNG")


def test_a_script_that_chooses_its_backend_is_left_alone(shop: Stack) -> None:
    chosen = run(
        shop,
        "import matplotlib; matplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1]); plt.savefig('mine.png'); print(plt.get_backend().lower())",
    )
    by_variable = run(
        shop,
        "import matplotlib.pyplot as plt; plt.figure(); print(plt.get_backend().lower())",
        environment={"MPLBACKEND": "svg"},
    )

    assert (log(shop, chosen), artifacts(shop, chosen)) == ("agg\n", ["mine.png"])
    assert log(shop, by_variable) == "svg\n"


def test_data_loaders_work_in_every_start_method(shop: Stack) -> None:
    job = run(
        shop,
        "import torch\n"
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "if __name__ == '__main__':\n"
        "    data = TensorDataset(torch.arange(8))\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        loader = DataLoader(data, batch_size=4, num_workers=1, multiprocessing_context=method)\n"
        "        print(method, sum(batch[0].sum().item() for batch in loader))\n",
    )
    assert log(shop, job) == "fork 28\nspawn 28\nforkserver 28\n"


def test_a_runtime_that_is_added_is_offered_and_used_without_a_restart(tmp_path: Path) -> None:
    runtimes = tmp_path / "runtimes"
    runtimes.mkdir()
    (runtimes / RUNTIME).symlink_to(RUNTIMES / RUNTIME)
    with Stack(tmp_path / "home") as stack:
        stack.stop("worker")
        stack.start_worker(runtimes)
        python = RUNTIMES / RUNTIME / "bin" / "python"
        added = subprocess.run(
            [TORCHYARD, "runtime", "add", "mine", "--python", str(python)],
            env=os.environ | {"TORCHYARD_WORKER_RUNTIMES": str(runtimes)},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        with stack.api() as api:
            offered = eventually(
                lambda: next((one for one in api.get("/runtimes").json() if one["name"] == "mine"), None),
                seconds=PATIENCE,
            )
        [facts] = offered["workers"].values()
        assert facts["packages"]["torch"].startswith("2.13.0")

        job = run(stack, "import torch; print(torch.__version__.split('+')[0])", runtime="mine")

        assert log(stack, job) == "2.13.0\n"


def test_what_a_job_required_is_kept_within_the_cache_s_limit(shop: Stack, tmp_path: Path) -> None:
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shop.home.parent / "wheels")}
    with Stack(tmp_path / "home", **wheels, TORCHYARD_WORKER_PACKAGE_CACHE_MB="0") as stack:
        job = run(stack, "import gadgets; print(gadgets.VERSION)", requirements="gadgets")

        assert log(stack, job) == "2.0\n"
        cache = stack.home / "worker" / "uv-cache"
        eventually(lambda: not list(cache.rglob("gadgets.py")), seconds=PATIENCE)

    kept = shop.home / "worker" / "uv-cache"
    run(shop, "import gadgets", requirements="gadgets")
    assert list(kept.rglob("gadgets.py"))
