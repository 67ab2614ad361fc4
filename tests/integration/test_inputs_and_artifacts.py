"""What one job leaves is shown, zipped, and given to the next; an unpacked zip goes from job to job."""

import io
import json
import os
import random
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.factories import make_zip
from tests.stack import PATIENCE, Stack
from tests.terminal import TORCHYARD
from tests.waiting import eventually

ENDED = {"succeeded", "failed", "cancelled"}


def run(stack: Stack, script: str, *, zipped: bytes | None = None, **spec: Any) -> tuple[Any, str]:
    files = {"script": ("main.py", script.encode())}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    with stack.api() as api:
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
        assert answer.status_code == 201, answer.text
        path = f"/jobs/{answer.json()['id']}"
        job = eventually(
            lambda: now if (now := api.get(path).json())["state"] in ENDED else None, seconds=PATIENCE
        )
        return job, api.get(f"{path}/logs/stdout.log").text


def test_what_a_job_leaves_is_there_for_the_next_one(stack: Stack) -> None:
    script = "import os; os.makedirs('outputs/deep')\n"
    script += "open('outputs/deep/a.txt', 'w').write('left'); open('notes.md', 'w').write('n')"
    giver, _ = run(stack, script)
    script = "import os; place = os.environ['TORCHYARD_INPUTS']\n"
    script += "print(place == os.path.abspath('inputs'), open('inputs/first/deep/a.txt').read())"
    job, printed = run(stack, script, inputs={"first": f"job:{giver['id']}"})

    assert (job["state"], printed) == ("succeeded", "True left\n")
    with stack.api() as api:
        assert api.get(f"/jobs/{job['id']}/artifacts").json() == []
        packed = zipfile.ZipFile(io.BytesIO(api.get(f"/jobs/{giver['id']}/artifacts.zip").content))
        assert {name: packed.read(name) for name in packed.namelist()} == {
            "outputs/deep/a.txt": b"left",
            "notes.md": b"n",
        }
        shown = api.get(f"/jobs/{giver['id']}/artifacts/notes.md?preview=true")
        assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_what_one_job_leaves_does_not_come_through_the_platform_for_the_next_one_here(stack: Stack) -> None:
    salt = os.urandom(8).hex()
    giver, _ = run(stack, f"open('outputs/a.txt', 'w').write('{salt}')")
    with stack.api() as api:
        (left,) = api.get(f"/jobs/{giver['id']}/artifacts").json()
    # Were it asked for, the platform would have nothing to give.
    (stored,) = (stack.home / "blobs").rglob(left["sha256"][2:])
    stored.unlink()

    job, printed = run(
        stack, "print(open('inputs/训练/a.txt').read())", inputs={"训练": f"job:{giver['id']}"}
    )

    assert (job["state"], printed) == ("succeeded", f"{salt}\n")


def test_files_are_uploaded_as_inputs_from_the_terminal(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "表, 1.csv").write_text("1,2")
    (tmp_path / "main.py").write_text(
        "import os\nprint(os.listdir('inputs'), open('inputs/数据/表, 1.csv').read())"
    )
    done = subprocess.run(
        [TORCHYARD, "run", "main.py", "--input", "数据=表, 1.csv"],
        cwd=tmp_path,
        env=stack.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "['数据'] 1,2\n"), done.stderr


def test_a_job_gets_a_zip_as_it_was_whatever_the_job_before_did_to_its_files(stack: Stack) -> None:
    salt = random.Random(os.getpid()).randbytes(8).hex()
    zipped = make_zip({f"data/{number:04d}.txt": salt for number in range(600)})
    look = "import os; names = os.listdir('data')\n"
    look += "print({open(f'data/{name}').read() for name in names}, len(names))\n"
    untouched = f"{{'{salt}'}} 600\n"
    for change in ("", "", "open('data/0000.txt', 'w').write('changed'); open('data/new', 'w')", "", ""):
        job, printed = run(stack, look + change, zipped=zipped)
        assert (job["state"], printed) == ("succeeded", untouched)
