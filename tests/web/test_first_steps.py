"""What somebody meets first: an example that runs, a node of one's own, and its logs."""

import re
from pathlib import Path

from playwright.sync_api import expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, gated, made


def test_a_first_visit_comes_to_a_running_example_within_three_clicks(stack: Stack, visit: Visit) -> None:
    with stack.api() as api:
        for workflow in api.get("/workflows").json()["items"]:
            api.delete(f"/workflows/{workflow['id']}").raise_for_status()
    page = visit("/")
    page.get_by_role("button", name="Open the PyTorch example").click()
    editor = Editor(page)
    expect(editor.node("lenet")).to_be_visible()
    editor.run()
    editor.stands("lenet", "Succeeded")


def test_a_node_is_dragged_filled_saved_run_and_its_log_read_live(
    stack: Stack, visit: Visit, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    page = visit()
    page.get_by_role("button", name="New workflow").click()
    editor = Editor(page)
    editor.drag_in("PyTorch", 200, 150)
    editor.stands("pytorch", "Not configured")
    editor.panel.get_by_role("textbox", name="Node name").fill("train")
    editor.write(gated(gate, "epoch 1", "epoch 2"))
    editor.panel.get_by_role("textbox", name="Arguments", exact=True).fill("--epochs 2")
    expect(page.get_by_role("button", name="Save (unsaved changes)")).to_be_visible()
    editor.save()
    editor.run()
    editor.stands("train", "Running")
    editor.choose("train", "stdout.log")
    expect(editor.log()).to_contain_text("epoch 1")
    expect(editor.dock.get_by_text("Live")).to_be_visible()
    expect(editor.log()).not_to_contain_text("epoch 2")
    gate.touch()
    expect(editor.log()).to_contain_text("epoch 2")
    editor.stands("train", "Succeeded")
    expect(editor.dock.get_by_text("Ended (exit 0)")).to_be_visible()


def test_a_failing_script_has_both_logs_and_says_why(stack: Stack, visit: Visit) -> None:
    script = (
        "import sys\nprint('loading')\nprint('careful', file=sys.stderr)\n"
        "def step():\n    raise ValueError('the loss is not a number')\nstep()\n"
    )
    page = visit(f"/workflows/{made(stack, 'failing', {'train': script})}")
    editor = Editor(page)
    editor.run()
    editor.stands("train", "Failed")
    expect(editor.node("train")).to_contain_text("the loss is not a number")
    editor.choose("train", "stdout.log")
    for text in ("loading", "careful", "ValueError: the loss is not a number"):
        expect(editor.log()).to_contain_text(text)
    editor.choose("train", "stderr.log")
    expect(editor.log("stderr.log")).to_contain_text("careful")
    expect(editor.log("stderr.log")).not_to_contain_text("loading")
    editor.choose("train", "Status")
    page.get_by_role("link", name="Open the job").click()
    card = page.get_by_role("region", name="Why it failed")
    expect(card).to_contain_text("the loss is not a number")
    expect(card).to_contain_text("Exit code 1")
    card.get_by_role("button", name=re.compile(r"train\.py, line 5, in step")).click()
    expect(page.get_by_role("dialog")).to_contain_text("raise ValueError")
