"""YAML as our files use it: read with the place of every value, written so that it reads back the same.

What YAML has beyond plain data is refused: anchors, aliases, tags, keys that are there twice, a second
document. A value without quotes is a number, true, false or null only if it looks like one in JSON or, for
null, is left out: `no`, `on`, `007` and `2026-01-31` are texts, whatever other readers make of them. What
another reader could take for something else is written in quotes.
"""

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import JsonValue
from yaml.events import AliasEvent, Event, ScalarEvent, SequenceStartEvent
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from torchyard.errors import WorkflowFileInvalid

#: Levels of lists and mappings in a file.
MAX_DEPTH = 20
#: Values in a file, keys included; the largest graphs have half as many.
MAX_VALUES = 200_000
#: Columns after which a list or mapping on one line is broken.
_WIDTH = 100
#: Digits of a number that Python reads and writes.
_MAX_DIGITS = 4_300

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"null", "Null", "NULL", "~"})
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
#: What readers of YAML 1.1, 1.2 or JSON may take for a number, a time, or some other kind of value.
_LIKE_A_VALUE = re.compile(
    r"[-+]?\.?[0-9][-+.:_0-9A-Za-z ]*|[-+]?\.(inf|nan)|~|=|<<|null|true|false|yes|no|on|off|y|n",
    re.IGNORECASE,
)
_NOT_YAML = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
#: Text whose every character stands for itself in a block.
_BLOCK = re.compile(
    "[\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]*"
)


