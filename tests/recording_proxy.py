"""What a client sends to a server, written down on its way."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_REQUEST = re.compile(rb"(?P<method>[A-Z]+) (?P<path>/\S*) HTTP/1\.1\r\n(?P<headers>(?:[^\r\n]+\r\n)*)\r\n")
_LENGTH = re.compile(rb"^content-length: (\d+)\r$", re.MULTILINE | re.IGNORECASE)


class RecordingProxy:
    """A TCP proxy in threads; a context manager."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._sent: list[bytearray] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def requests(self) -> list[tuple[str, str, int]]:
        """Method, path and bytes of the body of each request since this was last asked."""
        streams, self._sent = self._sent, []
        return [request for stream in streams for request in _requests(bytes(stream))]

    def serve(self) -> None:
        """Accept until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                sent = bytearray()
                self._sent.append(sent)
                threading.Thread(target=_connect, args=(client, server, sent), daemon=True).start()

    def close(self) -> None:
        """Accept nothing more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def recording(port: int) -> Iterator[RecordingProxy]:
    """A proxy before the server on this port of 127.0.0.1."""
    proxy = RecordingProxy(port)
    accepting = threading.Thread(target=proxy.serve)
    accepting.start()
    try:
        yield proxy
    finally:
        proxy.close()
        accepting.join()


def _connect(client: socket.socket, server: socket.socket, sent: bytearray) -> None:
    with client, server:
        answers = threading.Thread(target=_pump, args=(server, client, bytearray()), daemon=True)
        answers.start()
        _pump(client, server, sent)
        answers.join()


def _pump(source: socket.socket, target: socket.socket, record: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            record += data
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _requests(stream: bytes) -> Iterator[tuple[str, str, int]]:
    at = 0
    while (found := _REQUEST.match(stream, at)) is not None:
        length = _LENGTH.search(found["headers"])
        size = int(length[1]) if length else 0
        yield found["method"].decode(), found["path"].decode(), size
        at = found.end() + size
    assert at == len(stream), stream[at : at + 200]
