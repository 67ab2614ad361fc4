from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.flows import make_workflow

from torchyard.errors import Forbidden
from torchyard.ports import WebhookAnswer
from torchyard.services.context import Context
from torchyard.testing import RecordingWebhooks


@pytest.fixture
def hooks(ctx: Context) -> str:
    return f"/api/v1/workflows/{make_workflow(ctx)}/notifications"


def test_a_webhook_is_added_listed_tested_and_removed(api: TestClient, ctx: Context, hooks: str) -> None:
    added = api.post(hooks, json={"url": "https://example.org/hook", "on": "failure"})
    assert added.status_code == 201
    told = added.json()
    assert told.pop("secret").startswith("whsec_")
    assert api.get(hooks).json() == [told]
    tested = api.post(f"{hooks}/{told['id']}/test")
    assert (tested.status_code, tested.json()["state"]) == (200, "delivered")
    assert isinstance(ctx.webhooks, RecordingWebhooks)
    ctx.webhooks.answer = Forbidden("loopback", code="webhook_address_refused")
    refused = api.post(f"{hooks}/{told['id']}/test").json()
    assert (refused["state"], refused["problem"]) == ("failed", "loopback")
    listed = api.get(f"{hooks}/{told['id']}/deliveries", params={"limit": 1}).json()
    more = api.get(f"{hooks}/{told['id']}/deliveries", params={"cursor": listed["next_cursor"]}).json()
    assert {listed["items"][0]["id"], more["items"][0]["id"]} == {tested.json()["id"], refused["id"]}
    assert api.delete(f"{hooks}/{told['id']}").status_code == 204
    assert api.delete(f"{hooks}/{told['id']}").json()["code"] == "notification_not_found"
    assert api.get(hooks).json() == []


def test_what_went_wrong_is_told(api: TestClient, ctx: Context, hooks: str) -> None:
    assert isinstance(ctx.webhooks, RecordingWebhooks)
    hook = api.post(hooks, json={"url": "http://10.0.0.5:8080/"}).json()
    ctx.webhooks.answer = WebhookAnswer(404, b"<h1>no such hook</h1>")
    told = api.post(f"{hooks}/{hook['id']}/test").json()
    assert (told["status"], told["problem"]) == (404, "answered 404: <h1>no such hook</h1>")


@pytest.mark.parametrize(
    "body",
    [{}, {"url": "ftp://example.org"}, {"url": "https://"}, {"url": "https://me:pass@example.org"},
     {"url": "https://example.org/#x"}, {"url": "https://exa mple.org"}, {"url": "//example.org"},
     {"url": "https://[::1"}, {"url": "https://example.org:0/"}, {"url": "https://example.org:99999/"},
     {"url": "https://例.org"}, {"url": "https://example.org\x00"}, {"url": "https://example.org\r\nx: y"},
     {"url": "https://example.org", "on": "never"}],
)  # fmt: skip
def test_what_is_no_webhook_is_refused(api: TestClient, hooks: str, body: dict[str, Any]) -> None:
    assert api.post(hooks, json=body).status_code == 422


def test_a_webhook_of_another_workflow_is_out_of_reach(api: TestClient, ctx: Context, hooks: str) -> None:
    hook = api.post(hooks, json={"url": "https://example.org/hook"}).json()
    other = f"/api/v1/workflows/{make_workflow(ctx)}/notifications/{hook['id']}"
    assert api.post(f"{other}/test").status_code == 404
    assert api.get(f"{other}/deliveries").status_code == 404
    assert api.delete(other).status_code == 404


def test_changing_keys_tells_of_webhooks(api: TestClient, hooks: str) -> None:
    api.post(hooks, json={"url": "https://example.org/hook"})
    assert api.post("/api/v1/secrets/rotate").json()["webhooks"] == 1


def test_a_webhook_is_added_once_for_its_key_and_a_lost_answer_can_be_had_again(
    api: TestClient, hooks: str
) -> None:
    body, key = {"url": "https://example.org/hook"}, {"Idempotency-Key": "hook-1"}
    first, again = (api.post(hooks, json=body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(api.get(hooks).json()) == 1
