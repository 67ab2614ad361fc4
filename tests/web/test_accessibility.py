"""No page has a serious fault for those who see, point or read differently."""

from typing import Any, get_args

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.stack import Stack
from tests.web.browsers import Language, Looks, sign_in
from tests.web.conftest import Visit
from tests.web.furnishing import Furniture, furnished, work
from tests.web.tour import Guest, View, views, words_of, working_views

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
#: In the other theme only the colours are others.
COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.fixture(scope="module")
def furniture(stack: Stack) -> Furniture:
    return furnished(stack)


def faults(page: Page, rules: list[str]) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        f"{fault['id']}: {part['html'][:200]} ({part['failureSummary']})"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
        for part in fault["nodes"]
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("language", get_args(Language))
def test_axe_finds_nothing_serious_on_any_page_in_either_theme(
    browser: Browser, stack: Stack, furniture: Furniture, language: Language
) -> None:
    context, words = Looks(language=language).context(browser), words_of(language)
    page, found = context.new_page(), set[str]()

    def look(view: View) -> None:
        if view.signed_in and not context.cookies():
            sign_in(context, stack.url, stack.token)
        page.emulate_media(color_scheme="light")
        view.open(Guest(page, words), stack.url)
        wrong = faults(page, RULES)
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        found.update(f"{view.name}: {one}" for one in wrong + faults(page, COLOURS))

    for view in views(furniture):
        look(view)
    with work(stack) as going_on:
        for view in working_views(going_on):
            look(view)
    context.close()
    assert not found, "\n".join(sorted(found))


def test_nothing_moves_for_who_wants_no_motion(visit: Visit) -> None:
    page = visit("/jobs")
    page.evaluate("() => document.addEventListener('transitionrun', () => { window.moved = true; }, true)")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("() => document.getAnimations().length") == 0
    assert not page.evaluate("() => window.moved")
