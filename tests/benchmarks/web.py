"""`make bench ARGS=--web`: what the web app feels like, measured in Chromium beside what it is to be.

Frames are counted by the page itself while a real mouse drags. A line's way to the screen ends with the frame
that shows it. A tab's memory is what its process holds that is nobody else's.
"""

import itertools
import re
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, expect
from tests.graphs import drawing, node
from tests.stack import Stack
from tests.web.browsers import Looks, launched, sign_in, why_not
from tests.web.editing import Editor, ended, stored, submitted

NODES, COLUMNS = 500, 25
DRAGGED_FOR = 3.0
LOADS = 5
LARGE = 1_000_000_000
LONG_LINE = 100_000_000
#: A line of 100 MB in the middle of lines that together make 1 GB.
WRITE_LARGE = f"""
import sys
out = sys.stdout.buffer
line = b"%08d " + b"x" * 90 + b"\\n"
rest = {LARGE} - {LONG_LINE}
for number in range(rest // 100):
    if number == rest // 200:
        out.write(b"y" * {LONG_LINE} + b"\\n")
    out.write(line % number)
out.write(b"the end\\n")
"""
TICKS = 200
#: Prints once the viewer is there: a line that waits for a page says nothing of the way to the screen.
TICKING = f"""
import os, time
while not os.path.exists(%r):
    time.sleep(0.02)
for number in range({TICKS}):
    print(f"tick {{time.time_ns()}}")
    time.sleep(0.03)
"""
#: Notes for each line of the log when the frame that shows it has been drawn.
SEEN = """() => {
  window.seen = new Map();
  const look = () => {
    const lines = [...document.querySelectorAll("[role=log] [data-text]")].map((one) => one.textContent);
    const fresh = lines.filter((line) => /^tick \\d+$/.test(line) && !window.seen.has(line));
    if (!fresh.length) return;
    for (const line of fresh) window.seen.set(line, undefined);
    requestAnimationFrame(() => setTimeout(() => {
      const now = performance.timeOrigin + performance.now();
      for (const line of fresh) window.seen.set(line, now);
    }));
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
#: Bytes of the app's own files as they came over the line.
COMPRESSED = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .filter((one) => !one.name.includes("/api/")).reduce((sum, one) => sum + one.encodedBodySize, 0)"""
#: Goes to an address within the app, as a link does.
GO = """(path) => { history.pushState(null, "", path); dispatchEvent(new PopStateEvent("popstate")); }"""
AT_END = "() => document.querySelector('[role=log]')?.innerText.includes('the end')"
FRAMES = """() => {
  window.frames_ = [];
  const count = (at) => { window.frames_.push(at); requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    goal: str


def main() -> None:
    """Measure, and print a table."""
    if why := why_not():
        raise SystemExit(why)
    print(f"{'figure':58} {'value':>10}        goal")
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-bench-web-") as folder,
        Stack(Path(folder) / "home") as stack,
        launched() as browser,
    ):
        for figure in measured(browser, stack):
            print(f"{figure.what:58} {figure.value:10.1f} {figure.unit:6} {figure.goal}", flush=True)


def measured(browser: Browser, stack: Stack) -> Iterator[Figure]:
    yield from first_load(browser, stack)
    yield from dragging(browser, stack)
    yield from printing(browser, stack)
    yield from large_log(browser, stack)


def visitor(browser: Browser, stack: Stack) -> tuple[BrowserContext, Page]:
    context = Looks(motion=True).context(browser)
    sign_in(context, stack.url, stack.token)
    return context, context.new_page()


def first_load(browser: Browser, stack: Stack) -> Iterator[Figure]:
    """From an empty cache to a page that can be used; and what came over the line for it."""
    took, sizes = [], []
    for _ in range(LOADS):
        context, page = visitor(browser, stack)
        page.goto(f"{stack.url}/workflows")
        page.get_by_role("heading", level=1).wait_for()
        expect(page.get_by_role("button", name="Open the PyTorch example")).to_be_visible()
        took.append(float(page.evaluate("() => performance.now()")))
        sizes.append(float(page.evaluate(COMPRESSED)))
        context.close()
    yield Figure("first load on loopback, until the list is there", statistics.median(took), "ms", "≤ 1000")
    yield Figure("first load, compressed", statistics.median(sizes) / 1000, "kB", "≤ 300")


def dragging(browser: Browser, stack: Stack) -> Iterator[Figure]:
    script = stored(stack, "print('hi')\n")
    names = [f"node-{at}" for at in range(NODES)]
    graph = drawing([node(name, script) for name in names], *itertools.pairwise(names))
    positions = {
        name: {"x": 280 * (at % COLUMNS), "y": 120 * (at // COLUMNS)} for at, name in enumerate(names)
    }
    with stack.api() as api:
        wish = {"name": "large", "graph": graph, "layout": {"positions": positions}}
        workflow = api.post("/workflows", json=wish).raise_for_status().json()["id"]
    for what, held in (
        (f"one of {NODES} nodes", 1),
        (f"half of {NODES} nodes", NODES // 2),
        (f"all {NODES} nodes", NODES),
    ):
        context, page = visitor(browser, stack)
        page.goto(f"{stack.url}/workflows/{workflow}")
        editor = Editor(page)
        expect(editor.nodes()).to_have_count(NODES)
        select(editor, held)
        for name, value, goal in dragged(page, editor.node("node-112").bounding_box()):
            yield Figure(f"{what} dragged, {name}", value, "fps", goal)
        context.close()


def select(editor: Editor, held: int) -> None:
    """So many nodes, row by row from the first; one is chosen by being dragged."""
    page, first, last = editor.page, editor.node("node-0"), editor.node(f"node-{held - 1}")
    if held == 1:
        return
    above, below = first.bounding_box(), last.bounding_box()
    assert above
    assert below
    page.mouse.move(above["x"] - 8, above["y"] - 8)
    page.mouse.down()
    page.mouse.move(below["x"] + below["width"] / 2, below["y"] + below["height"] / 2, steps=5)
    page.mouse.up()
    expect(page.locator(".react-flow__node.selected")).to_have_count(held)


def dragged(page: Page, box: FloatRect | None) -> Iterator[tuple[str, float, str]]:
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y + 5, steps=3)
    page.evaluate(FRAMES)
    step, begun = 0, page.evaluate("() => performance.now()")
    while page.evaluate("() => performance.now()") - begun < DRAGGED_FOR * 1000:
        step += 1
        page.mouse.move(x + 60 * ((step % 40) / 20 - 1), y + 30 * ((step % 30) / 15 - 1))
    frames = page.evaluate("() => window.frames_")
    page.mouse.up()
    apart = [after - before for before, after in itertools.pairwise(frames)]
    yield "mean", 1000 * len(apart) / sum(apart), "≥ 50"
    yield "slowest 1 % of frames", 1000 / statistics.quantiles(apart, n=100)[98], ""


def printing(browser: Browser, stack: Stack) -> Iterator[Figure]:
    context, page = visitor(browser, stack)
    page.set_viewport_size({"width": 1440, "height": 1000})
    gate = stack.home / "viewer-is-there"
    job = submitted(stack, TICKING % str(gate), "ticking.py")
    page.goto(f"{stack.url}/jobs/{job}/logs")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.evaluate(SEEN)
    gate.touch()
    page.get_by_text("Ended (exit 0)").wait_for()
    seen = page.evaluate("() => [...window.seen]")
    lags = [shown - int(line.split()[1]) / 1e6 for line, shown in seen if shown]
    assert len(lags) == TICKS, f"{TICKS - len(lags)} lines were not seen"
    cuts = statistics.quantiles(lags, n=100, method="inclusive")
    yield Figure(f"a printed line → pixels, p50 of {len(lags)}", cuts[49], "ms", "")
    yield Figure(f"a printed line → pixels, p99 of {len(lags)}", cuts[98], "ms", "≤ 150")
    context.close()


def large_log(browser: Browser, stack: Stack) -> Iterator[Figure]:
    """Opened with the app loaded, as from the job's page; read at both ends and in its long line."""
    job = submitted(stack, WRITE_LARGE, "large.py")
    finished = ended(stack, f"/jobs/{job}", 600)
    assert finished["state"] == "succeeded", finished
    small = submitted(stack, "print('small')", "small.py")
    ended(stack, f"/jobs/{small}")
    context, page = visitor(browser, stack)
    page.goto(f"{stack.url}/jobs/{small}/logs")
    expect(page.get_by_role("log", name="stdout.log")).to_contain_text("small")
    begun = page.evaluate("() => performance.now()")
    page.evaluate(GO, f"/jobs/{job}/logs")
    page.wait_for_function(AT_END, polling="raf")
    took = page.evaluate("() => performance.now()") - begun
    yield Figure("a log of 1 GB opened at its end", took, "ms", "≤ 1000")
    log = page.get_by_role("log", name="stdout.log")
    yield Figure("its tab's memory", tab_memory(browser, page), "MB", "< 150")
    log.press("Home")
    expect(log).to_contain_text("00000000 ")
    middle = (LARGE - LONG_LINE) // 200
    log.press("g")
    page.get_by_label("Go to line").last.fill(str(middle + 1))
    page.keyboard.press("Enter")
    expect(log).to_contain_text("yyyyyyyy")
    page.get_by_role("button", name=re.compile("^Show ")).first.click()
    expect(log).to_contain_text("yyyyyyyy")
    yield Figure("its tab's memory after the line of 100 MB", tab_memory(browser, page), "MB", "< 150")
    context.close()


def tab_memory(browser: Browser, page: Page) -> float:
    """Megabytes of the page's process, without what it shares with the browser's other processes."""
    page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return max(private(one["id"]) for one in found if one["type"] == "renderer") / 1e6


def private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    wanted = ("Private_Clean:", "Private_Dirty:")
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted)) * 1024
