"""Uploads over a line that breaks: a real platform, and what the client really sends."""

import hashlib
from pathlib import Path

from tests.cutting_proxy import CuttingProxy
from tests.stack import Stack

from torchyard.client import Client
from torchyard.client.uploading import RESUMED_FROM_BYTES, Progress

MIB = 1024 * 1024


def test_an_upload_goes_on_where_the_line_broke(stack: Stack, tmp_path: Path) -> None:
    content = hashlib.shake_256(b"a large file").digest(RESUMED_FROM_BYTES + 8 * MIB)
    file, sha256 = tmp_path / "rows.bin", hashlib.sha256(content).hexdigest()
    file.write_bytes(content)
    told: list[Progress] = []
    with CuttingProxy(stack.url, cuts=[5 * MIB, 6 * MIB]) as proxy, Client(proxy.url, stack.token) as client:
        client.workers()  # it is known to answer
        job = client.submit(
            b"print(open('inputs/data/rows.bin', 'rb').read(4))",
            inputs={"data": [file]},
            on_progress=told.append,
        )
        assert client.wait(job.id).state == "succeeded"
    with stack.api() as api:
        assert hashlib.sha256(api.get(f"/blobs/{sha256}").content).hexdigest() == sha256
    # What was on the way when the line broke is lost, and nothing else is sent again.
    assert proxy.forwarded < len(content) + 4 * MIB
    assert proxy.cuts == []
    assert told[-1].sent == len(content)
