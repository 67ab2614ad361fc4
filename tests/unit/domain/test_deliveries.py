import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from torchyard.contracts.notifications import Outcomes
from torchyard.contracts.runs import RunState
from torchyard.domain.deliveries import MAX_TRIES, came_through, headers, next_try, secret_of, wants

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_signature_is_the_one_that_the_scheme_s_libraries_expect() -> None:
    # The example that the libraries of Standard Webhooks are tested with.
    made = headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert made["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert made["webhook-timestamp"] == "1614265330"
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_key_is_what_the_secret_holds_in_base64() -> None:
    key = bytes(range(32))
    made = headers(secret_of(key), "1", NOON, b"{}")
    expected = hmac.new(key, f"1.{int(NOON.timestamp())}.{{}}".encode(), hashlib.sha256).digest()
    assert made["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert secret_of(key).startswith("whsec_")


def test_pauses_grow_and_the_last_try_is_within_a_day() -> None:
    now, pauses = NOON, []
    for tries in range(1, MAX_TRIES):
        due = next_try(tries, 500, now)
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == sorted(set(pauses))
    assert timedelta(hours=20) < now - NOON < timedelta(days=1)
    assert next_try(MAX_TRIES, 500, now) is None


def test_a_receiver_that_is_gone_for_good_is_not_asked_again() -> None:
    assert next_try(1, 410, NOON) is None
    assert next_try(1, None, NOON) is not None


@pytest.mark.parametrize(
    ("status", "taken"), [(200, True), (204, True), (302, False), (404, False), (500, False)]
)
def test_only_a_success_is_one(status: int, taken: bool) -> None:
    assert came_through(status) is taken


def test_each_webhook_is_told_of_the_ends_it_wants() -> None:
    told = {on: {state for state in RunState if wants(on, state)} for on in Outcomes}
    assert told == {
        Outcomes.SUCCESS: {RunState.SUCCEEDED},
        Outcomes.FAILURE: {RunState.FAILED},
        Outcomes.BOTH: {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED},
    }
