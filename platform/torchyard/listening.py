"""Taking a port; each refusal is one sentence that says what to do."""

import errno
import socket

from torchyard.errors import StartRefused


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; for port 0, on one that is free.

    Raises:
        StartRefused: The port is in use or not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as problem:
        raise StartRefused(
            f"{host} is no address of this machine ({problem.strerror}); set TORCHYARD_HOST"
        ) from problem
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as problem:
        listener.close()
        raise _refusal(host, port, problem) from problem
    return listener


def usable_port(host: str, port: int) -> int:
    """`port`, if it can be listened on; for 0, one that can.

    Raises:
        StartRefused: As `listen`.
    """
    with listen(host, port) as trial:
        return int(trial.getsockname()[1])


def _refusal(host: str, port: int, problem: OSError) -> StartRefused:
    match problem.errno:
        case errno.EADDRINUSE:
            return StartRefused(
                f"port {port} of {host} is in use; stop what uses it, or set TORCHYARD_PORT to a free one"
            )
        case errno.EACCES:
            return StartRefused(
                f"this user may not listen on port {port}; set TORCHYARD_PORT to one above 1023"
            )
        case errno.EADDRNOTAVAIL:
            return StartRefused(f"{host} is no address of this machine; set TORCHYARD_HOST")
        case _:
            return StartRefused(f"port {port} of {host} can't be listened on: {problem.strerror}")
