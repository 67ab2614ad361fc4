"""Every page of the web app, with what opens on it: for accessibility checks and for pictures."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, expect
from tests.stack import REPOSITORY
from tests.web.browsers import Language
from tests.web.furnishing import Furniture, Work


@dataclass(frozen=True)
class Guest:
    """A page that somebody looks at, and the words that stand on it in their language."""

    page: Page
    words: dict[str, Any] = field(repr=False)

    def say(self, namespace: str, key: str) -> str:
        """A text of the web app."""
        found: Any = self.words[namespace]
        for part in key.split("."):
            found = found[part]
        return str(found)

    def press(self, namespace: str, key: str) -> None:
        """Press the button with this text."""
        self.page.get_by_role("button", name=self.say(namespace, key), exact=True).first.click()

    def canvas(self) -> Locator:
        canvas = self.page.get_by_role("application")
        expect(canvas.get_by_role("article").first).to_be_visible()
        return canvas

    def node(self, name: str) -> Locator:
        return self.canvas().get_by_role("article", name=re.compile(f"^{name}"))

    def key(self, name: str) -> None:
        """Press a key on the canvas."""
        self.canvas().focus()
        self.page.keyboard.press(name)


def words_of(language: Language) -> dict[str, Any]:
    folder = REPOSITORY / "web" / "src" / "i18n" / language
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


Step = Callable[[Guest], object]


@dataclass(frozen=True)
class View:
    """Something to look at: where it is, and what is done there first."""

    name: str
    path: str
    steps: tuple[Step, ...] = ()
    signed_in: bool = True

    def open(self, guest: Guest, url: str) -> None:
        """Go there, do that, and wait until nothing is on its way any more."""
        guest.page.goto(url + self.path)
        for step in self.steps:
            step(guest)
        settle(guest)


def settle(guest: Guest) -> None:
    guest.page.wait_for_load_state("load")
    # What lies under a dialog has no role; it is to be there all the same.
    expect(guest.page.locator("main")).to_be_visible()
    expect(guest.page.get_by_label(guest.say("common", "loading"), exact=True)).to_have_count(0)
    guest.page.wait_for_function("() => [...document.images].every((image) => image.complete)")


def press(namespace: str, key: str) -> Step:
    return lambda guest: guest.press(namespace, key)


def choose(namespace: str, key: str) -> Step:
    return lambda guest: guest.page.get_by_role("menuitem", name=guest.say(namespace, key)).click()


def key(name: str) -> Step:
    return lambda guest: guest.key(name)


def click(name: str) -> Step:
    return lambda guest: guest.node(name).click()


def panel(part: str) -> Step:
    """A tab of the chosen node's panel, which a narrow window hides at first."""

    def step(guest: Guest) -> None:
        tab = guest.page.get_by_role("tab", name=guest.say("canvas", f"panel.{part}"), exact=True)
        hidden = guest.page.get_by_role("button", name=guest.say("canvas", "panel.show"), exact=True)
        expect(tab.or_(hidden)).to_be_visible()
        if hidden.is_visible():
            hidden.click()
        tab.click()

    return step


def script_read(guest: Guest) -> None:
    """The script of the chosen node stands in the panel, which a narrow window hides at first."""
    hidden = guest.page.get_by_role("button", name=guest.say("canvas", "panel.show"), exact=True)
    expect(guest.page.locator(".cm-content").or_(hidden).first).to_be_visible()


def log_read(guest: Guest) -> None:
    expect(guest.page.get_by_role("log").locator("[data-text]").first).to_be_visible()


def node_of_run_read(guest: Guest) -> None:
    """The log of the chosen node, and its script where the window has room for settings."""
    log_read(guest)
    if guest.page.get_by_role("complementary", name=guest.say("canvas", "panel.title")).is_visible():
        expect(guest.page.locator(".cm-content")).to_be_visible()


def write_script(guest: Guest) -> None:
    """Begin a script, unless it is there from the last visit: what is typed is kept."""
    write = guest.page.get_by_role("button", name=guest.say("fields", "script.write"), exact=True)
    expect(write.or_(guest.page.locator(".cm-editor")).first).to_be_visible()
    if write.is_visible():
        write.click()


def logs_tab(at: int) -> Step:
    def step(guest: Guest) -> None:
        guest.page.get_by_role("tablist", name=guest.say("logs", "label")).get_by_role("tab").nth(at).click()

    return step


def find(text: str) -> Step:
    """Search the log that is open for this."""

    def step(guest: Guest) -> None:
        guest.press("logs", "search.label")
        box = guest.page.get_by_role("textbox", name=guest.say("logs", "search.label"))
        box.fill(text)
        box.press("Enter")
        expect(guest.page.locator("mark").first).to_be_visible()

    return step


#: Another person saves a change of the first node's arguments.
SAVE_AS_ANOTHER = """async (id) => {
  const place = `/api/v1/workflows/${id}`;
  const found = await (await fetch(place)).json();
  found.graph.nodes[0].settings.arguments = `--epochs ${20 + found.version}`;
  const headers = { "Content-Type": "application/json", "If-Match": `"${found.version}"` };
  const body = JSON.stringify({ graph: found.graph, layout: found.layout });
  const answer = await fetch(place, { method: "PUT", headers, body });
  if (!answer.ok) throw new Error(await answer.text());
}"""


