"""Drawing and running graphs: dependencies, parts of a graph, conflicts, undoing."""

import io
import os
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.servers import S3Server
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, ended, made


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return packed.getvalue()


def test_a_zip_and_a_path_lie_beside_the_script(stack: Stack, visit: Visit, s3_server: S3Server) -> None:
    bucket = f"web-{os.urandom(4).hex()}"
    s3 = s3_server.client()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="data/rows.csv", Body=b"1,2\n")
    connection = {
        "endpoint": s3_server.endpoint,
        "access_key_id": s3_server.access_key_id,
        "secret_access_key": s3_server.secret_access_key,
        "allowed": [bucket],
    }
    with stack.api() as api:
        api.put(f"/connections/{bucket}", json=connection).raise_for_status()
    script = "import helper\nprint(helper.WORD, open('rows.csv').read())\n"
    page = visit(f"/workflows/{made(stack, 'with files', {'train': script})}")
    editor = Editor(page)
    editor.node("train").click()
    with page.expect_file_chooser() as chooser:
        editor.panel.get_by_role("button", name="Upload a zip").click()
    deps = {"name": "deps.zip", "mimeType": "application/zip", "buffer": zipped(helper="WORD = 'found'\n")}
    chooser.value.set_files(deps)
    expect(editor.panel.get_by_text("1 file,")).to_be_visible()
    editor.panel.get_by_role("textbox", name="Dependency paths").fill(f"s3://{bucket}/data/rows.csv")
    expect(editor.panel.get_by_text("rows.csv: a file")).to_be_visible()
    editor.run()
    editor.stands("train", "Succeeded")
    editor.choose("train", "stdout.log")
    expect(editor.log()).to_contain_text("found 1,2")


def test_a_failed_run_is_resumed_and_a_part_of_the_graph_runs_again(
    stack: Stack, visit: Visit, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    scripts = {
        "one": "open('outputs/n', 'w').write('1')\n",
        "two": f"import os\nassert os.path.exists({str(mended)!r}), 'not mended'\n"
        "open('outputs/n', 'w').write(open('inputs/one/n').read() + '2')\n",
        "three": "print('got', open('inputs/two/n').read())\n",
    }
    workflow = made(stack, "three nodes", scripts, ("one", "two"), ("two", "three"))
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    editor.run()
    editor.stands("two", "Failed")
    editor.stands("three", "Upstream failed")
    mended.touch()
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("menuitem", name="Resume the run").click()
    dialog = page.get_by_role("dialog", name="Resume the run")
    expect(dialog.get_by_role("checkbox", name="two")).to_be_checked()
    dialog.get_by_role("button", name="Run 2 nodes again").click()
    editor.stands("three", "Succeeded")
    editor.choose("two", "Run from here")
    expect(page.get_by_role("link", name="Run 2")).to_be_visible()
    with stack.api() as api:
        latest = api.get("/runs", params={"workflow": workflow}).json()["items"][0]
    assert latest["number"] == 2
    states = {one["name"]: one for one in ended(stack, f"/runs/{latest['id']}")["nodes"]}
    assert states["one"]["state"] in {"left_out", "not_needed"}
    assert states["three"]["state"] == "succeeded"
    editor.stands("three", "Succeeded")
    editor.choose("three", "stdout.log")
    expect(editor.log()).to_contain_text("got 12")


def argue(editor: Editor, node: str, arguments: str) -> None:
    editor.node(node).click()
    editor.panel.get_by_role("textbox", name="Arguments", exact=True).fill(arguments)


def test_of_two_tabs_the_later_save_overwrites_nothing_unseen(stack: Stack, visit: Visit) -> None:
    workflow = made(stack, "shared", {"train": "print('hi')\n"})
    first, second = visit(f"/workflows/{workflow}"), visit(f"/workflows/{workflow}")
    argue(Editor(first), "train", "--theirs")
    argue(Editor(second), "train", "--mine")
    Editor(first).save()
    second.keyboard.press("Control+S")
    dialog = second.get_by_role("dialog", name="Somebody saved in between")
    expect(dialog).to_contain_text("--theirs")
    expect(dialog).to_contain_text("--mine")
    assert arguments_of(stack, workflow) == "--theirs"
    dialog.get_by_role("button", name="Take theirs").click()
    editor = Editor(second)
    editor.node("train").click()
    field = editor.panel.get_by_role("textbox", name="Arguments", exact=True)
    expect(field).to_have_value("--theirs")
    editor.canvas.focus()
    second.keyboard.press("Control+Z")
    editor.node("train").click()
    expect(field).to_have_value("--mine")
    editor.save()
    assert arguments_of(stack, workflow) == "--mine"


def arguments_of(stack: Stack, workflow: str) -> str:
    with stack.api() as api:
        graph = api.get(f"/workflows/{workflow}").json()["graph"]
    return str(graph["nodes"][0]["settings"].get("arguments", ""))


def drag_node(editor: Editor, name: str, dx: int, dy: int) -> None:
    box = editor.node(name).bounding_box()
    assert box
    mouse = editor.page.mouse
    mouse.move(box["x"] + 60, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + 60 + dx, box["y"] + 20 + dy, steps=4)
    mouse.up()


def thirty_actions(editor: Editor, page: Page) -> int:
    """Mixed ones, each one step for undo; how many."""
    keys, count = page.keyboard, 0
    for at in range(5):
        name = f"step-{at}"
        editor.drag_in("PyTorch", 80 + 60 * at, 60 + 70 * at)
        expect(editor.nodes()).to_have_count(at + 2)
        field = editor.panel.get_by_role("textbox", name="Node name")
        field.fill(name)
        field.press("Enter")
        expect(editor.node(name)).to_be_visible()
        editor.panel.get_by_role("textbox", name="Arguments", exact=True).fill(f"--lr 0.{at}")
        drag_node(editor, name, 20, 10)
        editor.canvas.focus()
        keys.press("d")
        count += 5
    editor.node("step-1").click()
    for key in ("Control+D", "Delete", "Shift+L"):
        editor.canvas.focus()
        keys.press(key)
        count += 1
    editor.node("step-2").click()
    for key in ("d", "Delete"):
        editor.canvas.focus()
        keys.press(key)
        count += 1
    return count


def test_undoing_and_redoing_thirty_mixed_actions_gives_the_same_graph(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'undone', {'begin': 'print()'})}")
    editor = Editor(page)
    expect(editor.node("begin")).to_be_visible()
    before = editor.graph()
    count = thirty_actions(editor, page)
    assert count == 30
    after = editor.graph()
    assert after != before
    for _ in range(count):
        page.keyboard.press("Control+Z")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    assert editor.graph() == before
    for _ in range(count):
        page.keyboard.press("Control+Shift+Z")
    expect(page.get_by_role("button", name="Redo", exact=True)).to_be_disabled()
    assert editor.graph() == after
