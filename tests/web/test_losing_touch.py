"""A platform that is away, and a sign-in that ran out: nothing that was typed is lost."""

from playwright.sync_api import Locator, Page, expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, made


def typed(page: Page, text: str) -> Locator:
    editor = Editor(page)
    editor.node("train").click()
    arguments = editor.panel.get_by_role("textbox", name="Arguments", exact=True)
    arguments.fill(text)
    return arguments


def test_who_was_signed_out_signs_in_over_the_page_and_goes_on(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'signed out', {'train': 'print()'})}")
    arguments = typed(page, "--kept")
    page.context.clear_cookies()
    page.keyboard.press("Control+S")
    asked = page.get_by_role("dialog", name="Your sign-in has ended")
    token = asked.get_by_label("Access token")
    token.fill("ty_wrong")
    token.press("Enter")
    expect(asked.get_by_role("alert")).to_contain_text("not valid")
    token.fill(stack.token)
    token.press("Enter")
    expect(asked).to_have_count(0)
    expect(arguments).to_have_value("--kept")
    Editor(page).save()


def test_a_save_without_a_network_says_so_and_works_again_with_one(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'cut off', {'train': 'print()'})}")
    arguments = typed(page, "--kept")
    page.context.set_offline(True)
    page.keyboard.press("Control+S")
    expect(page.get_by_text("The platform does not answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Save (unsaved changes)")).to_be_enabled()
    page.context.set_offline(False)
    expect(arguments).to_have_value("--kept")
    Editor(page).save()
