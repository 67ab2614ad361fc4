"""What loggers put before a line: times, levels, ranks; and the colours in it."""

import re

#: Chinese punctuation as the patterns have it.
_HALF_WIDTH = {0xFF1A: ":", 0xFF0C: ",", 0xFF1B: ";", 0x3001: ",", 0xFF08: "(", 0xFF09: ")"}
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,30}[A-Za-z]")
_DATE = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[\s:,|-]*"
)
_PREFIXES = (
    re.compile(r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?[\s:|-]+"),
    re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9}\s+\d+ [\w./]{1,80}:\d+\]\s*"),
    re.compile(r"\[?(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b\]?(?::[\w.]{1,60}:)?[\s:|-]*"),
    re.compile(r"\[?(?:default|rank|Rank )\d{1,5}\]?:\s*"),
)
_LOGGER = re.compile(r"[A-Za-z_][\w.]{0,60} - ")


def bare(text: str) -> str:
    """The text without colours and what a logger puts before it."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.translate(_HALF_WIDTH).strip()
    dated = _DATE.match(text)
    if dated:
        text = text[dated.end() :]
        if named := _LOGGER.match(text):
            text = text[named.end() :]
    for _ in range(2):
        for prefix in _PREFIXES:
            if found := prefix.match(text):
                text = text[found.end() :]
    return text
