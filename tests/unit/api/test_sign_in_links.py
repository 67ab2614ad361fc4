from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from torchyard.services.context import Context
from torchyard.testing import FixedClock


def code(api: TestClient) -> str:
    made = api.post("/api/v1/session/links")
    assert made.status_code == 201
    return str(made.json()["code"])


def test_a_link_signs_in_once(api: TestClient, anonymous: TestClient) -> None:
    link = code(api)

    accepted = anonymous.post("/api/v1/session", json={"token": link})
    again = TestClient(anonymous.app).post("/api/v1/session", json={"token": link})

    assert accepted.json()["name"] == "admin"
    assert anonymous.get("/api/v1/jobs").status_code == 200
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


def test_of_many_who_use_a_link_at_once_one_comes_in(api: TestClient, anonymous: TestClient) -> None:
    link = code(api)

    def use(_: int) -> int:
        return anonymous.post("/api/v1/session", json={"token": link}).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(use, range(4)))

    assert answers == [200, 401, 401, 401]


def test_a_link_is_no_token_and_does_not_last(api: TestClient, anonymous: TestClient, ctx: Context) -> None:
    link = code(api)

    as_token = anonymous.get("/api/v1/jobs", headers={"Authorization": f"Bearer {link}"})
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(16 * 60)
    late = anonymous.post("/api/v1/session", json={"token": link})

    assert (as_token.status_code, late.status_code) == (401, 401)


def test_who_is_not_signed_in_gets_no_link(anonymous: TestClient) -> None:
    assert anonymous.post("/api/v1/session/links").status_code == 401
