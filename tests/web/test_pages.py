"""Jobs, settings, languages, themes and the keyboard."""

import re

from playwright.sync_api import Page, expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, ended, made, submitted


def test_a_job_is_submitted_by_the_form(visit: Visit) -> None:
    page = visit("/jobs/new")
    page.get_by_role("button", name="Write here").click()
    code = page.get_by_role("textbox", name="The script's text")
    code.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("import sys\nprint('got', sys.argv[1:])\n")
    page.get_by_role("textbox", name="Name", exact=True).fill("by the form")
    page.get_by_role("textbox", name="Arguments", exact=True).fill("--a 'b c'")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("heading", name="by the form")).to_be_visible()
    expect(page).to_have_title("by the form · Torchyard")
    expect(page.get_by_role("log", name="stdout.log")).to_contain_text("got ['--a', 'b c']")
    expect(page.get_by_text("Ended (exit 0)")).to_be_visible()


def test_jobs_are_filtered_and_the_filter_is_in_the_address(stack: Stack, visit: Visit) -> None:
    good = submitted(stack, "print('good')", "apples.py")
    bad = submitted(stack, "raise SystemExit(3)", "apples_bad.py")
    for job in (good, bad):
        ended(stack, f"/jobs/{job}")
    page = visit("/jobs")
    page.get_by_role("searchbox", name="Search in name, script and arguments").fill("apples")
    rows = page.get_by_role("row").filter(has=page.get_by_role("link"))
    expect(rows).to_have_count(2)
    page.get_by_role("group", name="States").get_by_role("button", name="Failed").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("apples_bad")
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_role("checkbox", name="Choose apples_bad").check()
    page.get_by_role("button", name="Run again (1)").click()
    page.get_by_role("button", name="Clear the filter").click()
    page.get_by_role("searchbox", name="Search in name, script and arguments").fill("apples_bad")
    expect(rows).to_have_count(2)


def test_jobs_are_filtered_by_their_workflow(stack: Stack, visit: Visit) -> None:
    workflow = made(stack, "orchard", {"pick": "print('picked')"})
    with stack.api() as api:
        run = api.post(f"/workflows/{workflow}/runs", json={}).raise_for_status().json()["id"]
    ended(stack, f"/runs/{run}")
    ended(stack, f"/jobs/{submitted(stack, 'print()', 'lone.py')}")
    page = visit("/jobs")
    page.get_by_role("combobox", name="Workflow").select_option("orchard")
    rows = page.get_by_role("row").filter(has=page.get_by_role("link"))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("pick")
    page.reload()
    expect(rows).to_have_count(1)


def test_connections_secrets_and_users_are_set_up(visit: Visit) -> None:
    page = visit("/settings/secrets")
    page.get_by_role("button", name="Add a secret").click()
    page.get_by_role("textbox", name="Name").fill("web_token")
    page.get_by_role("textbox", name="Value").fill("s3cret-value")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="${secrets.WEB_TOKEN}")).to_be_visible()
    expect(page.get_by_text("s3cret-value")).to_have_count(0)
    page.get_by_role("link", name="Storage connections").click()
    page.get_by_role("button", name="Add a connection").click()
    dialog = page.get_by_role("dialog")
    for field, text in (("Name", "lab"), ("Key id", "id"), ("Key secret", "x"), ("Allowed", "bucket/data/")):
        dialog.get_by_role("textbox", name=field, exact=True).fill(text)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("lab is set up").first).to_be_visible()
    page.get_by_role("link", name="Users").click()
    page.get_by_role("button", name="Add a user").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("lin")
    page.get_by_role("dialog").get_by_role("button", name="Add a user").click()
    row = page.get_by_role("row").filter(has_text="lin")
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")


