"""`make screenshots`: every page in both languages and themes, at three widths and at 200 % zoom."""

import argparse
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser, Error, expect
from tests.stack import REPOSITORY, Stack
from tests.web.browsers import Language, Looks, Theme, launched, sign_in, why_not
from tests.web.furnishing import furnished, work
from tests.web.tour import Guest, View, empty_views, views, words_of, working_views

WIDTHS = {1280: 800, 1440: 900, 1920: 1080}
ZOOMED = Looks(width=1440, height=900, zoom=2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "build" / "screenshots")
    parser.add_argument("--only", default="", help="views whose names hold this")
    parser.add_argument("--folders", default="*", help="the folders to fill, as a pattern: 'zh-*-200%%'")
    options = parser.parse_args()
    if why := why_not():
        raise SystemExit(why)
    if not options.only and options.folders == "*":
        shutil.rmtree(options.into, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-web-") as folder,
        Stack(Path(folder) / "home") as stack,
        launched() as browser,
    ):
        studio = Studio(browser, stack, options.into, options.folders, options.only)
        studio.take(empty_views())
        studio.take(views(furnished(stack)))
        with work(stack, far_away=True) as going_on:
            studio.take(working_views(going_on))
    print(f"written to {options.into}")


@dataclass(frozen=True)
class Studio:
    """Where pictures are taken of, where to, of what, and in which languages, themes and sizes."""

    browser: Browser
    stack: Stack
    into: Path
    folders: str
    only: str

    def take(self, views: Iterable[View]) -> None:
        """A picture of each view that is asked for, in every folder that is."""
        wanted = [view for view in views if self.only in view.name]
        for language, zoomed in product(get_args(Language), (False, True)):
            camera = Camera(self, Looks(language=language, zoom=ZOOMED.zoom if zoomed else 1))
            camera.take(wanted)
            camera.context.close()


class Camera:
    """A browser of one language and zoom; its theme and width change while a view is open."""

    def __init__(self, studio: Studio, looks: Looks) -> None:
        self.studio = studio
        self.looks = looks
        self.context = looks.context(studio.browser)
        self.guest = Guest(self.context.new_page(), words_of(looks.language))

    def take(self, wanted: list[View]) -> None:
        """A picture of each view in each width and theme."""
        zoom, stack = self.looks.zoom, self.studio.stack
        sizes = WIDTHS.items() if zoom == 1 else [(ZOOMED.width, ZOOMED.height)]
        for view, (width, height) in product(wanted, sizes):
            themes = self._themes(f"{width}" if zoom == 1 else f"{zoom:.0%}")
            if not themes:
                continue
            if view.signed_in and not self.context.cookies():
                sign_in(self.context, stack.url, stack.token)
            self.guest.page.set_viewport_size({"width": round(width / zoom), "height": round(height / zoom)})
            try:
                view.open(self.guest, stack.url)
            except (AssertionError, Error) as problem:
                print(f"{view.name} ({self.looks.language}, {width}): {str(problem).splitlines()[0]}")
            for folder, theme in themes.items():
                self._shoot(view, theme, folder)

    def _themes(self, size: str) -> dict[str, Theme]:
        """The folders to fill at this size, each with its theme."""
        named = {f"{self.looks.language}-{theme}-{size}": theme for theme in get_args(Theme)}
        return {folder: theme for folder, theme in named.items() if fnmatch(folder, self.studio.folders)}

    def _shoot(self, view: View, theme: Theme, folder: str) -> None:
        page, place = self.guest.page, self.studio.into / folder / f"{view.name}.png"
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        place.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place)


if __name__ == "__main__":
    main()
