"""The log viewer: a platform that is killed while a log is followed, and what is found in a log."""

import re
import signal
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import ended, submitted

COUNTING = """
import os, time
def count(first, gate):
    for number in range(first, first + 10):
        print("number", number)
    while gate and not os.path.exists(gate):
        time.sleep(0.02)
count(1, {first!r})
count(11, {second!r})
count(21, {third!r})
"""


def lines(page: Page, name: str = "stdout.log") -> list[str]:
    """What is seen of a log, without the numbers of its lines."""
    return [
        row.rstrip() for row in page.get_by_role("log", name=name).locator("[data-text]").all_inner_texts()
    ]


def test_a_log_that_is_followed_over_a_killed_platform_has_no_gap_and_nothing_twice(
    stack: Stack, visit: Visit, tmp_path: Path
) -> None:
    gates = {name: str(tmp_path / name) for name in ("first", "second", "third")}
    job = submitted(stack, COUNTING.format(**gates), "counting.py")
    page = visit(f"/jobs/{job}/logs")
    log = page.get_by_role("log", name="stdout.log")
    expect(log).to_contain_text("number 10")
    stack.stop("platform", signal.SIGKILL)
    expect(page.get_by_role("status").get_by_text("Reconnecting")).to_be_visible()
    Path(gates["first"]).touch()
    stack.start_platform()
    expect(log).to_contain_text("number 20")
    for name in ("second", "third"):
        Path(gates[name]).touch()
    expect(page.get_by_text("Ended (exit 0)")).to_be_visible()
    expect(log).to_contain_text("number 30")
    assert [line for line in lines(page) if line] == [f"number {number}" for number in range(1, 31)]
    expect(page.get_by_role("button", name="Line 30", exact=True)).to_be_visible()


def test_a_word_is_found_in_a_long_log_and_a_line_has_an_address(stack: Stack, visit: Visit) -> None:
    script = "for n in range(50_000):\n    print(n, 'needle' if n == 20_000 else 'hay')\n"
    page = visit(f"/jobs/{submitted(stack, script, 'hay.py')}/logs")
    expect(page.get_by_text("Ended (exit 0)")).to_be_visible()
    log = page.get_by_role("log", name="stdout.log")
    expect(log).to_contain_text("49999 hay")
    log.press("/")
    page.get_by_label("Search the log").last.fill("need[l]e")
    page.get_by_role("button", name="Regular expression").click()
    expect(page.get_by_text("1 of 1")).to_be_visible()
    expect(log).to_contain_text("20000 needle")
    page.get_by_role("button", name="Line 20,001", exact=True).or_(
        page.get_by_role("button", name="Line 20001", exact=True)
    ).click()
    expect(page).to_have_url(re.compile(r"#.*20001"))
    address = page.url
    again = visit(address.removeprefix(stack.url))
    expect(again.get_by_role("log", name="stdout.log")).to_contain_text("20000 needle")


FAILING_ABOVE = """
import atexit, sys
# All on one stream: what comes on two of them at a time may change places.
atexit.register(lambda: print("\\n".join(f"after {n}" for n in range(500)), file=sys.stderr))
print("\\n".join(f"before {n}" for n in range(500)), file=sys.stderr)
raise ValueError("found")
"""


def test_a_failed_jobs_page_opens_its_log_at_the_first_traceback(stack: Stack, visit: Visit) -> None:
    job = submitted(stack, FAILING_ABOVE, "failing.py")
    ended(stack, f"/jobs/{job}")
    page = visit(f"/jobs/{job}")
    log = page.get_by_role("log", name="stdout.log")
    expect(log.get_by_text("ValueError: found")).to_be_visible()
    expect(log.get_by_text("before 499")).to_be_visible()


def test_a_leap_in_a_long_log_ends_at_lines_that_are_all_there(stack: Stack, visit: Visit) -> None:
    job = submitted(stack, "for n in range(20_000):\n    print('row', n)\n", "rows.py")
    page = visit(f"/jobs/{job}/logs")
    log = page.get_by_role("log", name="stdout.log")
    expect(log).to_contain_text("row 19999")
    log.press("Home")
    expect(log).to_contain_text("row 0")
    log.hover()
    page.mouse.wheel(0, 4_000)
    box = log.bounding_box()
    assert box
    lowest = "([x, y]) => document.elementFromPoint(x, y).closest('.log-row') !== null"
    page.wait_for_function(lowest, arg=[box["x"] + box["width"] / 2, box["y"] + box["height"] - 9])
    expect(log).not_to_contain_text("row 19999")


def test_n_goes_on_with_the_last_search(stack: Stack, visit: Visit) -> None:
    script = "for n in range(3_000):\n    print(n, 'needle' if n % 1_000 == 999 else 'hay')\n"
    page = visit(f"/jobs/{submitted(stack, script, 'needles.py')}/logs")
    log = page.get_by_role("log", name="stdout.log")
    expect(log).to_contain_text("2999 needle")
    log.press("Home")
    log.press("/")
    page.get_by_role("textbox", name="Search the log").fill("needle")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("1 of 3")).to_have_count(0)
    page.keyboard.press("n")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    expect(log).to_contain_text("1999 needle")
    page.keyboard.press("/")
    page.keyboard.type("2999 n")
    expect(page.get_by_text("1 of 1")).to_be_visible()


def test_more_of_a_long_line_is_shown_by_a_button_that_is_in_sight(stack: Stack, visit: Visit) -> None:
    page = visit(f"/jobs/{submitted(stack, 'print(20_000 * chr(120) + chr(33))', 'wide.py')}/logs")
    log = page.get_by_role("log", name="stdout.log")
    expect(log).to_contain_text("xxx")
    more = page.get_by_role("button", name="Show all")
    expect(more).to_be_in_viewport()
    more.click()
    expect(log).to_contain_text("x!")
    expect(more).to_have_count(0)
    expect(log).to_be_focused()


def test_a_bar_that_rewrites_its_line_is_one_line_and_colours_are_no_text(stack: Stack, visit: Visit) -> None:
    script = (
        "for n in range(101):\n    print(f'\\r{n}%', end='')\n"
        "print('\\n\\x1b[31mred\\x1b[0m <b>no tag</b>')\n"
    )
    page = visit(f"/jobs/{submitted(stack, script, 'bar.py')}/logs")
    expect(page.get_by_text("Ended (exit 0)")).to_be_visible()
    expect(page.get_by_role("log", name="stdout.log")).to_contain_text("100%")
    assert [line for line in lines(page) if line] == ["100%", "red <b>no tag</b>"]
