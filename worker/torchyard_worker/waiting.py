"""Waiting for descriptors, without the limit that `select` has on their numbers."""

import select


def readable(*handles: int, seconds: float | None = None) -> set[int]:
    """Those that can be read, as soon as one can; empty if none could within `seconds`."""
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    return {handle for handle, _ in poll.poll(None if seconds is None else max(0.0, seconds) * 1000)}
