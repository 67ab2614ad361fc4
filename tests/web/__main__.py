"""`make screenshots`: every page in both languages and themes, at three widths and at 200 % zoom."""

import argparse
import shutil
import tempfile
from itertools import product
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser, Error, expect
from tests.stack import REPOSITORY, Stack
from tests.web.browsers import Language, Looks, Theme, launched, sign_in, why_not
from tests.web.furnishing import furnished
from tests.web.tour import Guest, View, views, words_of

WIDTHS = {1280: 800, 1440: 900, 1920: 1080}
ZOOMED = Looks(width=1440, height=900, zoom=2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "build" / "screenshots")
    parser.add_argument("--only", default="", help="views whose names hold this")
    options = parser.parse_args()
    if why := why_not():
        raise SystemExit(why)
    shutil.rmtree(options.into, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-web-") as folder,
        Stack(Path(folder) / "home") as stack,
        launched() as browser,
    ):
        wanted = [view for view in views(furnished(stack)) if options.only in view.name]
        for language, zoomed in product(get_args(Language), (False, True)):
            looks = Looks(language=language, zoom=ZOOMED.zoom if zoomed else 1)
            camera = Camera(browser, stack, looks, options.into)
            camera.take(wanted)
            camera.context.close()
    print(f"written to {options.into}")


class Camera:
    """A browser of one language and zoom; its theme and width change while a view is open."""

    def __init__(self, browser: Browser, stack: Stack, looks: Looks, into: Path) -> None:
        self.looks = looks
        self.stack = stack
        self.into = into
        self.context = looks.context(browser)
        self.guest = Guest(self.context.new_page(), words_of(looks.language))

    def take(self, wanted: list[View]) -> None:
        """A picture of each view in each width and theme."""
        zoom = self.looks.zoom
        sizes = WIDTHS.items() if zoom == 1 else [(ZOOMED.width, ZOOMED.height)]
        for view, (width, height) in product(wanted, sizes):
            if view.signed_in and not self.context.cookies():
                sign_in(self.context, self.stack.url, self.stack.token)
            self.guest.page.set_viewport_size({"width": round(width / zoom), "height": round(height / zoom)})
            try:
                view.open(self.guest, self.stack.url)
            except (AssertionError, Error) as problem:
                print(f"{view.name} ({self.looks.language}, {width}): {str(problem).splitlines()[0]}")
            for theme in get_args(Theme):
                size = f"{width}" if zoom == 1 else f"{zoom:.0%}"
                self._shoot(view, theme, f"{self.looks.language}-{theme}-{size}")

    def _shoot(self, view: View, theme: Theme, folder: str) -> None:
        page, place = self.guest.page, self.into / folder / f"{view.name}.png"
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        place.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place)


if __name__ == "__main__":
    main()
