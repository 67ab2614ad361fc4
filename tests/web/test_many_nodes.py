"""Many nodes on the canvas at once."""

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.graphs import drawing, node
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, stored

COLUMNS, ROWS = 8, 6
#: Where nodes and edges are on the screen, once what was done is drawn.
PLACES = """async () => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const all = document.querySelectorAll(".react-flow__node, .react-flow__edge-path");
  return Object.fromEntries([...all].map((one) => {
    const box = one.getBoundingClientRect();
    const name = one.querySelector("article")?.getAttribute("aria-label") ?? one.id;
    return [name, [box.left, box.top, box.right, box.bottom]];
  }));
}"""

Places = dict[str, list[float]]


def grid(stack: Stack) -> str:
    """A workflow of a chain of nodes, column by column; its id."""
    names = [f"n-{at:02}" for at in range(COLUMNS * ROWS)]
    graph = drawing([node(name, stored(stack, "")) for name in names], *itertools.pairwise(names))
    positions = {name: {"x": 280 * (at // ROWS), "y": 140 * (at % ROWS)} for at, name in enumerate(names)}
    wish = {"name": "a grid", "graph": graph, "layout": {"positions": positions}}
    with stack.api() as api:
        return str(api.post("/workflows", json=wish).raise_for_status().json()["id"])


def box(editor: Editor, at: int) -> dict[str, float]:
    found: Any = editor.node(f"n-{at:02}").bounding_box()
    return dict(found)


def select_columns(editor: Editor, columns: int) -> None:
    """Draw a frame around the nodes of these columns, from the free canvas on their left."""
    mouse, first, last = editor.page.mouse, box(editor, 0), box(editor, columns * ROWS - 1)
    mouse.move(first["x"] - 10, first["y"] - 10)
    mouse.down()
    mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] + 5, steps=4)
    mouse.up()
    expect(editor.page.locator(".react-flow__node.selected")).to_have_count(columns * ROWS)


def near(one: list[float], other: list[float]) -> bool:
    """What is let go comes to rest on a whole unit of the canvas, less than a pixel away."""
    return all(abs(a - b) <= 1 for a, b in zip(one, other, strict=True))


def astray(expected: Places, found: Places) -> set[str]:
    """What is not where it should be."""
    return {name for name in expected | found if not near(expected[name], found[name])}


def places(page: Page) -> Places:
    found: Places = page.evaluate(PLACES)
    return found


@pytest.mark.parametrize("columns", [4, 5, COLUMNS], ids=["half", "most", "all"])
def test_many_nodes_are_seen_where_they_will_be_while_they_are_dragged(
    stack: Stack, visit: Visit, columns: int
) -> None:
    page = visit(f"/workflows/{grid(stack)}")
    editor = Editor(page)
    expect(editor.nodes()).to_have_count(COLUMNS * ROWS)
    select_columns(editor, columns)
    before = places(page)
    grabbed = box(editor, 2 * ROWS + 2)
    x, y = grabbed["x"] + grabbed["width"] / 2, grabbed["y"] + grabbed["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 37, y + 23, steps=5)
    held = places(page)
    page.mouse.up()
    expect(page.locator(".react-flow[data-moving]")).to_have_count(0)
    assert not astray(held, places(page))
    assert len([name for name in astray(before, held) if name.startswith("n-")]) == columns * ROWS
    page.keyboard.press("Control+Z")
    assert not astray(before, places(page))