@dataclass(frozen=True)
class Place:
    """A place in a file; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Leaf:
    """A text, number, yes or no, or nothing."""

    place: Place
    text: str
    #: Whether it stands there without quotes, so that it may be something else than text.
    plain: bool

    def value(self) -> bool | int | float | str | None:
        """What it is by its looks."""
        if not self.plain:
            return self.text
        if not self.text or self.text in _NULLS:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        return self._number()

    def literal(self) -> str | None:
        """Its text as it was written, where only text makes sense; None if it says null."""
        return None if self.plain and self.text in _NULLS else self.text

    def _number(self) -> int | float | str:
        if _INTEGER.fullmatch(self.text) and len(self.text) <= _MAX_DIGITS:
            return int(self.text)
        if _NUMBER.fullmatch(self.text) and math.isfinite(float(self.text)):
            return float(self.text)
        return self.text


@dataclass(frozen=True)
class Items:
    """A list."""

    place: Place
    items: tuple["Value", ...]


@dataclass(frozen=True)
class Fields:
    """A mapping, with the places of its keys."""

    place: Place
    fields: Mapping[str, "Value"]
    keys: Mapping[str, Place]


Value = Leaf | Items | Fields


def invalid(place: Place | None, what: str, hint: str | None = None) -> WorkflowFileInvalid:
    """The refusal of a file for what stands at a place."""
    if place is None:
        return WorkflowFileInvalid(what, hint=hint)
    where = f"line {place.line}, column {place.column}"
    return WorkflowFileInvalid(f"{where}: {what}", hint=hint, line=place.line, column=place.column)


def read(data: bytes) -> Value:
    """The file's one document.

    Raises:
        WorkflowFileInvalid: With `line` and `column`, wherever one is to blame.
    """
    text = _decoded(data)
    try:
        return _Reader(text).document()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        raise invalid(place, f"this is no YAML: {problem.problem or problem.context}") from None
    except yaml.YAMLError as problem:
        raise invalid(None, f"this is no YAML: {problem}") from None


def plain(value: Value) -> JsonValue:
    """The value as JSON, every part of it by its looks."""
    if isinstance(value, Leaf):
        return value.value()
    if isinstance(value, Items):
        return [plain(item) for item in value.items]
    return {key: plain(item) for key, item in value.fields.items()}


def _decoded(data: bytes) -> str:
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as problem:
        text = problem.object[: problem.start].decode(errors="replace")
        raise invalid(_place_at(text, len(text)), "this is not UTF-8") from None
    wrong = _NOT_YAML.search(text)
    if wrong:
        what = (
            f"the character U+{ord(wrong[0]):04X} may not stand here; in double quotes, write it as an escape"
        )
        raise invalid(_place_at(text, wrong.start()), what)
    return text


def _place_at(text: str, at: int) -> Place:
    return Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


class _Reader:
    """Makes values of the parser's events; these come one by one, so that nothing hostile is read on."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Event] = yaml.parse(text, Loader=_LOADER)
        self._left = MAX_VALUES

    def document(self) -> Value:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise invalid(None, "the file is empty")
        value = self._value(next(self._events), 1)
        next(self._events)  # the document's end
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise invalid(_place(more), "a second document begins here; a file holds one")
        return value

    def _value(self, event: Event, depth: int) -> Value:
        place = _place(event)
        if isinstance(event, AliasEvent):
            raise invalid(place, "aliases (*name) are not allowed; write the value out")
        if getattr(event, "anchor", None) is not None:
            raise invalid(place, "anchors (&name) are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise invalid(place, "tags (!name) are not allowed")
        self._left -= 1
        if self._left < 0:
            raise invalid(place, f"a file holds at most {MAX_VALUES} values")
        if isinstance(event, ScalarEvent):
            return Leaf(place, event.value, plain=not event.style)
        if depth >= MAX_DEPTH:
            raise invalid(place, f"nothing may be nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, SequenceStartEvent):
            return Items(place, tuple(self._items(depth)))
        return self._fields(place, depth)

    def _items(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, depth + 1)

    def _fields(self, place: Place, depth: int) -> Fields:
        fields: dict[str, Value] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, Leaf):
                raise invalid(key.place, "a key has to be a text")
            if key.text in fields:
                first = f"the first one is on line {keys[key.text].line}"
                raise invalid(key.place, f"{key.text[:80]!r} is there twice; {first}")
            keys[key.text] = key.place
            fields[key.text] = self._value(next(self._events), depth + 1)
        return Fields(place, fields, keys)


def _place(event: Event) -> Place:
    mark: Any = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


class OneLine(dict[str, Any]):
    """A mapping to be written on one line, if that is not too long."""


class OneLineList(list[Any]):
    """A list to be written on one line, if that is not too long."""


def write(value: Mapping[str, Any]) -> str:
    """The value as a YAML document, in the order of its keys; `read` gives the same."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=_WIDTH
    )
    return text


def is_block(text: str) -> bool:
    """Whether the text can stand in a file as it is, line by line."""
    return bool(text.strip("\n")) and _BLOCK.fullmatch(text) is not None


class _Dumper(yaml.SafeDumper):
    """Writes texts as people would: never folded, and in blocks wherever that keeps every character."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists are indented below their key.
        super().increase_indent(flow, False)

    def analyze_scalar(self, scalar: str) -> Any:
        found = super().analyze_scalar(scalar)
        found.allow_block = is_block(scalar)
        return found

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        # Line breaks in single quotes are hard to read, and some kinds of them are lost.
        found = self.analysis
        return '"' if style == "'" and found is not None and found.multiline else style

    def determine_block_hints(self, text: str) -> str:
        hints: str = super().determine_block_hints(text)
        # Readers look for the indentation in the first line, and refuse a tab there.
        return f"{self.best_indent}{hints}" if text.startswith("\t") else hints

    def write_plain(self, text: str, split: bool = True) -> None:
        super().write_plain(text, False)

    def write_single_quoted(self, text: str, split: bool = True) -> None:
        super().write_single_quoted(text, False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        super().write_double_quoted(text, False)


def _text(dumper: _Dumper, text: str) -> ScalarNode:
    style = "|" if "\n" in text else "'" if _LIKE_A_VALUE.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _one_line(dumper: _Dumper, fields: OneLine) -> MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", fields, flow_style=True)


def _one_line_list(dumper: _Dumper, items: OneLineList) -> SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


_REPRESENTERS: tuple[tuple[type, Any], ...] = (
    (str, _text),
    (OneLine, _one_line),
    (OneLineList, _one_line_list),
)
for _kind, _representer in _REPRESENTERS:
    _Dumper.add_representer(_kind, _representer)