def contend(workflow: str) -> Step:
    """Change a workflow and save it, when somebody else did so in between."""

    def step(guest: Guest) -> None:
        page = guest.page
        page.evaluate("() => localStorage.clear()")  # the draft of an earlier visit
        page.goto(urljoin(page.url, f"/workflows/{workflow}"))
        guest.node("evaluate").click()
        page.keyboard.press("d")
        page.evaluate(SAVE_AS_ANOTHER, workflow)
        page.keyboard.press("Control+S")
        expect(page.get_by_role("dialog", name=guest.say("canvas", "conflict.title"))).to_be_visible()

    return step


def empty_views() -> Iterator[View]:
    """What stands on a platform where nobody has been yet."""
    yield View("sign-in", "/", signed_in=False)
    yield View("first-visit", "/")
    for name in ("jobs", "runs"):
        yield View(f"{name}-none", f"/{name}")
    for part in ("secrets", "connections"):
        yield View(f"settings-{part}-none", f"/settings/{part}")


def views(there: Furniture) -> Iterator[View]:
    """All of them."""
    yield View("sign-in", "/", signed_in=False)
    yield View("workflows", "/workflows")
    yield View("workflows-templates", "/workflows", (press("workflows", "fromTemplate"),))
    yield from _editor(f"/workflows/{there.workflow}")
    yield View("editor-conflict", "/workflows", (contend(there.contended),))
    yield View("sweep", f"/workflows/{there.tuned}/runs?sweep={there.sweep}")
    yield View("workflow-runs", f"/workflows/{there.workflow}/runs")
    yield View("runs", "/runs")
    yield View("run-graph", f"/runs/{there.run}?node=evaluate", (node_of_run_read,))
    yield View("run-timeline", f"/runs/{there.run}?tab=timeline")
    yield View("run-compare", f"/runs/{there.run}?tab=compare&with={there.earlier_run}")
    yield from _jobs(there)
    yield View("workers", "/workers")
    for part in ("profile", "secrets", "connections", "runtimes", "users"):
        yield View(f"settings-{part}", f"/settings/{part}")
    yield View("settings-connection", "/settings/connections", (press("settings", "connection.add"),))
    yield View("settings-token", "/settings/profile", (press("settings", "token.issue"),))
    yield View("settings-user", "/settings/users", (press("settings", "user.add"),))
    yield View("settings-quota", "/settings/users", (press("settings", "quota.change"),))
    yield View("settings-secret", "/settings/secrets", (press("settings", "secret.add"),))
    yield View("nothing-there", "/jobs/00000000-0000-4000-8000-000000000000")
    yield View("no-page", "/workflows/no/such/page")


def working_views(work: Work) -> Iterator[View]:
    """What changes while it is looked at."""
    yield View("jobs-open", "/jobs?state=queued&state=staging&state=running")
    yield View("job-running", f"/jobs/{work.running}", (log_read,))
    yield View("job-running-charts", f"/jobs/{work.running}?tab=charts")
    yield View("log-live", f"/jobs/{work.running}/logs", (log_read,))
    yield View("job-queued", f"/jobs/{work.queued}")
    if work.unreachable:
        yield View("job-unreachable", f"/jobs/{work.unreachable}")
        yield View("workers-unreachable", "/workers")


def _editor(place: str) -> Iterator[View]:
    yield View("editor", place, (Guest.canvas,))
    yield View("editor-node", place, (click("train"), script_read))
    for part in ("resources", "node", "lands"):
        yield View(f"editor-node-{part}", place, (click("train"), panel(part)))
    yield View("editor-dataset", place, (click("digits"),))
    right = (lambda guest: guest.node("train").click(button="right"),)
    yield View("editor-menu", place, right)
    yield View("editor-log", place, (*right, choose("canvas", "action.stdout"), log_read, script_read))
    yield View("editor-status", place, (*right, choose("canvas", "action.status"), script_read))
    yield View("editor-search", place, (key("Tab"),))
    yield View("editor-palette", place, (key("Control+K"),))
    yield View("editor-shortcuts", place, (key("?"),))
    yield View("editor-run", place, (key("Control+Enter"),))
    for name in ("parameters", "schedule", "settings"):
        yield View(f"editor-{name}", place, (Guest.canvas, press("canvas", f"{name}.title")))
    backfill = (Guest.canvas, press("canvas", "schedule.title"), press("canvas", "backfill.open"))
    yield View("editor-backfill", place, backfill)
    for name in ("versions", "resume", "sweep", "notifications"):
        more = (Guest.canvas, press("common", "action.more"), choose("canvas", f"{name}.title"))
        yield View(f"editor-{name}", place, more)


def _jobs(there: Furniture) -> Iterator[View]:
    yield View("jobs", "/jobs")
    yield View("jobs-chosen", "/jobs", (lambda guest: guest.page.get_by_role("checkbox").first.check(),))
    yield View("new-job", "/jobs/new", (write_script,))
    yield View("job-failed", f"/jobs/{there.failed_job}", (log_read,))
    yield View("job-succeeded", f"/jobs/{there.lone_job}", (log_read,))
    yield View("job-artifacts", f"/jobs/{there.leaving_job}?tab=artifacts")
    for part in ("specification", "attempts", "charts"):
        yield View(f"job-{part}", f"/jobs/{there.lone_job}?tab={part}")
    yield View("log", f"/jobs/{there.lone_job}/logs", (log_read,))
    yield View("log-errors", f"/jobs/{there.failed_job}/logs", (logs_tab(1),))
    yield View("log-search", f"/jobs/{there.lone_job}/logs", (find("epoch 3"),))
