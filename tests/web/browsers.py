"""The web app in a real browser: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from torchyard.api.web import BUILT

#: Milliseconds in which what is expected has to come, on a machine that is busy with other things too.
PATIENCE = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: A sandbox needs namespaces that root has no right to set up in a container.
NO_SANDBOX = ["--no-sandbox"] if os.geteuid() == 0 else []
OPTIONS = [*NO_SANDBOX, "--disable-dev-shm-usage", "--disable-gpu"]

expect.set_options(timeout=PATIENCE)

Language = Literal["en", "zh"]
Theme = Literal["light", "dark"]


def chromium() -> str | None:
    """Where Chromium lies, if it is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def why_not() -> str | None:
    """What keeps the web app from being looked at here, if anything does."""
    if not (BUILT / "index.html").exists():
        return "the web app has not been built: run `make web`"
    if chromium() is None:
        return "there is no Chromium (Debian: apt install chromium fonts-noto-cjk)"
    return None


@contextmanager
def launched(*options: str) -> Iterator[Browser]:
    """A browser that is nobody's, without a window."""
    with sync_playwright() as playwright:
        browser = launch(playwright, *options)
        yield browser
        browser.close()


def launch(playwright: Playwright, *options: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=[*OPTIONS, *options])


@dataclass(frozen=True)
class Looks:
    """How a person's browser is set up."""

    language: Language = "en"
    theme: Theme = "light"
    width: int = 1440
    height: int = 900
    zoom: float = 1
    #: Whether things may move by themselves; most tests want to see where they come to rest.
    motion: bool = False

    def context(self, browser: Browser) -> BrowserContext:
        """A browser that knows nothing yet; zooming makes what is shown larger and the page smaller."""
        context = browser.new_context(
            locale={"en": "en-GB", "zh": "zh-CN"}[self.language],
            color_scheme=self.theme,
            viewport={"width": round(self.width / self.zoom), "height": round(self.height / self.zoom)},
            device_scale_factor=self.zoom,
            reduced_motion="no-preference" if self.motion else "reduce",
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(PATIENCE)
        return context


def sign_in(context: BrowserContext, url: str, token: str) -> None:
    """Have the browser's cookie set, without the form."""
    answer = context.request.post(f"{url}/api/v1/session", data={"token": token}, headers={"Origin": url})
    assert answer.ok, answer.text()


def watched(page: Page) -> list[str]:
    """What goes wrong in the page's own code, as it happens."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: (
            wrong.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    return wrong
