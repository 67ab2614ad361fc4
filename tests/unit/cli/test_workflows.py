"""`torchyard workflow` against a real API, without a worker: files, lists, and everything that is refused."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.driving import Driver
from tests.factories import register
from tests.unit.conftest import sqlite_database
from tests.waiting import eventually

from torchyard.api.app import create_app
from torchyard.cli import main
from torchyard.client import Client
from torchyard.contracts.workflow_reading import opened
from torchyard.errors import RequestRefused
from torchyard.ports import WebhookAnswer
from torchyard.services import users
from torchyard.services.context import Context
from torchyard.storage.database import Database
from torchyard.testing import RecordingWebhooks

Captured = pytest.CaptureFixture[str]
TOKEN = "ty_test"
FLOW = """\
torchyard: 1
name: two nodes
parameters:
  lr: {type: number, default: 0.1}
  seed:
nodes:
  train:
    script: train.py
    arguments: --lr ${lr} --seed ${seed}
  evaluate:
    script: {name: evaluate.py, text: print(1)}
    needs: [train]
"""


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    yield from sqlite_database(migrated_sqlite, tmp_path)


@pytest.fixture
def served(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A platform that the command line finds through its environment."""
    register(ctx)
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), TOKEN)
    app = create_app(
        ctx, worker_token="tyj", authentication=True, max_json_bytes=2**20, max_upload_bytes=2**20
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    monkeypatch.setenv("TORCHYARD_URL", url)
    monkeypatch.setenv("TORCHYARD_TOKEN", TOKEN)
    with Client(url, TOKEN) as client:
        yield client
    server.should_exit = True
    thread.join()


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("print('trains')\n")
    file = tmp_path / "flow.yaml"
    file.write_text(FLOW)
    return file


def run(capsys: Captured, *words: object, code: int = 0) -> str:
    """What the command printed to stdout, and to stderr if it failed."""
    ended = main(["workflow", *map(str, words)])
    told = capsys.readouterr()
    assert ended == code, told
    return told.err if code else told.out


def test_a_file_without_mistakes_is_fine_and_no_platform_is_asked(flow: Path, capsys: Captured) -> None:
    assert run(capsys, "validate", flow) == f"{flow} is fine: 2 nodes\n"
    assert run(capsys, "validate", flow, "-p", "seed=1") == f"{flow} is fine: 2 nodes\n"
    assert json.loads(run(capsys, "validate", flow, "--json")) == []


def test_all_mistakes_are_told_from_top_to_bottom_with_line_and_column(flow: Path, capsys: Captured) -> None:
    flow.write_text(
        FLOW.replace("default: 0.1", "default: much")
        .replace("${seed}", "${sed}")
        .replace("[train]", "[train, nobody]")
        .replace("print(1)", "print(1")
    )
    (flow.parent / "train.py").write_text("if:\n")
    told = run(capsys, "validate", flow, code=2).splitlines()

    assert [line.partition(f"{flow}:")[2].split(": ")[:3] for line in told] == [
        ["4:22", "parameters.0.default", told[0].split(": ")[2]],
        ["8:5", "train", "settings.script"],
        ["9:5", "train", "settings.arguments"],
        ["11:5", "evaluate", "settings.script"],
        ["12:5", "evaluate", "edges.1.source"],
    ]
    assert [line.rpartition("[")[2] for line in told] == [
        "default_invalid]",
        "script_syntax_error]",
        "parameter_unknown]",
        "script_syntax_error]",
        "edge_to_nowhere]",
    ]
    main(["workflow", "validate", str(flow), "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert (listed[1]["line"], listed[1]["column"], listed[1]["node"]) == (8, 5, "train")
    assert "parameter 'seed'" in run(capsys, "validate", flow, "-p", "lr=0.1", code=2)
    assert "no such parameter" in run(capsys, "validate", flow, "-p", "nothing=0.1", code=2)


def test_what_is_no_file_or_names_one_that_is_not_there_is_said(flow: Path, capsys: Captured) -> None:
    (flow.parent / "train.py").unlink()
    assert "line 8, column 13: train: there is no file" in run(capsys, "validate", flow, code=2)
    flow.write_text("torchyard: 1\nname: a: b\n")
    assert "line 2, column 8" in run(capsys, "validate", flow, code=2)
    assert "can't be read" in run(capsys, "validate", flow.parent / "nowhere.yaml", code=2)
    assert "can't be read" in run(capsys, "run", flow.parent / "nowhere.yaml", code=2)


def test_nothing_is_sent_of_a_file_that_can_t_run(served: Client, flow: Path, capsys: Captured) -> None:
    assert "parameter_missing" in run(capsys, "run", flow, "--detach", code=2)
    assert "parameter_invalid" in run(capsys, "run", flow, "-p", "seed=1", "-p", "lr=x", code=2)
    assert list(served.runs.all()) == []
    assert "no NAME=VALUE" in run(capsys, "run", flow, "-p", "seed", code=2)
    assert "only one of" in run(capsys, "run", flow, "--from", "a", "--to", "b", code=2)
    assert "no versions" in run(capsys, "run", flow, "--version", "1", code=2)


def test_a_file_runs_without_being_saved(served: Client, flow: Path, capsys: Captured) -> None:
    run_id = run(capsys, "run", flow, "-p", "seed=007", "-p", "lr=1", "--only", "train", "--detach").strip()
    found = served.runs.get(run_id)

    assert (found.name, found.workflow, found.parameters) == ("two nodes", None, {"seed": "007", "lr": 1})
    assert (found.mode.kind, found.mode.nodes) == ("only", ["train"])
    assert list(served.workflows.all()) == []
    assert run(capsys, "stop", run_id[:8]) == f"{run_id[:8]} was asked to stop\n"
    listed = run(capsys, "runs").splitlines()
    assert listed[0].split()[:4] == ["ID", "WORKFLOW", "NO.", "STATE"]
    assert listed[1].startswith(run_id[:8])
    assert json.loads(run(capsys, "runs", "--json"))[0]["id"] == run_id
    assert "too short" in run(capsys, "stop", run_id[:2], code=2)
    assert "there is no run" in run(capsys, "stop", "ffffffff", code=1)


def test_a_workflow_is_imported_listed_shown_exported_and_removed(
    served: Client, flow: Path, capsys: Captured
) -> None:
    made = run(capsys, "import", flow).strip()

    assert run(capsys, "list").splitlines()[1].split()[:4] == [made[:8], "two", "nodes", "1"]
    assert "two nodes" in run(capsys, "show", made[:8])
    assert run(capsys, "versions", "two nodes").splitlines()[1].startswith("1 ")
    text = run(capsys, "export", made)
    back = opened(text.encode())
    assert set(back.texts.values()) == {b"print('trains')\n", b"print(1)"}
    run(capsys, "export", made, "-o", flow.parent / "out.yaml")
    assert (flow.parent / "out.yaml").read_text() == text
    assert json.loads(run(capsys, "import", flow.parent / "out.yaml", "--json"))["problems"] == []
    assert "there is more than one workflow 'two nodes'" in run(capsys, "show", "two nodes", code=2)
    assert run(capsys, "rm", made) == f"{made} is removed\n"
    assert len(list(served.workflows.all())) == 1


def test_a_saved_draft_s_mistakes_are_told_when_it_is_to_run(
    served: Client, flow: Path, capsys: Captured
) -> None:
    flow.write_text("torchyard: 1\nname: draft\nnodes:\n  a: {}\n  b: {needs: [c]}\n")
    assert main(["workflow", "import", str(flow)]) == 0
    told = capsys.readouterr().err
    assert "it can't run yet" in told
    assert f"{flow}:4:3: a: settings.script" in told
    wrong = run(capsys, "run", "draft", code=2)
    assert "a: settings.script: " in wrong
    assert "[edge_to_nowhere]" in wrong
    assert "WHAT IS WRONG" in run(capsys, "show", "draft")


def test_templates_are_listed_and_used(served: Client, capsys: Captured) -> None:
    assert [line.split()[0] for line in run(capsys, "templates").splitlines()[1:]] == [
        "lenet",
        "train-evaluate-report",
        "learning-rates",
    ]
    made = run(capsys, "new", "lenet", "--name", "mine").strip()
    assert served.workflows.get(made).name == "mine"
    assert "no template" in run(capsys, "new", "nothing", code=2)


def test_a_schedule_is_set_shown_paused_and_removed(served: Client, capsys: Captured) -> None:
    made = run(capsys, "new", "train-evaluate-report").strip()
    words = ("30 2 * * *", "--time-zone", "Asia/Shanghai", "-p", "lr=0.5", "--overlap", "queue")
    told = run(capsys, "schedule", made, *words)
    assert "2026-01-02 02:30+08:00" in told
    assert "lr=0.5" in told
    assert "paused" in run(capsys, "schedule", made, "--pause")
    assert "paused" not in run(capsys, "schedule", made, "--resume")
    shown: Any = json.loads(run(capsys, "schedule", made, "--json"))
    assert (shown["cron"], shown["overlap"]) == ("30 2 * * *", "queue")
    assert "only one of" in run(capsys, "schedule", made, "--pause", "--rm", code=2)
    filled = run(capsys, "backfill", made, "--from", "2025-12-01", "--to", "2025-12-03").splitlines()
    assert len(filled) == 4
    assert run(capsys, "schedule", made, "--rm") == "the schedule is removed\n"
    assert "schedule" in run(capsys, "schedule", made, code=2)


def test_a_sweep_makes_a_run_for_each_combination(served: Client, capsys: Captured) -> None:
    made = run(capsys, "new", "train-evaluate-report").strip()
    told = run(capsys, "sweep", made, "-p", "lr=0.1,0.01", "-p", "epochs=5:15:5", "--name", "s").splitlines()

    assert told[0].startswith("sweep ")
    assert [line.split()[1:3] for line in told[2:]] == [
        [lr, epochs] for lr in ("0.1", "0.01") for epochs in ("5", "10", "15")
    ]
    sweep = told[0].split()[1].rstrip(":")
    assert run(capsys, "sweep", made).splitlines()[1].split()[:3] == [sweep, "s", "6"]
    assert run(capsys, "sweep", made, "--stop", sweep[:8]).startswith(f"sweep {sweep}")
    assert len(json.loads(run(capsys, "sweep", made, "--show", sweep[:8], "--json"))["results"]) == 6
    assert "there is no sweep" in run(capsys, "sweep", made, "--show", "ffff", code=1)


def test_versions_are_saved_compared_and_brought_back(served: Client, flow: Path, capsys: Captured) -> None:
    made = run(capsys, "import", flow).strip()
    flow.write_text(FLOW.replace("--lr ${lr}", "--rate ${lr}"))

    assert run(capsys, "save", made, flow, "-m", "renamed") == "two nodes is at version 2\n"
    told = run(capsys, "diff", "two nodes", 1)
    assert " ".join(told.splitlines()[1].split()) == (
        "node train settings.arguments --lr ${lr} --seed ${seed} --rate ${lr} --seed ${seed}"
    )
    assert run(capsys, "diff", made[:6], 1, 1) == "versions 1 and 1 do the same\n"
    flow.write_text(FLOW.replace("print(1)", "print(2)"))
    ended = main(["workflow", "save", made, str(flow), "--version", "1"])
    refused = capsys.readouterr()
    assert ended == 2
    assert "version 2 was saved since you took version 1" in refused.err
    theirs, yours = refused.out.split("What you would change of that:")
    assert "settings.arguments" in theirs
    assert "settings.script.sha256" in yours
    assert run(capsys, "restore", made, 1) == "two nodes is at version 3\n"
    assert "version 1 brought back" in run(capsys, "versions", made)
    assert "no version 9" in run(capsys, "restore", made, 9, code=2)


def test_runs_are_explained_compared_and_started_again(
    served: Client, ctx: Context, flow: Path, capsys: Captured
) -> None:
    driver = Driver(ctx)
    made = run(capsys, "import", flow).strip()
    ran = []
    for words in (["run", made, "-d", "-p", "seed=1"], ["run", made, "-d", "-p", "seed=2"]):
        ran.append(run(capsys, *words).strip())
        driver.engine.look()
        driver.end_all(ran[-1], ["train", "evaluate"])
        ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock
    ran.append(run(capsys, "again", ran[0], "-d", "-p", "seed=3").strip())

    assert served.runs.get(ran[2]).again_of == ran[0]
    first = run(capsys, "explain", ran[0], "train").splitlines()
    assert (first[0], first[2].split()) == ("train: Ran: reuse is off.", ["FIELD", "THIS", "RUN"])
    second = run(capsys, "explain", ran[1][:13], "train").splitlines()
    assert second[3].split()[:3] == ["changed", "arguments", "--lr"]
    assert json.loads(run(capsys, "explain", ran[1], "train", "--json"))["compared_run"] == ran[0]
    beside = run(capsys, "compare", ran[0], ran[1])
    assert beside.splitlines()[1].split()[:2] == ["train", "succeeded"]
    assert "parameter seed" in beside
    assert "train, settings" in beside
    assert "are the same" in run(capsys, "compare", ran[0], ran[0])
    (tried,) = json.loads(run(capsys, "attempts", ran[1], "train", "--json"))
    assert tried["settings"]["arguments"] == "--lr 0.1 --seed 2"
    assert run(capsys, "attempts", ran[1], "train").splitlines()[1].split()[2] == "succeeded"
    assert "no node 'nobody'" in run(capsys, "explain", ran[0], "nobody", code=2)
    shown = [line.split() for line in run(capsys, "show", made).splitlines()]
    assert ["train", "pytorch", "train.py", "up", "to", "date"] in shown


def test_webhooks_are_added_tested_logged_and_removed(served: Client, ctx: Context, capsys: Captured) -> None:
    made = run(capsys, "new", "lenet").strip()
    hook = "https://example.org/hook"
    added = run(capsys, "notify", "add", made, hook, "--on", "failure").strip()

    assert run(capsys, "notify", "list", made).splitlines()[1].split()[:2] == [added[:8], "failure"]
    assert run(capsys, "notify", "test", made, hook) == "delivered, answered with 204\n"
    assert run(capsys, "notify", "log", made, added[:6]).splitlines()[1].split()[2:6] == [
        "test",
        "delivered",
        "1",
        "204",
    ]
    assert isinstance(ctx.webhooks, RecordingWebhooks)
    ctx.webhooks.answer = WebhookAnswer(500, b"")
    main(["workflow", "notify", "test", made, added])
    assert capsys.readouterr().out == "failed: answered 500\n"
    assert run(capsys, "notify", "rm", made, hook) == f"{hook} is removed\n"
    assert "there is no webhook" in run(capsys, "notify", "test", made, hook, code=1)
    assert "must be a http" in run(capsys, "notify", "add", made, "ftp://example.org", code=2)


def test_what_begins_alike_is_asked_for_by_its_beginning(
    served: Client, flow: Path, capsys: Captured
) -> None:
    made = run(capsys, "import", flow).strip()
    run(capsys, "import", flow)
    started = run(capsys, "run", made, "-d", "-p", "seed=1").strip()

    assert json.loads(run(capsys, "show", made[:8].upper(), "--json"))["id"] == made
    assert run(capsys, "stop", started[:8].upper()) == f"{started[:8]} was asked to stop\n"
    assert [one.id for one in served.runs.all(id_prefix=started[:8])] == [started]
    assert [one.id for one in served.workflows.all(id_prefix=made[:8])] == [made]
    assert list(served.runs.all(id_prefix="ffffffff")) == []
    with pytest.raises(RequestRefused):
        list(served.workflows.all(id_prefix="%"))


def test_ctrl_c_detaches_and_the_run_goes_on(served: Client, flow: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-P", "-m", "torchyard.cli", "workflow", "run", str(flow), "-p", "seed=1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout
    assert program.stdout.readline().split()[1:3] == ["run", "running"]
    program.send_signal(signal.SIGINT)
    said = program.communicate(timeout=60)[1]

    assert program.returncode == 130
    (found,) = served.runs.all()
    assert f"torchyard workflow follow {found.id[:8]}" in said
    assert found.state == "running"
