"""What dialogs and panels do: back-fills, other settings, paths of a dataset, templates, languages."""

import hashlib
import os
from pathlib import Path

from playwright.sync_api import Request, expect
from tests.cutting_proxy import CuttingProxy
from tests.graphs import dataset, drawing, node
from tests.servers import S3Server
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually
from tests.web.conftest import Visit
from tests.web.editing import Editor, ended, made, saved, submitted

MIB = 1024 * 1024


def test_a_backfill_shows_its_runs_before_it_makes_them(stack: Stack, visit: Visit) -> None:
    workflow = made(stack, "filled", {"main": "print('hi')\n"})
    schedule = {"cron": "30 2 * * *", "time_zone": "Asia/Shanghai", "paused": True}
    with stack.api() as api:
        api.put(f"/workflows/{workflow}/schedule", json=schedule).raise_for_status()
    page = visit(f"/workflows/{workflow}")
    page.get_by_role("button", name="Schedule", exact=True).click()
    page.get_by_role("button", name="Back-fill…").click()
    dialog = page.get_by_role("dialog", name="Back-fill")
    dialog.get_by_label("From").fill("2025-12-01")
    dialog.get_by_label("To, included").fill("2025-12-31")
    expect(dialog.get_by_role("listitem")).to_have_count(31)
    dialog.get_by_label("From").fill("2025-01-01")
    expect(dialog.get_by_role("alert")).to_contain_text("backfill_too_large")
    expect(dialog.get_by_role("button", name="Make 0 runs")).to_be_disabled()
    dialog.get_by_label("From").fill("2025-12-30")
    expect(dialog.get_by_role("listitem")).to_contain_text(["30 December", "31 December"])
    expect(dialog.get_by_role("listitem").first).to_contain_text("02:30")
    dialog.get_by_role("button", name="Make 2 runs").click()
    expect(page.get_by_text("2 runs were made.").first).to_be_visible()
    with stack.api() as api:
        runs = api.get("/runs", params={"workflow": workflow}).json()["items"]
    assert [one["trigger"] for one in runs] == ["backfill", "backfill"]


def test_a_node_is_resumed_with_other_settings_this_once(stack: Stack, visit: Visit) -> None:
    script = "import sys\nprint('got', sys.argv[1:])\nraise SystemExit('good' not in sys.argv)\n"
    workflow = made(stack, "overridden", {"main": script})
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    editor.run()
    editor.stands("main", "Failed")
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("menuitem", name="Resume the run").click()
    dialog = page.get_by_role("dialog", name="Resume the run")
    dialog.get_by_role("button", name="Other settings for main, this once").click()
    settings = dialog.get_by_role("region", name="Settings of main for this resume")
    settings.get_by_role("textbox", name="Arguments", exact=True).fill("good")
    settings.get_by_role("tab", name="Resources").click()
    settings.get_by_role("textbox", name="CPU cores").fill("2")
    expect(dialog.get_by_text("changed: arguments, resources")).to_be_visible()
    dialog.get_by_role("button", name="Run 1 node again").click()
    # It succeeded with settings that are not the workflow's.
    editor.stands("main", "Stale")
    with stack.api() as api:
        run = api.get("/runs", params={"workflow": workflow}).json()["items"][0]["id"]
        attempts = api.get(f"/runs/{run}/nodes/main/attempts").json()
        graph = api.get(f"/workflows/{workflow}").json()["graph"]
    assert [one["settings"].get("arguments") for one in attempts] == [None, "good"]
    assert attempts[-1]["settings"]["resources"] == {"cpus": 2}
    assert "arguments" not in graph["nodes"][0]["settings"]


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


