"""What of a job's files a browser may show, and as what; never what could act on our own origin."""

from pathlib import PurePosixPath

#: Bytes of a file's beginning that tell whether it is the picture its name promises.
HEAD_BYTES = 16
_TEXT = "text/plain; charset=utf-8"
_TEXTS = frozenset(
    {".c", ".cfg", ".conf", ".cpp", ".css", ".csv", ".cu", ".h", ".ini", ".ipynb", ".js", ".json", ".jsonl"}
    | {".log", ".md", ".ndjson", ".py", ".r", ".rst", ".sh", ".sql", ".toml", ".ts", ".tsv", ".txt"}
    | {".yaml", ".yml"}
)
_PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def has_preview(path: str) -> bool:
    """Whether a file of this name can be shown: a text, or a picture. Pages and SVG can't: they hold code."""
    suffix = _suffix(path)
    return suffix in _TEXTS or suffix in _PICTURES


def shown_as(path: str, head: bytes) -> str | None:
    """The media type under which a file is shown; None for what is only downloaded.

    Args:
        path: Its path; a text is shown as plain text, whatever it holds.
        head: Its first `HEAD_BYTES`; a picture's have to be those of its kind.
    """
    suffix = _suffix(path)
    if suffix in _TEXTS:
        return _TEXT
    picture = _picture(head)
    return picture if picture is not None and picture == _PICTURES.get(suffix) else None


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _picture(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None
