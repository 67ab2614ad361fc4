"""Server-sent events, parsed as the HTML standard says (section 9.2.6)."""

import re
from dataclasses import dataclass

#: Bytes, because `str.splitlines` would also split at characters that a script may print.
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class ServerEvent:
    """One event.

    Attributes:
        name: `message` if the server named none; `ping` for a comment, which shows that the line is alive.
        data: Its data lines, joined by newlines.
        id: What to send as `Last-Event-ID` to continue behind this event; None if there was none yet.
    """

    name: str
    data: str
    id: str | None


class EventParser:
    """Takes the bytes of a stream as they come, cut anywhere, and gives its events."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_return = False
        self._name = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that these bytes complete; what is incomplete when a stream breaks off never counts."""
        if self._after_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_return = False
        if not chunk:
            return []
        self._after_return = chunk.endswith(b"\r")
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        events = (self._line(line.decode(errors="replace")) for line in lines)
        return [event for event in events if event is not None]

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            return ServerEvent("ping", "", self._id)
        field, _, value = line.partition(":")
        self._field(field, value.removeprefix(" "))
        return None

    def _field(self, field: str, value: str) -> None:
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._id = value

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return ServerEvent(name, "\n".join(data), self._id) if data else None
