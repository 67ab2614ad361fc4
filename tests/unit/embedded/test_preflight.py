"""What is checked before anything starts: each refusal is one sentence that tells what to do."""

import os
import socket
from pathlib import Path

import pytest

from torchyard.embedded.preflight import claimed
from torchyard.errors import StartRefused
from torchyard.listening import usable_port


def test_a_new_home_is_ours_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / "deep" / "home"):
        assert (tmp_path / "deep" / "home").stat().st_mode & 0o777 == 0o700


def test_a_home_in_use_is_refused_with_the_process(tmp_path: Path) -> None:
    refused = pytest.raises(StartRefused, match=f"process {os.getpid()}.*TORCHYARD_HOME")
    with claimed(tmp_path), refused, claimed(tmp_path):
        pass


def test_a_home_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed(tmp_path):
            pass


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartRefused, match="can't be written"), claimed(tmp_path / "file" / "home"):
        pass


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartRefused, match="can't be written"), claimed(tmp_path / "file"):
        pass


def test_what_goes_wrong_inside_is_not_taken_for_the_home_s_fault(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), claimed(tmp_path):
        raise PermissionError(13, "something else")


def test_a_port_in_use_is_refused_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StartRefused, match=f"port {port} .*in use.*TORCHYARD_PORT"):
            usable_port("127.0.0.1", port)


def test_port_0_becomes_a_free_one() -> None:
    assert usable_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(StartRefused, match="TORCHYARD_HOST"):
        usable_port(host, 0)
