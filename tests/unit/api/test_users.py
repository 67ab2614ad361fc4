"""Users over HTTP: who may come in, who lets them in, and that a token is told once."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.factories import register, submit
from tests.unit.api.conftest import TOKEN

from torchyard.contracts.runner import Gpu
from torchyard.services import scheduling, users
from torchyard.services.context import Context
from torchyard.storage.database import Database
from torchyard.testing import FixedClock


def as_(app: FastAPI, token: str) -> TestClient:
    return TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})


def issued(api: TestClient, name: str, **wish: Any) -> Any:
    answer = api.post(f"/api/v1/users/{name}/tokens", json={"label": "laptop", **wish})
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def ordinary(api: TestClient, app: FastAPI) -> TestClient:
    api.put("/api/v1/users/lin", json={"role": "user"})
    return as_(app, issued(api, "lin")["token"])


def test_an_administrator_adds_a_user_whose_token_lets_in(api: TestClient, app: FastAPI) -> None:
    added = api.put("/api/v1/users/lin", json={"role": "user"})
    token = issued(api, "lin", days=7)

    assert (added.status_code, added.json()["role"], added.json()["disabled"]) == (200, "user", False)
    assert as_(app, token["token"]).get("/api/v1/session").json() == {"name": "lin", "role": "user"}
    assert [user["name"] for user in api.get("/api/v1/users").json()] == ["admin", "lin"]
    listed = api.get("/api/v1/users/lin/tokens").json()
    assert listed == [{name: value for name, value in token.items() if name != "token"}]


def test_what_is_for_administrators_is_refused_to_others(ordinary: TestClient) -> None:
    refused = [
        ordinary.get("/api/v1/users"),
        ordinary.put("/api/v1/users/lin", json={"role": "admin"}),
        ordinary.patch("/api/v1/users/lin", json={"max_gpus": None}),
        ordinary.get("/api/v1/users/admin"),
        ordinary.get("/api/v1/users/admin/tokens"),
        ordinary.post("/api/v1/users/admin/tokens", json={"label": "x"}),
        ordinary.delete(f"/api/v1/users/admin/tokens/{'0' * 16}"),
        ordinary.get("/api/v1/users/nobody/tokens"),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "admin_only")}


def test_users_issue_and_revoke_tokens_of_their_own(ordinary: TestClient, app: FastAPI) -> None:
    token = issued(ordinary, "lin")
    own = as_(app, token["token"])
    with as_(app, token["token"]) as browser:
        browser.post("/api/v1/session", json={"token": token["token"]})
    cookie = {"torchyard_session": browser.cookies["torchyard_session"]}
    signed_in = TestClient(app, cookies=cookie)
    assert own.get("/api/v1/session").status_code == signed_in.get("/api/v1/session").status_code == 200

    revoked = ordinary.delete(f"/api/v1/users/lin/tokens/{token['id']}")

    assert revoked.status_code == 204
    # The sessions that it started end with it.
    assert own.get("/api/v1/session").status_code == signed_in.get("/api/v1/session").status_code == 401
    assert ordinary.get("/api/v1/session").status_code == 200
    again = ordinary.delete(f"/api/v1/users/lin/tokens/{token['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "token_not_found")


def test_a_disabled_user_is_let_in_by_nothing_until_enabled(api: TestClient, ordinary: TestClient) -> None:
    disabled = api.put("/api/v1/users/lin", json={"role": "user", "disabled": True})
    assert disabled.json()["disabled"]
    assert ordinary.get("/api/v1/session").status_code == 401

    api.put("/api/v1/users/lin", json={"role": "user"})

    assert ordinary.get("/api/v1/session").status_code == 200


def test_a_quota_is_told_with_what_is_held(api: TestClient, ordinary: TestClient, ctx: Context) -> None:
    assert api.get("/api/v1/users/lin").json()["max_gpus"] is None
    api.put("/api/v1/users/lin", json={"role": "user", "max_gpus": 2, "max_cpus": 0})
    register(ctx, gpus=[Gpu(uuid="GPU-1", model="H200", memory_mb=1)])
    submit(ctx, resources={"gpus": 1, "cpus": 2})
    scheduling.schedule(ctx)

    own, everybody = ordinary.get("/api/v1/users/lin").json(), api.get("/api/v1/users").json()

    def told(user: Any) -> list[Any]:
        return [user[name] for name in ("name", "max_gpus", "max_cpus", "held_gpus", "held_cpus")]

    assert told(own) == ["lin", 2, 0, 0, 0]
    assert [told(user) for user in everybody] == [["admin", None, None, 1, 2], told(own)]
    assert told(api.get("/api/v1/users/admin").json()) == told(everybody[0])
    assert api.put("/api/v1/users/lin", json={"role": "user"}).json()["max_gpus"] is None


def test_a_change_leaves_the_rest_as_it_is(api: TestClient, ordinary: TestClient) -> None:
    def changed(**changes: Any) -> list[Any]:
        answer = api.patch("/api/v1/users/lin", json=changes).json()
        return [answer[name] for name in ("role", "disabled", "max_gpus", "max_cpus")]

    assert changed(max_gpus=2, max_cpus=8) == ["user", False, 2, 8]
    assert changed(disabled=True) == ["user", True, 2, 8]
    assert changed(max_gpus=None) == ["user", True, None, 8]
    assert changed(role="admin", disabled=False) == ["admin", False, None, 8]
    assert changed() == ["admin", False, None, 8]


def test_no_administrator_shuts_the_door_from_inside(api: TestClient, app: FastAPI) -> None:
    api.put("/api/v1/users/chen", json={"role": "admin"})
    chen = as_(app, issued(api, "chen")["token"])
    for client, name in ((api, "admin"), (chen, "chen"), (chen, "admin")):
        for change in ({"role": "user"}, {"role": "admin", "disabled": True}):
            refused = client.put(f"/api/v1/users/{name}", json=change)
            assert (refused.status_code, refused.json()["code"]) == (409, "own_access")
    assert api.put("/api/v1/users/chen", json={"role": "user"}).status_code == 200


def test_a_token_expires(api: TestClient, app: FastAPI, ctx: Context) -> None:
    api.put("/api/v1/users/lin", json={})
    own = as_(app, issued(api, "lin", days=1)["token"])
    assert own.get("/api/v1/session").status_code == 200

    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(24 * 3600 + 1)

    assert own.get("/api/v1/session").status_code == 401
    assert api.get("/api/v1/users/lin/tokens").json() == []


def test_issued_tokens_outlive_a_restart_and_no_token_lies_in_the_database(
    api: TestClient, app: FastAPI, ctx: Context, database: Database
) -> None:
    token = issued(api, "admin")["token"]

    with ctx.db.write() as session:  # as the platform does when it starts
        users.set_token(ctx, session, users.administrator(ctx, session), TOKEN)

    assert as_(app, token).get("/api/v1/session").json()["role"] == "admin"
    with database.engine.connect() as connection:
        stored = str([row._mapping for row in connection.execute(text("SELECT * FROM tokens"))])
    assert token not in stored


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "Lin", {}, 422),
        ("PUT", "lin", {"role": "king"}, 422),
        ("PUT", "lin", {"max_gpus": -1}, 422),
        ("PUT", "lin", {"max_cpus": 0.5}, 422),
        ("PUT", "lin", {"max_cpus": 10**18}, 422),
        ("GET", "nobody", None, 404),
        ("PATCH", "nobody", {}, 404),
        ("PATCH", "admin", {"disabled": True}, 409),
        ("PATCH", "admin", {"max_gpus": -1}, 422),
        ("POST", "admin/tokens", {"label": ""}, 422),
        ("POST", "admin/tokens", {"label": "a\x00"}, 422),
        ("POST", "admin/tokens", {"label": "x", "days": 0}, 422),
        ("POST", "nobody/tokens", {"label": "x"}, 404),
        ("DELETE", "admin/tokens/xyz", None, 422),
    ],
)
def test_wrong_wishes_are_refused(api: TestClient, method: str, path: str, body: Any, status: int) -> None:
    assert api.request(method, f"/api/v1/users/{path}", json=body).status_code == status
