"""What dialogs and panels do: paths of a dataset."""

import os

from playwright.sync_api import expect
from tests.graphs import dataset, drawing
from tests.servers import S3Server
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, ended, saved


def test_paths_of_a_dataset_are_looked_for_and_chosen_in_the_storage(
    stack: Stack, visit: Visit, s3_server: S3Server
) -> None:
    bucket = f"data-{os.urandom(4).hex()}"
    s3 = s3_server.client()
    s3.create_bucket(Bucket=bucket)
    for key in ("digits/train.csv", "digits/test.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1,2\n")
    connection = {
        "endpoint": s3_server.endpoint,
        "access_key_id": s3_server.access_key_id,
        "secret_access_key": s3_server.secret_access_key,
        "allowed": [bucket],
    }
    with stack.api() as api:
        api.put(f"/connections/{bucket}", json=connection).raise_for_status()
    workflow = saved(stack, "from storage", drawing([dataset("digits", paths=f"s3://{bucket}/missing.csv")]))
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    editor.node("digits").click()
    expect(editor.panel.get_by_text(f"s3://{bucket}/missing.csv:")).to_be_visible()
    editor.panel.get_by_role("button", name="Browse").click()
    browser = page.get_by_role("dialog")
    browser.get_by_label("Connection").select_option(bucket)
    browser.get_by_role("button", name=f"{bucket}/").click()
    browser.get_by_role("checkbox", name=f"s3://{bucket}/digits/").check()
    browser.get_by_role("button", name="Add").click()
    expect(editor.panel.get_by_text(f"s3://{bucket}/digits/: a directory")).to_be_visible()
    paths = editor.panel.get_by_role("textbox", name="Paths in S3 or COS")
    paths.fill(f"s3://{bucket}/digits/")
    expect(editor.panel.get_by_text("missing.csv")).to_have_count(0)
    editor.run()
    editor.stands("digits", "Succeeded")
    with stack.api() as api:
        run = api.get("/runs", params={"workflow": workflow}).json()["items"][0]["id"]
    assert ended(stack, f"/runs/{run}")["state"] == "succeeded"