def test_what_a_file_could_not_bring_along_is_told_before_it_is_opened(visit: Visit) -> None:
    text = (
        "torchyard: 1\nname: from a file\nnodes:\n"
        "  a: {script: {name: a.py, text: 'print()'}, needs: [gone]}\n"
        "notifications:\n  - {url: 'https://example.org/hook', when: failure}\n"
    )
    page = visit()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import").click()
    file = {"name": "flow.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    chooser.value.set_files(file)
    dialog = page.get_by_role("dialog", name="from a file was imported")
    expect(dialog).to_contain_text("'gone'")
    expect(dialog).to_contain_text("whsec_")
    dialog.get_by_role("button", name="Open it").click()
    expect(Editor(page).node("a")).to_be_visible()


def test_a_secret_leaves_the_command_line_and_a_number_of_it_becomes_a_parameter(
    stack: Stack, visit: Visit
) -> None:
    workflow = made(stack, "told too much", {"train": "import os\nprint(os.environ['API_KEY'][:3])\n"})
    page = visit(f"/workflows/{workflow}")
    editor = Editor(page)
    editor.node("train").click()
    arguments = editor.panel.get_by_role("textbox", name="Arguments", exact=True)
    arguments.fill("--api-key=hf_told --lr 0.1")
    editor.panel.get_by_role("button", name="Make it the secret variable API_KEY").click()
    expect(arguments).to_have_value("--lr 0.1")
    arguments.evaluate("(field) => field.setSelectionRange(5, 8)")
    editor.panel.get_by_role("button", name="Parameter for Arguments").click()
    page.get_by_role("menuitem", name="Make it a parameter").click()
    expect(arguments).to_have_value("--lr ${lr}")
    editor.save()
    with stack.api() as api:
        graph = api.get(f"/workflows/{workflow}").json()["graph"]
        assert "API_KEY" in [secret["name"] for secret in api.get("/secrets").json()]
    assert graph["nodes"][0]["settings"]["environment"] == {"API_KEY": "${secrets.API_KEY}"}
    assert [(one["name"], one["type"], one["default"]) for one in graph["parameters"]] == [
        ("lr", "number", 0.1)
    ]


def test_a_template_is_put_into_a_workflow_and_no_other_is_made(stack: Stack, visit: Visit) -> None:
    page = visit(f"/workflows/{made(stack, 'with template', {'begin': 'print()'})}")
    editor = Editor(page)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.method) if "/api/v1/" in one.url else None)
    editor.components.get_by_role("button", name="A net that prints itself").first.click()
    expect(editor.nodes()).to_have_count(2)
    assert not {"DELETE", "PUT"} & set(asked)
    editor.save()
    editor.run()
    editor.stands("lenet", "Succeeded")


def test_what_the_platform_says_is_chinese_in_the_chinese_app(stack: Stack, visit: Visit) -> None:
    failed = submitted(stack, "raise ValueError('no rows')\n", "broken.py", name="broken")
    waiting = submitted(stack, "print()\n", "far.py", name="far", resources={"cpus": 4_000})
    ended(stack, f"/jobs/{failed}")
    page = visit(f"/jobs/{failed}", language="zh")
    card = page.get_by_text("脚本抛出异常")
    expect(card).to_contain_text("broken.py 第 1 行")
    expect(card).to_contain_text("ValueError: no rows")
    page.goto(f"{stack.url}/jobs/{waiting}")
    expect(page.get_by_text("需要 4000 个 CPU 核").first).to_contain_text("最大的工作机总共只有")
    with stack.api() as api:
        api.post(f"/jobs/{waiting}/cancel").raise_for_status()
    graph = drawing([node("train", {"sha256": "0" * 64, "name": "a.py"}, arguments="${lr}")])
    page.goto(f"{stack.url}/workflows/{saved(stack, '有错误的', graph)}")
    page.get_by_role("article").first.click()
    expect(page.get_by_text("没有参数“lr”").first).to_be_visible()


def test_an_upload_goes_on_where_it_broke_off_and_where_an_earlier_one_ended(
    stack: Stack, visit: Visit, tmp_path: Path
) -> None:
    content = os.urandom(24 * MIB)
    file, blob = tmp_path / "rows.bin", f"/blobs/{hashlib.sha256(content).hexdigest()}"
    file.write_bytes(content)
    workflow = saved(stack, "uploading", drawing([dataset("rows")]))
    with stack.api() as api:
        # As a tab left it that was closed in the middle.
        begun = {"Upload-Offset": "0", "Upload-Length": str(len(content))}
        api.patch(f"{blob}/upload", content=content[: 8 * MIB], headers=begun).raise_for_status()
    with CuttingProxy(stack.url, []) as proxy:
        page = visit("/jobs")
        page.goto(f"{proxy.url}/workflows/{workflow}")
        editor = Editor(page)
        editor.node("rows").click()
        proxy.cuts.append(6 * MIB)
        offsets: list[int] = []

        def note(request: Request) -> None:
            if request.method == "PATCH":
                offsets.append(int(request.headers["upload-offset"]))

        page.on("request", note)
        with page.expect_file_chooser() as chooser:
            editor.panel.get_by_role("button", name="Upload").click()
        chooser.value.set_files(file)
        with stack.api() as api:
            eventually(
                lambda: page.evaluate("() => true") and api.head(blob).status_code == 200, seconds=PATIENCE
            )
        page.close()
    assert offsets[0] == 8 * MIB
    assert all(offset > 8 * MIB for offset in offsets[1:])
    # The line was cut once. Of what a connection had carried before, the browser sends again by itself.
    assert proxy.cuts == []
    assert proxy.forwarded < len(content) - 8 * MIB + 6 * MIB + 4 * MIB
