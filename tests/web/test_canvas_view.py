"""What part of the canvas is seen, and that it stays in sight."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, ended, made

NAMES = ("load", "train", "evaluate", "report")
ARROWS = (("load", "train"), ("train", "evaluate"), ("evaluate", "report"))


@pytest.fixture(scope="module")
def workflow(stack: Stack) -> str:
    return made(stack, "in a row", dict.fromkeys(NAMES, "print('hi')\n"), *ARROWS)


def box(part: Locator) -> dict[str, float]:
    found: Any = part.bounding_box()
    return dict(found)


def is_inside(canvas: dict[str, float], node: dict[str, float]) -> bool:
    across = canvas["x"] <= node["x"] and node["x"] + node["width"] <= canvas["x"] + canvas["width"]
    return (
        across and canvas["y"] <= node["y"] and node["y"] + node["height"] <= canvas["y"] + canvas["height"]
    )


def all_seen(page: Page) -> bool:
    editor = Editor(page)
    return all(is_inside(box(editor.canvas), box(editor.node(name))) for name in NAMES)


def middle(part: Locator) -> tuple[float, float]:
    found = box(part)
    return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2


def rests(page: Page, node: Locator) -> dict[str, float]:
    """Where a node is, once it does not move any more."""
    page.evaluate(
        """async () => {
          const look = () => document.querySelector(".react-flow__viewport").style.transform;
          for (let seen = "", still = 0; still < 20; still = look() === seen ? still + 1 : 0, seen = look())
            await new Promise(requestAnimationFrame);
        }"""
    )
    return box(node)


def test_all_of_a_run_is_seen_above_the_logs_of_its_chosen_node(
    stack: Stack, visit: Visit, workflow: str
) -> None:
    with stack.api() as api:
        run = api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status().json()["id"]
    ended(stack, f"/runs/{run}")
    page = visit(f"/runs/{run}?node=report")
    editor = Editor(page)
    expect(editor.dock).to_be_visible()
    rests(page, editor.node("report"))
    assert all_seen(page)

    editor.panel.get_by_role("button", name="Hide settings").click()
    expect(editor.panel).to_have_count(0)
    page.get_by_role("button", name="Show settings").click()
    expect(editor.panel).to_be_visible()


def test_what_is_in_sight_stays_there_in_a_smaller_window(visit: Visit, workflow: str) -> None:
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    expect(editor.nodes()).to_have_count(len(NAMES))
    rests(page, editor.node("train"))
    page.set_viewport_size({"width": 1100, "height": 700})
    rests(page, editor.node("train"))
    assert all_seen(page)
    editor.canvas.focus()
    page.keyboard.press("0")
    rests(page, editor.node("train"))
    before, centre = middle(editor.node("train")), middle(editor.canvas)
    page.set_viewport_size({"width": 1300, "height": 900})
    rests(page, editor.node("train"))
    after, now = middle(editor.node("train")), middle(editor.canvas)
    assert (after[0] - now[0], after[1] - now[1]) == pytest.approx(
        (before[0] - centre[0], before[1] - centre[1]), abs=1
    )


def test_nothing_moves_when_a_side_is_folded_away(visit: Visit, workflow: str) -> None:
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    expect(editor.nodes()).to_have_count(len(NAMES))
    editor.canvas.focus()
    page.keyboard.press("0")
    before = rests(page, editor.node("train"))
    editor.components.get_by_role("button", name=re.compile("Hide")).click()
    expect(editor.components).to_have_count(0)
    assert rests(page, editor.node("train")) == pytest.approx(before, abs=1)


def test_the_bar_over_a_node_at_the_edge_is_all_on_the_canvas(visit: Visit, workflow: str) -> None:
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    for name in ("load", "report"):
        editor.node(name).click()
        bar = page.get_by_role("toolbar", name=f"Actions on {name}")
        expect(bar).to_be_visible()
        rests(page, editor.node(name))
        assert is_inside(box(editor.canvas), box(bar))


def test_the_dock_does_not_hide_the_node_it_is_about(visit: Visit, workflow: str) -> None:
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    expect(editor.nodes()).to_have_count(len(NAMES))
    editor.canvas.focus()
    page.keyboard.press("0")
    rests(page, editor.node("train"))
    page.mouse.move(*middle(editor.canvas))
    page.mouse.wheel(0, -250)
    rests(page, editor.node("train"))
    editor.choose("train", "Status")
    expect(editor.dock).to_be_visible()
    assert is_inside(box(editor.canvas), rests(page, editor.node("train")))


def test_a_menu_that_is_open_follows_how_its_node_stands(stack: Stack, visit: Visit) -> None:
    workflow = made(stack, "menus", {"train": "print('hi')\n"})
    page = visit(f"/workflows/{workflow}")
    Editor(page).node("train").click(button="right")
    entry = page.get_by_role("menuitem", name="stdout.log")
    expect(entry).to_be_disabled()
    with stack.api() as api:
        api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status()
    expect(entry).to_be_enabled()
