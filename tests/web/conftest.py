"""A whole Torchyard with a browser in front of it; the tests keep apart by the names they use."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.stack import Stack
from tests.web.browsers import Looks, launched, sign_in, watched, why_not

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if why := why_not():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Depends on the browser so that nothing is started where there is none."""
    with Stack(tmp_path_factory.mktemp("web") / "home") as stack:
        yield stack


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Makes people who come with a browser of their own, each signed in; none may see the app's code fail."""
    with ExitStack() as doors:
        told: list[list[str]] = []

        def come(path: str = "/workflows", *, signed_in: bool = True, **looks: Any) -> Page:
            context = Looks(**looks).context(browser)
            doors.callback(context.close)
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            if signed_in:
                sign_in(context, stack.url, stack.token)
            page = context.new_page()
            told.append(watched(page))
            page.goto(stack.url + path)
            return page

        yield come
        assert [line for wrong in told for line in wrong] == []