def test_a_quota_is_set_kept_and_shown_to_whom_it_limits(visit: Visit) -> None:
    page = visit("/settings/users")
    row = page.get_by_role("row").filter(has=page.get_by_text("admin", exact=True))
    expect(row).to_contain_text("no limit")
    row.get_by_role("button", name="Change the quota").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="GPUs").fill("many")
    expect(dialog.get_by_role("alert")).to_contain_text("A whole number")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_role("textbox", name="GPUs").fill("4")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("0 of 4")
    page.get_by_role("link", name="Profile").click()
    expect(page.get_by_role("region", name="Quota")).to_contain_text("0 of 4")
    page.get_by_role("link", name="Users").click()
    row.get_by_role("button", name="Change the quota").click()
    expect(dialog.get_by_role("textbox", name="CPU cores")).to_have_value("")
    dialog.get_by_role("textbox", name="GPUs").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(row).not_to_contain_text("0 of 4")


def test_a_mistyped_address_shows_the_way_back(visit: Visit) -> None:
    for address in ("/nonsense", "/jobs/1/2/3"):
        page = visit(address)
        expect(page.get_by_role("heading", name="There is no page at this address.")).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="Jobs").click()
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_the_page_of_a_log_says_whose_it_is(stack: Stack, visit: Visit) -> None:
    job = submitted(stack, "print('whose')", "pears.py")
    ended(stack, f"/jobs/{job}")
    page = visit(f"/jobs/{job}/logs#system.log")
    for _ in range(2):
        expect(page.get_by_role("heading", name="pears.py")).to_be_visible()
        expect(page.get_by_role("log", name="system.log")).to_contain_text("exit code 0")
        page.reload()
    page.get_by_role("link", name="pears.py").click()
    page.get_by_role("button", name="Full screen").click()
    expect(page.get_by_role("heading", name="Logs pears.py")).to_be_visible()


def test_the_language_is_switched_and_remembered(visit: Visit) -> None:
    page = visit("/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitemcheckbox", name="中文").click()
    expect(page.get_by_role("heading", name="任务", exact=True)).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("link", name="工作流")).to_be_visible()
    page.get_by_role("button", name="语言").click()
    page.get_by_role("menuitemcheckbox", name="English").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


def ground(page: Page) -> str:
    return str(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_the_theme_is_switched_and_remembered(visit: Visit) -> None:
    page = visit("/workers", theme="light")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    light = ground(page)
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("menuitemcheckbox", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert ground(page) != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def tab_to(page: Page, name: str) -> None:
    """Walk with the Tab key until the control of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name=name).and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"{name} can't be reached with the Tab key")


def add_by_keyboard(page: Page, editor: Editor) -> None:
    """From wherever the focus is to a node with a name of its own and the script that is offered."""
    keys = page.keyboard
    keys.press("F6")
    while not editor.canvas.and_(page.locator(":focus")).count():
        keys.press("F6")
    keys.press("Tab")
    expect(page.get_by_role("combobox", name="Search for a node to add")).to_be_focused()
    keys.type("pyt")
    keys.press("Enter")
    expect(editor.nodes()).to_have_count(1)
    keys.press("F2")
    expect(editor.canvas.get_by_role("textbox", name="Node name")).to_be_focused()
    keys.type("typed")
    keys.press("Enter")
    expect(editor.node("typed")).to_be_visible()
    editor.canvas.focus()
    keys.press("Enter")
    tab_to(page, "Write here")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="The script's text")).to_be_visible()


def test_everything_from_signing_in_to_the_log_goes_by_keyboard(stack: Stack, visit: Visit) -> None:
    page = visit("/workflows", signed_in=False)
    expect(page.get_by_label("Access token")).to_be_focused()
    keys, editor = page.keyboard, Editor(page)
    keys.type(stack.token)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Workflows")).to_be_visible()
    tab_to(page, "New workflow")
    keys.press("Enter")
    expect(editor.canvas).to_be_visible()
    add_by_keyboard(page, editor)
    keys.press("Control+Enter")
    editor.stands("typed", "Succeeded")
    editor.canvas.focus()
    keys.press("ArrowRight")
    keys.press("Shift+F10")
    expect(page.get_by_role("menu")).to_be_focused()
    keys.type("std")
    expect(page.get_by_role("menuitem", name="stdout.log")).to_be_focused()
    keys.press("Enter")
    expect(editor.log()).to_contain_text(re.compile("torch 2"))
    expect(editor.canvas).to_be_focused()
