"""Secret values in bytes that are shown: each byte of them becomes a star, so that no offset moves."""

from collections.abc import Collection, Iterable, Iterator

#: Bytes below which a value is not masked: `1` or `true` would turn every log into stars.
SHORTEST = 8
#: Bytes of a value's beginning from which on it is masked at the end of what is known so far.
_TELLING = 4
_STAR = ord("*")


def maskable(values: Iterable[str]) -> list[bytes]:
    """The bytes to look for: each value that is long enough, as it is and without the space around it."""
    wanted = {form.encode() for value in values for form in (value, value.strip())}
    return sorted(one for one in wanted if len(one) >= SHORTEST)


def overlap(wanted: Collection[bytes]) -> int:
    """Bytes that have to be known on each side of a part, so that no value is cut by the part's edge."""
    return max((len(one) for one in wanted), default=1) - 1


def mask(data: bytes, wanted: Collection[bytes]) -> bytes:
    """The same number of bytes, with the values masked, and with them one that has only begun at the end."""
    masked = bytearray(data)
    for one in wanted:
        for start, length in _places(data, one):
            masked[start : start + length] = bytes([_STAR]) * length
    return bytes(masked)


def mask_text(text: str, wanted: Collection[bytes]) -> str:
    """The text with the values masked."""
    return mask(text.encode(errors="surrogatepass"), wanted).decode(errors="replace") if wanted else text


def mask_line(line: str, wanted: Collection[bytes]) -> str:
    """The same; where something is masked, the line is a text that knows no more what it says."""
    masked = mask_text(line, wanted)
    return line if masked == line else masked


def _places(data: bytes, value: bytes) -> Iterator[tuple[int, int]]:
    start = data.find(value)
    while start >= 0:
        yield start, len(value)
        start = data.find(value, start + 1)
    for length in range(min(len(value) - 1, len(data)), _TELLING - 1, -1):
        if data.endswith(value[:length]):
            yield len(data) - length, length
            return
