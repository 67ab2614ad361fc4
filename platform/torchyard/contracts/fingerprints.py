"""What lies at a path in S3 or COS, as one short text: the same for as long as no object there changes.

It is made of names, sizes and ETags, never of times: an object that was uploaded again with the same content
is the same. Platform and worker make it in the same way: one before a node starts, the other of what it got.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

#: Objects of a directory that are looked at, at most: ten requests.
MAX_OBJECTS = 10_000


class Seen(NamedTuple):
    """An object of a directory."""

    #: Its key without the directory's.
    name: str
    etag: str
    size: int


def of_file(etag: str, size: int) -> str:
    """Of one object."""
    tag = etag.strip('"')
    return f"{size} bytes, ETag {tag}"


def of_directory(objects: Iterable[Seen]) -> str:
    """Of all objects below a prefix, in whichever order."""
    listed = sorted(map(_entry, objects))
    text = json.dumps(listed, separators=(",", ":"))
    return f"{len(listed)} objects, {hashlib.sha256(text.encode()).hexdigest()}"


def _entry(seen: Seen) -> Seen:
    # S3 has no directories: an object whose key ends with a slash is how consoles make an empty one.
    if seen.name == "" or seen.name.endswith("/"):
        return Seen(seen.name, "", 0)
    return Seen(seen.name, seen.etag.strip('"'), seen.size)
