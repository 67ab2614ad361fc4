"""The main job against a real stack: what a script finds, its limits, its logs live and after a restart."""

import contextlib
import hashlib
import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.factories import make_zip
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually


def submit(stack: Stack, script: str, *, zipped: bytes | None = None, **spec: Any) -> str:
    files = {"script": ("main.py", script.encode())}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    with stack.api() as api:
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def job(stack: Stack, job_id: str) -> Any:
    with stack.api() as api:
        return api.get(f"/jobs/{job_id}").json()


def ended(stack: Stack, job_id: str) -> Any:
    wanted = {"succeeded", "failed", "cancelled"}
    return eventually(
        lambda: now if (now := job(stack, job_id))["state"] in wanted else None, seconds=PATIENCE
    )


def log(stack: Stack, job_id: str, name: str = "stdout.log") -> bytes:
    with stack.api() as api:
        return api.get(f"/jobs/{job_id}/logs/{name}").content


def run(stack: Stack, script: str, **more: Any) -> tuple[Any, str]:
    job_id = submit(stack, script, **more)
    return ended(stack, job_id), log(stack, job_id).decode()


@contextlib.contextmanager
def following(stack: Stack, job_id: str, name: str = "stdout.log", **params: Any) -> Iterator[Iterator[Any]]:
    """The events of a followed log, as (fields, data)."""

    def events(lines: Iterator[str]) -> Iterator[Any]:
        fields: dict[str, str] = {}
        for line in lines:
            if line:
                key, _, value = line.partition(": ")
                fields[key] = value
            elif "data" in fields:
                yield fields, json.loads(fields["data"])
                fields = {}

    url = f"{stack.url}/api/v1/jobs/{job_id}/logs/{name}/stream"
    with httpx.stream("GET", url, headers=stack.headers, params=params, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        yield events(answer.iter_lines())


def test_a_script_finds_itself_as_by_hand(stack: Stack) -> None:
    script = """
import os, sys, json
print(json.dumps({
    "argv": sys.argv, "name": __name__, "file": os.path.basename(__file__), "cwd": os.getcwd(),
    "path0": sys.path[0], "outputs": os.path.isdir(os.environ["TORCHYARD_OUTPUTS"]),
    "environment": sorted(name for name in os.environ if name.startswith("TORCHYARD")),
    "seed": os.environ["SEED"],
    "stdin": sys.stdin.read(), "beside": os.path.isdir("outputs"),
}))
"""
    finished, printed = run(stack, script, arguments="--name 'two words' $HOME ;", environment={"SEED": "7"})

    assert finished["state"] == "succeeded"
    found = json.loads(printed)
    assert found["argv"] == ["main.py", "--name", "two words", "$HOME", ";"]
    assert found["cwd"] == found["path0"]
    assert (found["name"], found["file"], found["seed"], found["stdin"]) == ("__main__", "main.py", "7", "")
    assert found["outputs"]
    assert found["beside"]
    assert found["environment"] == [
        "TORCHYARD_ATTEMPT",
        "TORCHYARD_INPUTS",
        "TORCHYARD_JOB_ID",
        "TORCHYARD_OUTPUTS",
    ]


def test_no_gpu_is_there_when_none_was_asked_for(stack: Stack) -> None:
    _, printed = run(stack, "import torch\nprint(torch.cuda.is_available(), torch.__version__)")

    assert printed.startswith("False 2.13.0")


def test_both_streams_are_kept_in_order_and_apart(stack: Stack) -> None:
    script = "import sys\nfor n in range(50):\n print('out', n)\n print('err', n, file=sys.stderr)\n"
    job_id = submit(stack, script)
    ended(stack, job_id)

    assert log(stack, job_id, "stderr.log") == b"".join(b"err %d\n" % n for n in range(50))
    whole = log(stack, job_id).splitlines()
    assert sorted(whole) == sorted([b"out %d" % n for n in range(50)] + [b"err %d" % n for n in range(50)])
    assert [line for line in whole if line.startswith(b"out")] == [b"out %d" % n for n in range(50)]


def test_bytes_that_are_no_text_arrive_as_they_were_written(stack: Stack) -> None:
    printed = bytes(range(256)) * 40
    job_id = submit(stack, f"import os\nos.write(1, {printed!r})")
    ended(stack, job_id)

    assert log(stack, job_id) == printed


def test_a_line_is_seen_while_the_script_still_runs(stack: Stack) -> None:
    script = "import signal\nprint('first')\nwhile True: signal.pause()"
    job_id = submit(stack, script)

    with following(stack, job_id) as events:
        fields, chunk = next(events)
        # Unbuffered, `print` may write the line's end by itself.
        assert (chunk["offset"], chunk["text"][:5], chunk["stream"]) == (0, "first", "stdout")
        assert fields["id"] == str(len(chunk["text"]))
        assert job(stack, job_id)["state"] == "running"
        with stack.api() as api:
            api.post(f"/jobs/{job_id}/cancel")
        *_, (fields, end) = events

    assert fields["event"] == "end"
    assert (end["state"], end["size"]) == ("cancelled", 6)


def test_a_follower_that_comes_back_loses_and_doubles_nothing(stack: Stack) -> None:
    script = "import sys, time\nfor n in range(300):\n print('line', n, '€')\n time.sleep(0.002)\n"
    job_id = submit(stack, script)
    followed, offset, over = b"", 0, False

    while not over:
        with following(stack, job_id, offset=offset) as events:
            for number, (fields, chunk) in enumerate(events):
                if fields.get("event") == "end":
                    over = True
                    break
                assert chunk["offset"] == offset
                followed += chunk["text"].encode()
                offset = int(fields["id"])
                if number == 2:
                    break  # the connection breaks

    assert followed == "".join(f"line {n} €\n" for n in range(300)).encode()


def test_many_follow_one_log_and_all_see_all_of_it(stack: Stack) -> None:
    job_id = submit(stack, "import time\nfor n in range(100):\n print(n)\n time.sleep(0.002)\n")
    seen: list[str] = []

    def follow() -> None:
        with following(stack, job_id) as events:
            seen.append("".join(chunk.get("text", "") for _, chunk in events))

    threads = [threading.Thread(target=follow) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert seen == ["".join(f"{n}\n" for n in range(100))] * 8


def test_the_system_log_tells_the_whole_story(stack: Stack) -> None:
    job_id = submit(stack, "print('hi')", arguments="--lr '0.1'", zipped=make_zip({"data.csv": "1,2"}))
    ended(stack, job_id)

    story = log(stack, job_id, "system.log").decode()

    for part in (
        "queued",
        "placed on",
        "taken by",
        "staged",
        "main.py --lr 0.1",
        "torch-2.13-cpu",
        "exit code 0",
    ):
        assert part in story, story
    with following(stack, job_id, "system.log") as events:
        assert "".join(chunk.get("text", "") for _, chunk in events) == story


def test_a_time_limit_ends_the_script(stack: Stack) -> None:
    finished, printed = run(
        stack, "import signal\nprint('on')\nwhile True: signal.pause()", resources={"timeout_seconds": 1}
    )

    assert (finished["state"], finished["reason"]) == ("failed", "timeout")
    assert printed == "on\n"


def test_a_script_that_ignores_sigterm_is_killed_after_its_grace(stack: Stack) -> None:
    script = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no"))
print("on")
while True: time.sleep(0.05)
"""
    job_id = submit(stack, script, grace_seconds=1)
    with following(stack, job_id) as events:
        next(events)
        with stack.api() as api:
            api.post(f"/jobs/{job_id}/cancel")
        list(events)

    assert job(stack, job_id)["state"] == "cancelled"
    assert log(stack, job_id) == b"on\nno\n"


def test_a_script_may_clean_up_within_its_grace(stack: Stack) -> None:
    script = """
import signal, sys, time
def stop(*_):
    open("outputs/checkpoint", "w").write("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("on")
while True: time.sleep(0.05)
"""
    job_id = submit(stack, script)
    with following(stack, job_id) as events:
        next(events)
        with stack.api() as api:
            api.post(f"/jobs/{job_id}/cancel")
        list(events)

    assert job(stack, job_id)["state"] == "cancelled"
    with stack.api() as api:
        assert api.get(f"/jobs/{job_id}/artifacts/outputs/checkpoint").content == b"saved"


def test_a_signal_is_told_as_one(stack: Stack) -> None:
    finished, _ = run(stack, "import os\nos.kill(os.getpid(), 11)")

    assert (finished["state"], finished["reason"], finished["exit_code"]) == ("failed", "signaled", None)
    assert "SIGSEGV" in finished["sentence"]


def test_what_a_script_left_is_kept_and_unchanged_dependencies_are_not(stack: Stack) -> None:
    script = """
import os
open("new.txt", "w").write("1")
open("changed.txt", "a").write("more")
os.makedirs("outputs/deep"); open("outputs/deep/model.bin", "wb").write(bytes(1000))
open("same.txt").read()
raise SystemExit(4)
"""
    job_id = submit(stack, script, zipped=make_zip({"same.txt": "same", "changed.txt": "was"}))
    ended(stack, job_id)

    with stack.api() as api:
        kept = {one["path"]: one["size"] for one in api.get(f"/jobs/{job_id}/artifacts").json()}
        part = api.get(f"/jobs/{job_id}/artifacts/changed.txt", headers={"Range": "bytes=3-"})
    assert kept == {"new.txt": 1, "changed.txt": 7, "outputs/deep/model.bin": 1000}
    assert (part.status_code, part.content) == (206, b"more")


def test_a_job_that_fits_nowhere_says_why_it_waits(stack: Stack) -> None:
    job_id = submit(stack, "print(1)", resources={"gpus": 64})

    waiting = eventually(
        lambda: told if "GPU" in (told := job(stack, job_id)["waiting"])["explanation"] else None,
        seconds=PATIENCE,
    )

    assert "needs 64 GPUs" in waiting["explanation"]
    with stack.api() as api:
        assert api.post(f"/jobs/{job_id}/cancel").json()["state"] == "cancelled"


def test_a_key_whose_request_is_still_going_on_is_refused(stack: Stack) -> None:
    part = 'Content-Disposition: form-data; name="script"; filename="a.py"'
    body = f"--edge\r\n{part}\r\n\r\nprint(1)\n\r\n--edge--\r\n".encode()
    headers = stack.headers | {"Idempotency-Key": "slow"}
    first = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=PATIENCE)
    first.putrequest("POST", "/api/v1/jobs")
    more = {"Content-Type": "multipart/form-data; boundary=edge", "Content-Length": str(len(body))}
    for name, value in (headers | more | {"Expect": "100-continue"}).items():
        first.putheader(name, value)
    first.endheaders()
    assert first.sock.recv(1000).startswith(b"HTTP/1.1 100 ")  # it has the key, and wants the body now

    refused = httpx.post(f"{stack.url}/api/v1/jobs", headers=headers, json={}, timeout=PATIENCE)
    first.send(body)
    accepted = first.getresponse()

    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_in_progress")
    assert accepted.status == 201
    ended(stack, json.loads(accepted.read())["id"])
    first.close()


def test_a_large_upload_takes_no_memory(own_stack: Stack) -> None:
    size, block = 256 * 1024 * 1024, bytes(1024 * 1024)
    digest = hashlib.sha256(bytes(size)).hexdigest()
    before = own_stack.peak_memory("platform")

    def chunks() -> Iterator[bytes]:
        for _ in range(size // len(block)):
            yield block

    with own_stack.api() as api:
        answer = api.put(
            f"/blobs/{digest}", content=chunks(), headers={"Content-Type": "application/octet-stream"}
        )

    assert (answer.status_code, answer.json()["size"]) == (201, size)
    assert own_stack.peak_memory("platform") - before < 64 * 1024 * 1024


def test_everything_is_there_after_a_restart_of_everything(own_stack: Stack) -> None:
    stack = own_stack
    job_id = submit(
        stack, "import sys\nprint('out')\nprint('err', file=sys.stderr)\nopen('kept', 'w').write('x')"
    )
    before = ended(stack, job_id)
    logs = {name: log(stack, job_id, name) for name in ("stdout.log", "stderr.log", "system.log")}
    token = stack.token

    stack.stop("worker")
    stack.stop("platform")
    stack.valkey.restart()
    stack.start_platform()
    stack.start_worker()

    assert stack.token == token
    assert job(stack, job_id) == before
    assert {name: log(stack, job_id, name) for name in logs} == logs
    with stack.api() as api:
        assert api.get(f"/jobs/{job_id}/artifacts/kept").content == b"x"
    assert run(stack, "print('again')")[1] == "again\n"


def test_a_script_goes_on_and_loses_no_line_while_the_platform_is_away(own_stack: Stack) -> None:
    stack = own_stack
    script = "import os, time\nprint('one')\nwhile not os.path.exists('go'): time.sleep(0.02)\nprint('two')"
    job_id = submit(stack, script)
    with following(stack, job_id) as events:
        next(events)

    stack.stop("platform", signal.SIGKILL)
    (work,) = (stack.home / "worker" / "attempts").glob("*/work")
    (work / "go").touch()
    stack.start_platform()

    assert ended(stack, job_id)["state"] == "succeeded"
    assert log(stack, job_id) == b"one\ntwo\n"


def test_a_script_goes_on_and_loses_no_line_while_its_worker_is_restarted(own_stack: Stack) -> None:
    stack = own_stack
    script = "import os, time\nprint('one')\nwhile not os.path.exists('go'): time.sleep(0.02)\nprint('two')"
    job_id = submit(stack, script)
    with following(stack, job_id) as events:
        next(events)

    stack.stop("worker", signal.SIGKILL)
    (work,) = (stack.home / "worker" / "attempts").glob("*/work")
    (work / "go").touch()
    stack.start_worker()

    assert ended(stack, job_id)["state"] == "succeeded"
    assert log(stack, job_id) == b"one\ntwo\n"
    assert job(stack, job_id)["attempt"] == 1


@pytest.mark.parametrize("hint", ["forged", "doubled"])
def test_forged_and_doubled_messages_start_nothing(stack: Stack, hint: str) -> None:
    script = "import os, time\nprint('once')\nwhile not os.path.exists('go'): time.sleep(0.02)"
    job_id = submit(stack, script)
    running = attempt_of(stack, job_id)
    program = """
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(20):
    app.send_task("torchyard.run_attempt", args=[sys.argv[3]], queue=sys.argv[2], ignore_result=True)
"""
    with stack.api() as api:
        worker_id = api.get("/workers").json()[0]["id"]
    attempt = "00000000-0000-0000-0000-000000000000" if hint == "forged" else running
    with following(stack, job_id) as events:
        next(events)
    subprocess.run(
        [sys.executable, "-c", program, stack.valkey.url, f"torchyard.worker.{worker_id}", attempt],
        check=True,
        timeout=PATIENCE,
    )
    (stack.home / "worker" / "attempts" / running / "work" / "go").touch()

    assert ended(stack, job_id)["state"] == "succeeded"
    assert log(stack, job_id) == b"once\n"
    assert run(stack, "print('next')")[1] == "next\n"


def attempt_of(stack: Stack, job_id: str) -> str:
    """The id of an attempt is the platform's own business: it is found where the worker keeps it."""
    return eventually(
        lambda: next(
            (
                path.parent.name
                for path in (stack.home / "worker" / "attempts").glob("*/spec.json")
                if job_id in path.read_text()
            ),
            None,
        ),
        seconds=PATIENCE,
    )
