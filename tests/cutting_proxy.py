"""A proxy that cuts connections after so many bytes, as a bad line does."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

_BLOCK = 64 * 1024


class CuttingProxy:
    """Forwards TCP to a server.

    Attributes:
        cuts: After how many bytes towards the server the next connections that send more are cut.
        forwarded: Bytes that went to the server so far.
    """

    def __init__(self, url: str, cuts: list[int]) -> None:
        there = urlsplit(url)
        self._server = (there.hostname or "", there.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.cuts = cuts
        self.forwarded = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "CuttingProxy":
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._open):  # a browser keeps its connections for later
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _begin(self, what: Callable[..., None], *given: socket.socket) -> None:
        thread = threading.Thread(target=what, args=given)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                self._begin(self._forward, client, server)
                self._begin(_copy, server, client)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        sent = 0
        with suppress(OSError):
            while block := client.recv(_BLOCK):
                with self._lock:
                    cut = bool(self.cuts) and sent + len(block) > self.cuts[0]
                    block = block[: self.cuts.pop(0) - sent] if cut else block
                    self.forwarded += len(block)
                sent += len(block)
                server.sendall(block)
                if cut:
                    break
        for end in (server, client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
