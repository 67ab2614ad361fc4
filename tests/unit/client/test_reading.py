import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.client.small_platform import TOKEN, Piece, SmallPlatform, make_job

import torchyard
from torchyard.client import Client
from torchyard.client.pieces import pieces_of
from torchyard.contracts.jobs import JobState
from torchyard.contracts.logs import Stream
from torchyard.errors import DigestMismatch, RequestRefused, ServerUnreachable

PIECES: list[Piece] = [
    ("stdout", b"one\n"),
    ("stderr", "zwei \u2028 drei\n".encode()),
    ("stdout", b"\xff\xfe\0"),
    (None, b"id: 99\ndata: forged\n\n"),
]


def held(platform: SmallPlatform, *pieces: Piece, attempt: int = 1) -> str:
    job = make_job(state="running", attempt=attempt)
    platform.jobs = [job]
    platform.logs["stdout.log", attempt] = list(pieces)
    return str(job["id"])


def test_a_followed_log_tells_bytes_streams_and_offsets(platform: SmallPlatform, client: Client) -> None:
    job_id = held(platform, *PIECES)
    pieces = list(client.logs(job_id, follow=True))
    assert b"".join(piece.data for piece in pieces) == platform.log("stdout.log")
    assert [piece.stream for piece in pieces] == [Stream.STDOUT, Stream.STDERR, Stream.STDOUT, None]
    assert [piece.offset for piece in pieces] == [0, 4, 18, 21]
    assert pieces[1].text == "zwei \u2028 drei\n"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1, max_size=40)), max_size=8
    ),
    st.lists(st.integers(0, 700), max_size=3),
    st.integers(0, 60),
)
def test_no_byte_is_lost_or_doubled_however_often_the_connection_breaks(
    pieces: list[Piece], breaks: list[int], offset: int
) -> None:
    with SmallPlatform() as platform, Client(platform.url, TOKEN) as client:
        job_id = held(platform, *pieces)
        platform.breaks = breaks
        followed = b"".join(piece.data for piece in client.logs(job_id, follow=True, offset=offset))
        assert followed == platform.log("stdout.log")[offset:]


def test_a_reconnect_stays_with_the_attempt_it_began_with(platform: SmallPlatform, client: Client) -> None:
    job_id = held(platform, ("stdout", b"first attempt"))
    platform.breaks = [150]
    pieces = client.logs(job_id, follow=True)
    platform.jobs[0]["attempt"] = 2
    platform.logs["stdout.log", 2] = [("stdout", b"second attempt")]
    assert b"".join(piece.data for piece in pieces) == b"first attempt"


def test_losing_a_followed_stream_is_told(platform: SmallPlatform) -> None:
    told: list[str] = []
    platform.breaks = [10]
    with Client(platform.url, TOKEN, on_interruption=told.append) as client:
        list(client.logs(held(platform, *PIECES), follow=True))
    (sentence,) = told
    assert "lost" in sentence


def test_a_stored_log_is_continued_where_the_connection_broke(
    platform: SmallPlatform, client: Client
) -> None:
    job_id = held(platform, ("stdout", b"0123456789" * 10))
    platform.breaks = [33]
    assert b"".join(piece.data for piece in client.logs(job_id)) == platform.log("stdout.log")
    assert b"".join(piece.data for piece in client.logs(job_id, offset=97)) == b"789"
    assert list(client.logs(job_id, offset=100)) == []
    assert list(client.logs(job_id, offset=101)) == []


@given(st.text(), st.integers(1, 7))
def test_no_character_is_cut_in_two(text: str, step: int) -> None:
    data = text.encode()
    pieces = list(pieces_of((data[at : at + step] for at in range(0, len(data), step)), 0))
    assert "".join(piece.text for piece in pieces) == text
    assert all(
        piece.offset == sum(len(one.data) for one in pieces[:index]) for index, piece in enumerate(pieces)
    )


