"""What hands do on the canvas: where focus goes, where things come to lie, what a name may be."""

import base64
import re

from playwright.sync_api import Locator, expect
from tests.graphs import drawing, node
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, made, saved, stored

DROP = """([name, text, x, y]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
  const target = document.elementFromPoint(x, y);
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer, clientX: x, clientY: y }));
}"""


def left_top(part: Locator) -> tuple[float, float]:
    box = part.bounding_box()
    assert box
    return box["x"], box["y"]


def test_focus_stays_with_what_the_keys_are_about(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'hands', {'first': 'print()'})}")
    editor, keys = Editor(page), page.keyboard
    editor.node("first").click()
    keys.press("F2")
    name = editor.node("first").get_by_role("textbox", name="Node name")
    name.fill("two words")
    name.press("Enter")
    expect(editor.node("first").get_by_role("alert")).to_contain_text("without spaces")
    name.fill("second")
    name.press("Enter")
    expect(editor.node("second")).to_be_focused()
    keys.press("Tab")
    keys.press("Escape")
    expect(editor.canvas).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(editor.node("pytorch")).to_be_focused()
    keys.press("Enter")
    expect(editor.panel.get_by_role("textbox", name="Node name")).to_be_focused()


def test_a_listed_problem_leads_to_its_field(stack: Stack, visit: Visit) -> None:
    script = stored(stack, "print()", "a.py")
    wrong = [node("one", script, arguments="${nobody}"), node("two", script, resources={"cpus": "${nobody}"})]
    page = visit(f"/workflows/{saved(stack, 'problems', drawing(wrong))}")
    editor = Editor(page)
    editor.run()
    for name, field in (("two", "CPU cores"), ("one", "Arguments")):
        editor.dock.get_by_role("button", name=re.compile(f"^{name} ?settings")).click()
        expect(editor.panel.get_by_role("textbox", name=field, exact=True)).to_be_focused()


def test_what_is_pasted_twice_does_not_lie_on_itself(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'pasted', {'one': 'print()'})}")
    editor = Editor(page)
    editor.node("one").click()
    page.keyboard.press("Control+C")
    for count in (2, 3):
        page.keyboard.press("Control+V")
        expect(editor.nodes()).to_have_count(count)
    assert len({left_top(part) for part in editor.nodes().all()}) == 3


def test_a_script_dropped_from_the_desktop_lies_where_it_was_dropped(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{saved(stack, 'dropped', drawing([]))}")
    editor = Editor(page)
    expect(page.get_by_role("button", name="Add the PyTorch example")).to_be_visible()
    corner = left_top(editor.canvas)
    x, y = corner[0] + 200, corner[1] + 600
    page.evaluate(DROP, ["Train it.PY", base64.b64encode(b"print(1)\n").decode(), x, y])
    editor.stands("Train-it", "Ready")
    found = left_top(editor.node("Train-it"))
    assert abs(found[0] - x) < 150
    assert abs(found[1] - y) < 80
    expect(editor.panel.get_by_text(re.compile("Train it.PY: ")).first).to_be_visible()
