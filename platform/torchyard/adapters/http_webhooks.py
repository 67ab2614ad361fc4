"""`Webhooks` over HTTP, for addresses that users name: none may lead to what only the platform can reach.

A name is resolved once, its addresses are judged, and the connection goes to one of just these: a name that
resolves to something else a moment later gains nothing. Redirects are not followed, and no proxy is used, as
it would resolve the name by itself.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore
import httpx

from torchyard import __version__
from torchyard.contracts.notifications import MAX_ANSWER_BYTES
from torchyard.contracts.sayings import say
from torchyard.errors import Forbidden, Unavailable
from torchyard.ports import WebhookAnswer

#: Seconds for everything: resolving, connecting, sending, and reading the answer.
_DEADLINE = 10.0
_CONNECT = 5.0
_AGENT = f"torchyard/{__version__}"
#: Where clouds tell machines their credentials, outside of the link-local range.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class HttpWebhooks:
    """Posts to http and https URLs; each message over a connection of its own."""

    def __init__(self, *, allow_loopback: bool = False, deadline: float = _DEADLINE) -> None:
        """Send nothing yet.

        Args:
            allow_loopback: Whether messages may go to this very machine.
            deadline: Seconds that a message and its answer may take together.
        """
        self._allow_loopback = allow_loopback
        self._deadline = deadline
        self._tls = httpx.create_ssl_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """The answer to one message; see `ports.Webhooks`.

        Raises:
            Forbidden: `webhook_address_refused`.
            Unavailable: `webhook_unreachable`.
        """
        until = time.monotonic() + self._deadline
        backend = _GuardedBackend(until, allow_loopback=self._allow_loopback)
        try:
            target = httpx.URL(url)
            request = httpcore.URL(
                scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
            )
            sent = [("User-Agent", _AGENT), *headers.items()]
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
                pool.stream("POST", request, headers=sent, content=body) as answer,
            ):
                return WebhookAnswer(answer.status, _beginning(answer.iter_stream()))
        except (httpcore.TimeoutException, TimeoutError) as problem:
            raise _unreachable(f"it did not answer within {self._deadline:g} seconds") from problem
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as problem:
            raise _unreachable(str(problem).strip() or type(problem).__name__) from problem
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, UnicodeError, ValueError) as problem:
            raise _unreachable(f"the URL can't be used ({problem})") from problem


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to allowed addresses alone, and to nothing once the time is up."""

    def __init__(self, until: float, *, allow_loopback: bool) -> None:
        self._until = until
        self._allow_loopback = allow_loopback
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        for address in addresses:
            if not allowed(address, allow_loopback=self._allow_loopback):
                raise Forbidden(
                    f"{host} leads to {address}, an address that webhooks may not reach",
                    code="webhook_address_refused",
                    hint=say("hint_webhook_address"),
                )
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port, local_address, socket_options)
        return self._connect(addresses[-1], port, local_address, socket_options)

    def _connect(
        self, address: _Address, port: int, local: str | None, options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        timeout = min(_CONNECT, _left(self._until))
        stream = self._plain.connect_tcp(str(address), port, timeout, local, options)
        return _TimedStream(stream, self._until)


class _TimedStream(httpcore.NetworkStream):
    """A connection of which all reads and writes together end in time, however slowly bytes drip in."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, _left(self._until)), self._until
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def allowed(address: _Address, *, allow_loopback: bool = False) -> bool:
    """Whether a webhook may go there: private networks, yes; this machine and the cloud's metadata, no."""
    address = _meant(address)
    if address.is_loopback:
        return allow_loopback
    in_this_network = isinstance(address, ipaddress.IPv4Address) and address in _THIS_NETWORK
    refused = (
        address.is_link_local,
        address.is_unspecified,
        address.is_multicast,
        in_this_network,
        address in _METADATA,
        str(address) == "255.255.255.255",
    )
    return not any(refused)


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _addresses(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise _unreachable(f"the name {host!r} can't be resolved") from problem
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _beginning(chunks: Iterable[bytes]) -> bytes:
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) >= MAX_ANSWER_BYTES:
            break
    return read[:MAX_ANSWER_BYTES]


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _unreachable(why: str) -> Unavailable:
    return Unavailable(f"the webhook could not be reached: {why}", code="webhook_unreachable")