def test_wait_follows_the_events_to_the_end_and_asks_nothing_meanwhile(
    platform: SmallPlatform, client: Client
) -> None:
    job_id = held(platform)
    platform.outcome = {"state": "failed", "exit_code": 3}
    platform.breaks = [0]
    assert client.wait(job_id).exit_code == 3
    assert len(platform.asked("GET")) == 3  # the stream, the stream again, the job


def test_events_are_told_once_although_the_connection_breaks(platform: SmallPlatform, client: Client) -> None:
    job_id = held(platform)
    platform.events = [
        {"seq": seq, "at": "2026-01-01T00:00:00Z", "attempt": 1, "state": "running", "message": "m" * 50}
        for seq in range(1, 6)
    ]
    platform.breaks = [400, 20]
    assert [event.seq for event in client.events(job_id, follow=True)] == [1, 2, 3, 4, 5]
    assert [event.seq for event in client.events(job_id)] == [1, 2, 3, 4, 5]


def test_jobs_are_asked_for_part_by_part_as_they_are_used(platform: SmallPlatform, client: Client) -> None:
    platform.jobs = [make_job() for _ in range(1201)]
    assert next(client.jobs()).id == platform.jobs[0]["id"]
    assert len(platform.requests) == 1
    assert [job.id for job in client.jobs()] == [job["id"] for job in platform.jobs]
    assert len(list(client.jobs(limit=700))) == 700
    assert list(client.jobs(states=[JobState.FAILED])) == []


def test_an_artifact_is_written_whole_or_not_at_all(
    platform: SmallPlatform, client: Client, tmp_path: Path
) -> None:
    job_id = held(platform)
    platform.artifacts = {"outputs/a b#1.bin": bytes(range(256)) * 400}
    platform.breaks = [50_000]
    (artifact,) = client.artifacts(job_id)
    written = client.download(job_id, artifact, tmp_path)
    assert (written, written.read_bytes()) == (tmp_path / "a b#1.bin", platform.artifacts[artifact.path])
    platform.artifacts[artifact.path] = b"something else"
    with pytest.raises(DigestMismatch):
        client.download(job_id, artifact, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["a b#1.bin"]


def test_a_platform_that_is_not_there_is_told_at_once_with_what_to_do() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        with (
            Client(f"http://127.0.0.1:{taken.getsockname()[1]}", "t") as client,
            pytest.raises(ServerUnreachable) as told,
        ):
            client.workers()
    assert told.value.hint == "Is it running? Start it with `torchyard up`"


@pytest.mark.parametrize(
    ("token", "hint"), [("wrong", "this token is not valid"), ("", "set TORCHYARD_TOKEN")]
)
def test_a_missing_or_wrong_token_is_told_apart(
    platform: SmallPlatform, tmp_path: Path, token: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHYARD_TOKEN", raising=False)
    with Client(platform.url, token, home=tmp_path) as client, pytest.raises(RequestRefused) as refused:
        client.workers()
    assert refused.value.code == "unauthenticated"
    assert (refused.value.hint or "").startswith(hint)


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_of_something_else_is_a_refusal_and_no_crash(
    platform: SmallPlatform, client: Client, status: int
) -> None:
    platform.problems["GET", "/workers"] = (status, b"<html>welcome</html>")
    with pytest.raises(RequestRefused) as refused:
        client.workers()
    assert "Torchyard platform" in (refused.value.hint or "")


def test_a_cancel_is_never_sent_twice(platform: SmallPlatform, client: Client) -> None:
    job_id = held(platform)
    client.get(job_id)
    platform.lost = ["POST"]
    with pytest.raises(ServerUnreachable):
        client.cancel(job_id)
    assert len(platform.asked("POST")) == 1


def test_the_package_gives_the_client() -> None:
    assert torchyard.Client is Client
    with pytest.raises(AttributeError, match="no attribute 'Clint'"):
        torchyard.Clint  # noqa: B018
