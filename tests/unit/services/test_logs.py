import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import attempt_id, get, submit

from torchyard.contracts.logs import LogChunk, LogName, Piece, Stream
from torchyard.errors import NotFound
from torchyard.services import logs
from torchyard.services.context import Context
from torchyard.services.logs import LogRef, chunk_size, chunks
from torchyard.testing import MemoryLogs

ATTEMPT = "11111111-1111-1111-1111-111111111111"
REF = LogRef("22222222-2222-2222-2222-222222222222", ATTEMPT, 1, LogName.STDOUT)


class OnlyLogs:
    """The part of the context that reading a script's log needs."""

    def __init__(self) -> None:
        self.logs = MemoryLogs()


def content(chunk: LogChunk) -> bytes:
    return chunk.text.encode() if chunk.text is not None else base64.b64decode(chunk.base64 or "")


@given(
    st.lists(st.tuples(st.binary(max_size=20) | st.text(max_size=8).map(str.encode), st.booleans())),
    st.integers(1, 30),
)
def test_whatever_was_printed_is_followed_byte_by_byte(printed: list[tuple[bytes, bool]], block: int) -> None:
    ctx, whole = OnlyLogs(), b""
    followed, offset = b"", 0
    for number, (data, stderr) in enumerate([*printed, (b"", False)]):
        stream = Stream.STDERR if stderr else Stream.STDOUT
        if data:
            ctx.logs.append(ATTEMPT, LogName.STDOUT, len(whole), data, [Piece(len(whole), stream, number)])
        whole += data
        final = number == len(printed)
        while found := list(chunks(ctx, REF, offset, max(block, 4), final=final)):  # type: ignore[arg-type]
            for chunk in found:
                assert chunk.offset == offset
                followed += content(chunk)
                offset += chunk_size(chunk)
    assert followed == whole


def test_each_chunk_tells_the_stream_that_wrote_it() -> None:
    ctx = OnlyLogs()
    ctx.logs.append(
        ATTEMPT, LogName.STDOUT, 0, b"outerr", [Piece(0, Stream.STDOUT, 5), Piece(3, Stream.STDERR, 6)]
    )

    found = list(chunks(ctx, REF, 0, 100, final=True))  # type: ignore[arg-type]

    assert [(one.offset, one.text, one.stream, one.time_ms) for one in found] == [
        (0, "out", Stream.STDOUT, 5),
        (3, "err", Stream.STDERR, 6),
    ]


def test_a_character_that_is_cut_off_waits_for_its_rest() -> None:
    ctx = OnlyLogs()
    euro = "€".encode()
    ctx.logs.append(ATTEMPT, LogName.STDOUT, 0, b"a" + euro[:2], [Piece(0, Stream.STDOUT, 0)])

    assert [one.text for one in chunks(ctx, REF, 0, 100, final=False)] == ["a"]  # type: ignore[arg-type]
    ctx.logs.append(ATTEMPT, LogName.STDOUT, 3, euro[2:], [])
    assert [one.text for one in chunks(ctx, REF, 1, 100, final=False)] == ["€"]  # type: ignore[arg-type]


def test_the_system_log_tells_what_the_platform_did(ctx: Context) -> None:
    job = submit(ctx)
    with ctx.db.read() as session:
        ref = logs.locate(session, job.id, LogName.SYSTEM)

    text = logs.read(ctx, ref, 0, 10_000).decode()

    assert text.startswith("2026-01-01T12:00:00.000Z [attempt 1] queued: asks for 1 CPU")
    assert text.endswith("\n")
    assert logs.size(ctx, ref) == len(text.encode())
    assert logs.end(ctx, ref) is None


def test_a_log_of_an_attempt_that_never_was_is_not_found(ctx: Context) -> None:
    job = submit(ctx)

    with ctx.db.read() as session:
        assert logs.locate(session, job.id, LogName.STDOUT).attempt_id == attempt_id(ctx, get(ctx, job))
        for job_id, attempt in ((job.id, 2), ("nobody", None)):
            with pytest.raises(NotFound):
                logs.locate(session, job_id, LogName.STDOUT, attempt)
