"""What a person does in the editor, and workflows made beforehand for tests that don't draw."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from tests.graphs import drawing, node
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

ENDED = {"succeeded", "failed", "cancelled"}


class Editor:
    """The editor of a workflow, in English."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.canvas = page.get_by_role("application", name="Workflow canvas")
        self.components = page.get_by_role("complementary", name="Components")
        self.panel = page.get_by_role("complementary", name="Settings")
        self.dock = page.get_by_role("region", name="Status and logs")

    def node(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=re.compile(rf"^{re.escape(name)}, "))

    def nodes(self) -> Locator:
        return self.canvas.get_by_role("article")

    def stands(self, name: str, state: str) -> None:
        """Wait until a node shows this state; its script may run meanwhile."""
        expect(self.node(name)).to_have_accessible_name(f"{name}, {state}", timeout=PATIENCE * 1_000)

    def drag_in(self, kind: str, x: int, y: int) -> None:
        """Drag a component from the tree to a place on the canvas."""
        component = self.components.get_by_role("button", name=re.compile(f"^{kind}"))
        component.first.drag_to(self.canvas, target_position={"x": x, "y": y})

    def choose(self, name: str, entry: str) -> None:
        """An entry of a node's menu."""
        self.node(name).click(button="right")
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def write(self, script: str) -> None:
        """A new script for the selected node, typed into the browser's editor."""
        self.panel.get_by_role("button", name="Write here").click()
        code = self.panel.get_by_role("textbox", name="The script's text")
        code.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(script)
        expect(self.panel.get_by_text("Saving…")).to_have_count(0)

    def save(self) -> None:
        self.page.keyboard.press("Control+S")
        expect(self.page.get_by_role("button", name="Saved", exact=True)).to_be_visible()

    def run(self) -> None:
        self.page.get_by_role("button", name="Run", exact=True).click()

    def log(self, name: str = "stdout.log") -> Locator:
        return self.page.get_by_role("log", name=name)

    def graph(self) -> Any:
        """What is drawn, as the clipboard gets it; the platform is not asked."""
        self.canvas.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+C")
        text = self.page.evaluate("() => navigator.clipboard.readText()")
        self.page.keyboard.press("Escape")
        return json.loads(text)


def stored(stack: Stack, source: str, name: str = "main.py") -> dict[str, str]:
    """A script that lies on the platform already."""
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    with stack.api() as api:
        api.put(f"/blobs/{sha256}", content=source.encode()).raise_for_status()
    return {"sha256": sha256, "name": name}


def made(stack: Stack, name: str, scripts: dict[str, str], *arrows: tuple[str, str], **more: Any) -> str:
    """A workflow of a node for each script; its id."""
    nodes = [node(one, stored(stack, script, f"{one}.py")) for one, script in scripts.items()]
    return saved(stack, name, drawing(nodes, *arrows, **more))


def saved(stack: Stack, name: str, graph: dict[str, Any]) -> str:
    """A workflow of this graph, its nodes in a row; its id."""
    wish = {"name": name, "graph": graph, "layout": in_a_row(graph)}
    with stack.api() as api:
        return str(api.post("/workflows", json=wish).raise_for_status().json()["id"])


def in_a_row(graph: dict[str, Any]) -> dict[str, Any]:
    """A layout."""
    return {"positions": {one["name"]: {"x": 280 * at, "y": 0} for at, one in enumerate(graph["nodes"])}}


def submitted(stack: Stack, script: str, file: str = "main.py", **spec: Any) -> str:
    """A job by itself; its id."""
    with stack.api() as api:
        files = {"script": (file, script.encode())}
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)}).raise_for_status()
        return str(answer.json()["id"])


def ended(stack: Stack, path: str, seconds: float = PATIENCE) -> Any:
    """A job (`/jobs/…`) or a run (`/runs/…`), once it has ended."""

    def look() -> Any:
        with stack.api() as api:
            one = api.get(path).raise_for_status().json()
        return one if one["state"] in ENDED else None

    return eventually(look, seconds=seconds)


def gated(gate: Path, before: str, after: str) -> str:
    """A script that prints one thing, waits until a file is there, and prints the other."""
    return (
        f"import os, time\nprint({before!r})\n"
        f"while not os.path.exists({str(gate)!r}):\n    time.sleep(0.02)\nprint({after!r})\n"
    )
