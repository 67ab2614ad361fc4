"""`--deps DIR` from the terminal to the script: only what the platform lacks is sent, all of it arrives."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recording_proxy import RecordingProxy, recording
from tests.stack import PATIENCE, Stack
from tests.terminal import TORCHYARD

from torchyard.contracts.bundles import bundle_size

SCRIPT = """
import hashlib, os, subprocess
from pathlib import Path
from pkg.model import NAME
print(NAME, hashlib.sha256(Path('weights.pt').read_bytes()).hexdigest())
print(Path('数据/ä b.csv').read_text(), Path('hollow.txt').stat().st_size, os.listdir('empty/deep'))
print(subprocess.run(['./tool.sh'], capture_output=True, text=True, check=True).stdout, end='')
print(len(list(Path('many').iterdir())))
"""
SMALL = {
    "pkg/__init__.py": "",
    "pkg/model.py": "NAME = 'first'\n",
    "数据/ä b.csv": "1,2",
    "hollow.txt": "",
    "tool.sh": "#!/bin/sh\necho ran\n",
    **{f"many/{number}.txt": f"{number}" for number in range(120)},
}
WEIGHTS = os.urandom(3 * 2**20)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    root = tmp_path / "my src"
    for path, text in SMALL.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "tool.sh").chmod(0o755)
    (root / "empty" / "deep").mkdir(parents=True)
    (root / "weights.pt").write_bytes(WEIGHTS)
    (root / "left out.bin").write_bytes(b"x" * 10**6)
    (root / ".torchyardignore").write_text("*.bin\n")
    return root


@pytest.fixture
def proxy(stack: Stack) -> Iterator[RecordingProxy]:
    with recording(stack.port) as running:
        yield running


def run(
    stack: Stack, proxy: RecordingProxy, script: Path, *options: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [TORCHYARD, "run", str(script), *options],
        env=stack.environment(TORCHYARD_URL=proxy.url),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def sent(proxy: RecordingProxy) -> dict[str, list[int]]:
    """Sizes of the bodies that brought files, by the kind of request."""
    found: dict[str, list[int]] = {"alone": [], "together": []}
    for method, path, size in proxy.requests():
        if path.startswith("/api/v1/blobs") and method in {"PUT", "POST"}:
            found["alone" if method == "PUT" else "together"].append(size)
    return found


def said(stack: Stack) -> str:
    """The latest job's system.log."""
    with stack.api() as api:
        job = api.get("/jobs", params={"limit": 1}).json()["items"][0]
        assert api.get(f"/jobs/{job['id']}/artifacts").json() == []
        return api.get(f"/jobs/{job['id']}/logs/system.log").text


def test_of_a_changed_directory_only_the_changed_file_is_sent(
    own_stack: Stack, src: Path, tmp_path: Path
) -> None:
    with recording(own_stack.port) as proxy:
        _send_three_times(own_stack, proxy, src, tmp_path)


def _send_three_times(stack: Stack, proxy: RecordingProxy, src: Path, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(SCRIPT)
    contents = {text.encode() for text in SMALL.values()}

    first = run(stack, proxy, script, "--deps", str(src))

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("first ")
    assert first.stdout.endswith("1,2 0 []\nran\n120\n")
    brought = sent(proxy)
    assert sorted(brought["alone"]) == [len(SCRIPT.encode()), len(WEIGHTS)]
    assert brought["together"] == [bundle_size(len(content) for content in contents)]
    assert f"my src ({len(SMALL) + 1} files, 3.1 MB; fetched {len(contents) + 1} files, " in said(stack)

    assert run(stack, proxy, script, "--deps", str(src)).stdout == first.stdout
    assert sent(proxy) == {"alone": [], "together": []}
    assert f"my src ({len(SMALL) + 1} files, 3.1 MB, all of them from the cache)" in said(stack)

    (src / "pkg" / "model.py").write_text("NAME = 'second, and longer'\n")
    second = run(stack, proxy, script, "--deps", str(src))

    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout.replace("first ", "second, and longer ")
    assert sent(proxy) == {"alone": [len("NAME = 'second, and longer'\n")], "together": []}
    assert "; fetched 1 file, 28 B, in " in said(stack)


def test_a_module_in_a_folder_of_the_directory_is_explained(
    stack: Stack, proxy: RecordingProxy, tmp_path: Path
) -> None:
    (tmp_path / "deps" / "src").mkdir(parents=True)
    (tmp_path / "deps" / "src" / "features.py").touch()
    script = tmp_path / "main.py"
    script.write_text("import features\n")

    done = run(stack, proxy, script, "--deps", str(tmp_path / "deps"), "--json")

    assert done.returncode == 1
    job = json.loads(done.stdout)
    assert "it lies in the folder 'src' of deps, so import it as 'src.features'" in job["sentence"]


def test_a_file_in_the_place_of_the_script_is_refused_before_the_job_is_made(
    stack: Stack, proxy: RecordingProxy, tmp_path: Path
) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps" / "main.py").write_text("print('other')\n")
    script = tmp_path / "main.py"
    script.write_text("print('mine')\n")

    done = run(stack, proxy, script, "--deps", str(tmp_path / "deps"))

    assert done.returncode != 0
    assert "the dependencies hold another 'main.py' than the script" in done.stderr
