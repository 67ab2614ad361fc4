"""What one printed line says in numbers: names with values, and where in the training it stands.

Precise rather than complete: a line that only might mean something means nothing. Every pattern is tried at
one place, and can't look further than some hundred characters, so a line's time is linear in its length.
"""

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from torchyard.domain import line_prefixes, metric_names

#: Characters of a line that is looked at; longer ones are data, not reports.
MAX_LINE = 2_000
_MAX_NAME = 80

_NUM = r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|NaN|NAN|inf|Inf|INF|[Ii]nfinity)"
_WORD = r"[^\W\d][\w@/.\-']{0,59}"
_KEY = rf"(?P<key>{_WORD}(?: {_WORD}){{0,3}})"
_WRAP = r"(?P<wrap>(?:tensor|np\.float\d\d|float)\()?"
_SPLITS = r"train|training|val|valid|validation|test|testing|eval|evaluation|dev|训练|验证|测试"

#: Lines about code, not about results.
_CODE = re.compile(
    r"""\s*File ["']|[\w.]{0,80}(?:Error|Exception|Warning|Interrupt|Exit)\b(?:\(.{0,200}\))?:"""
)
_CODE_PLACE = re.compile(r"\.py:\d|Warning: ")
_ROW = re.compile(r"\s*[|│┃║].*[|│┃║]\s*$")

_PLACE = re.compile(
    r"(?:(?:train(?:ing)?|val(?:idation)?|eval(?:uation)?|test|global|current|starting)[ _])?"
    r"(?P<word>epoch|step|iteration|iter|batch|it)(?:\(\w{1,20}\))?\s*[:=#]?\s*(?P<open>[\[(])?\s*"
    r"(?P<done>\d{1,12}(?:\.\d{1,9})?)\s*(?:(?:/|of )\s*(?P<total>\d{1,12})\b)?\s*(?(open)[\])])"
    r"(?![\w/.-]|:\d)",
    re.IGNORECASE,
)
_PLACE_BEGINS = frozenset("esivbgcESIVBGCtT第")
_COUNT_BEGINS = frozenset("0123456789[(")
_CHINESE_PLACE = re.compile(
    r"第\s*(?P<done>\d{1,12})\s*(?:/\s*(?P<total>\d{1,12})\s*)?(?P<word>轮|步|个?\s?epoch)", re.IGNORECASE
)
_COUNT = re.compile(
    r"(?P<open>[\[(])?\s*(?P<done>\d{1,12})\s*/\s*(?P<total>\d{1,12})\s*(?:\(\s*\d{1,3}(?:\.\d+)?\s*%\s*\))?"
    r"\s*(?(open)[\])])(?![\w/.-])"
)
_FIRST = re.compile(r"\[\s*(?P<one>\d{1,9})\s*(?:,\s*(?P<two>\d{1,9})\s*)?\]")
_GLUED_UNIT = r"(?:(?!\w)|(?=(?:ns|us|µs|ms|s|m|min|h|B|[kKMGT]i?B?)(?:/s)?(?!\w)))"
_PAIR = re.compile(rf"{_KEY}(?P<sep>\s*[:=]\s*|\s+){_WRAP}(?P<num>{_NUM}){_GLUED_UNIT}")
_RATIO = re.compile(r"/\d{1,12} ?\(\s*(?P<num>\d{1,3}(?:\.\d{1,9})?)\s*%\s*\)")
_WRAP_END = re.compile(r"(?:,[^()]{0,80})?\)")
_PERCENT = re.compile(r" ?%")
_UNIT = re.compile(
    r" ?(?:[kKMGT]i?B?|B|ns|us|µs|ms|s|secs?|seconds?|min|mins|minutes?|h|hours?|days?|it/s|s/it|"
    r"\w{1,12}/(?:s|sec)|℃|°C)"
    r"(?![\w])"
)
_AVERAGE = re.compile(rf"\s*\(\s*{_NUM}\s*%?\s*\)")
_END = re.compile(r"$|[\s;|)\]}•·]|\.(?:\s|$)|,(?!\s*[-+]?\.?\d)")
_SPLIT = re.compile(rf"(?P<key>{_SPLITS})(?P<end>\s*[\]):]|\s+[-\u2013|])", re.IGNORECASE)
_SECTION = re.compile(rf"(?P<key>{_WORD}(?: {_WORD}){{0,2}})\s*[:]\s+(?=\D)")
_DELIMITER = re.compile(r"[,;|()\[\]{}•·\u2014\u2013\t]+|\s{2,}|\s-+\s")
_SPACE = re.compile(r"\s")
_TOKEN = re.compile(r"[^\s,;|()\[\]{}]{1,200}")
_BEGINS_AS_WORD = re.compile(r"-{0,2}[^\W\d]|[/\\\"'<]")

_DICT_ENTRY = re.compile(
    rf"""(?P<quote>['"])(?P<key>[^'"{{}}\\]{{1,80}})(?P=quote)\s{{0,8}}:\s{{0,8}}['"]?{_WRAP}(?P<num>{_NUM})(?P<pc>%)?"""
    r"""(?(wrap)(?:,[^(){}]{0,80})?\))['"]?\s{0,8}(?=[,}]|$)"""
)
_INNER = re.compile(r"\{[^{}]*\}")

_BAR = re.compile(
    r"\s*(?P<percent>\d{1,3})%\|[^|]{0,400}\|\s*(?P<done>\d{1,12}(?:\.\d{1,9})?)(?P<unit>[kMGT]?)/"
    r"(?P<total>\d{1,12}(?:\.\d{1,9})?)(?P<total_unit>[kMGT]?)\s*"
    r"\[(?P<spent>[\d:]{1,12})<(?P<left>[\d:]{1,12}|\?)(?:,\s*(?P<rate>[^,\]]{0,60}))?"
)
_BLOCKS = re.compile(
    r"\s*(?P<done>\d{1,12})/(?P<total>\d{1,12})\s+\[?(?=[━=>.╸╺─\-]{3})[━=>.╸╺─\- ]{3,200}\]?\s*(?:-\s)?\s*"
    r"(?P<eta>ETA:\s*)?(?P<left>(?:\d{1,4}:){0,2}\d{1,6})?s?(?P<rate>\s+\d{1,6}[mµun]?s/step)?"
)
_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


class Number(NamedTuple):
    """A name and its value; nan and inf are values too."""

    name: str
    value: float
    percent: bool = False


class Count(NamedTuple):
    """So many of so many, if that was said."""

    done: float
    total: float | None = None


class Bar(NamedTuple):
    """A progress bar: its label, how far it is, and the seconds that it says are left."""

    label: str
    done: float
    total: float
    seconds_left: float | None


@dataclass(frozen=True)
class Line:
    """What a line says."""

    numbers: list[Number] = field(default_factory=list)
    epoch: Count | None = None
    #: A step of the whole training.
    step: float | None = None
    #: A step of the epoch, or of whatever goes on.
    batch: Count | None = None
    bar: Bar | None = None


def read_line(text: str) -> Line | None:
    """What a line says; None if that is nothing.

    Args:
        text: The line, without its end.
    """
    if len(text) > MAX_LINE:
        return None
    text = line_prefixes.bare(text)
    if _CODE.match(text) or _CODE_PLACE.search(text):
        return None
    line = _bar(text) or _blocks(text)
    if line is None and _ROW.match(text):
        return None
    if line is None:
        line = _dictionary(text) or _report(text)
    said = line.numbers or line.epoch or line.step is not None or line.batch or line.bar
    return line if said else None


def _seconds(told: str | None) -> float | None:
    """`12`, `01:12` or `1:02:03` in seconds."""
    if not told or "?" in told or not all(told.split(":")):
        return None
    seconds = 0.0
    for part in told.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


def _bar(text: str) -> Line | None:
    """A bar of tqdm, with its label and what stands behind it."""
    percent = text.find("%|")
    if percent < 0:
        return None
    label = text[:percent].rstrip("0123456789")
    found = _BAR.match(text, len(label))
    if found is None:
        return None
    rate = found["rate"] or ""
    if rate.endswith("B/s"):  # a download
        return Line()
    done = float(found["done"]) * _SCALES[found["unit"]]
    total = float(found["total"]) * _SCALES[found["total_unit"]]
    before, behind = _Scan(label.rstrip(": ")).run(), _Scan(text[found.end() :].replace("]", " ", 1)).run()
    bar = Bar(_label(label), done, total, _seconds(found["left"])) if total and done <= total else None
    return Line(
        numbers=[*before.numbers(firm=True), *behind.numbers(firm=True)],
        epoch=before.epoch,
        batch=Count(done, total),
        bar=bar,
    )


def _label(label: str) -> str:
    """A bar's label without what changes in it."""
    return re.sub(r"[\d.]+(?:e-?\d+)?", "", label).strip(" :,")[:60]


def _blocks(text: str) -> Line | None:
    """A bar of Keras, or of Lightning's rich one, which has its epoch before it."""
    rest, epoch = text, None
    place = _PLACE.match(text)
    if place and place["word"].lower() == "epoch":
        epoch, rest = _count(place), text[place.end() :].lstrip("━╸╺─ ")
    found = _BLOCKS.match(rest)
    if found and not place:
        done, total = float(found["done"]), float(found["total"])
        left = 0.0 if done >= total else _seconds(found["left"]) if found["rate"] or found["eta"] else None
        scan = _Scan(rest[found.end() :]).run()
        bar = Bar("", done, total, left) if total > 0 and done <= total else None
        return Line(numbers=scan.numbers(firm=True), epoch=None, batch=Count(done, total), bar=bar)
    if epoch is None or "━" not in text or not (count := _COUNT.match(rest)):
        return None
    scan = _Scan(rest[count.end() :]).run()
    batch = _count(count)
    bar = Bar("", batch.done, batch.total, None) if batch.total else None
    return Line(numbers=scan.numbers(firm=True), epoch=epoch, batch=batch, bar=bar)


def _dictionary(text: str) -> Line | None:
    """A Python dict or a JSON object, with or without words before it; what is nested is left out."""
    start = text.find("{")
    if start < 0 or not text.endswith("}"):
        return None
    before = _Scan(text[:start].rstrip(": =")).run()
    inner = text[start + 1 : -1]
    for _ in range(3):
        if "{" in inner:
            inner = _INNER.sub("~", inner)
    numbers: list[Number] = []
    epoch, step = before.epoch, before.step
    for found in _DICT_ENTRY.finditer(inner):
        key, value = found["key"].strip(), float(found["num"])
        if key.lower() == "epoch":
            epoch = Count(value) if math.isfinite(value) else epoch
        elif key.lower() in {"step", "global_step", "iter", "iteration"}:
            step = value if math.isfinite(value) else step
        elif metric_names.is_wanted(key):
            numbers.append(Number(key[:_MAX_NAME], value, bool(found["pc"])))
    return Line(numbers=numbers, epoch=epoch, step=step, batch=before.batch) if numbers else None


def _report(text: str) -> Line:
    scan = _Scan(text).run()
    numbers = scan.numbers(firm=False)
    # Without any number beside it, `3/10` may count anything.
    batch = scan.batch if numbers or scan.epoch else None
    return Line(numbers=numbers, epoch=scan.epoch, step=scan.step, batch=batch)


def _count(found: re.Match[str]) -> Count:
    total = found["total"]
    return Count(float(found["done"]), float(total) if total else None)


class _Scan:
    """Goes through a line once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        #: Whether a name may begin here: not in the middle of a sentence.
        self._fresh = True
        self._prose = False
        self._section = ""
        self._firm: list[Number] = []
        self._loose: list[Number] = []
        self._found: list[Number] = []
        self.epoch: Count | None = None
        self.step: float | None = None
        self.batch: Count | None = None

    def run(self) -> "_Scan":
        """Look at all of it."""
        text = self._text
        while self._at < len(text):
            first = text[self._at]
            # What may begin with this character, the likeliest first.
            if first.isalpha() or first == "_":
                found = (first in _PLACE_BEGINS and self._place()) or self._named() or self._divided()
            elif first in _COUNT_BEGINS:
                found = self._counted() or bool(self._take(_DELIMITER))
            else:
                found = bool(self._take(_DELIMITER))
            if not found:
                self._skip()
        return self

    def numbers(self, *, firm: bool) -> list[Number]:
        """What was found; `name 0.43` counts only in a line that holds nothing but such pairs."""
        if not self._loose:
            return self._found
        placed = self.epoch or self.step is not None or self.batch
        alike = not self._prose and (placed or any(metric_names.is_metric(one.name) for one in self._loose))
        return self._found if alike and not firm else self._firm

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at, self._fresh = found.end(), True
        return found

    def _place(self) -> bool:
        """`Epoch 3/10`, `step: 100`, `第 3 轮`."""
        found = self._take(_PLACE) or self._take(_CHINESE_PLACE)
        if found is None:
            return False
        word, count = found["word"].lower(), _count(found)
        if "epoch" in word or word == "轮":
            self.epoch = self.epoch or count
        elif count.total is not None or word == "batch":
            self.batch = self.batch or count
        elif self.step is None:
            self.step = count.done
        if self._text[self._at : self._at + 1] == ":":
            self._at += 1
        return True

    def _counted(self) -> bool:
        """`[640/60000 (1%)]`; at the beginning also `[100]` and, of an epoch, `[1, 2000]`."""
        if self._at == 0 and (found := self._take(_FIRST)):
            if found["two"] is None:
                self.step = float(found["one"])
            else:
                self.epoch, self.batch = Count(float(found["one"])), Count(float(found["two"]))
            return True
        if not self._fresh or not (found := self._take(_COUNT)):
            return False
        self.batch = self.batch or _count(found)
        return True

    def _named(self) -> bool:
        """`loss: 0.43`, or `loss 0.43` perhaps."""
        if not self._fresh:
            return False
        start = self._at
        found = self._take(_PAIR)
        if found is None:
            return False
        self._value(found, start)
        return True

    def _value(self, found: re.Match[str], start: int) -> None:
        """Take in a name with its number, if nothing speaks against it."""
        told, percent = found["num"], False
        if found["wrap"]:
            self._take(_WRAP_END)
        elif ratio := self._take(_RATIO):
            told, percent = ratio["num"], True
        elif self._take(_PERCENT):
            percent = True
        elif unit := _UNIT.match(self._text, self._at):
            self._at = unit.end()
            return
        self._take(_AVERAGE)
        if not _END.match(self._text, self._at) or not self._sound(found, start):
            self._skip_token()
            return
        name = self._name(found["key"])
        if name and metric_names.is_wanted(found["key"]):
            number = Number(name, float(told), percent)
            self._found.append(number)
            (self._firm if found["sep"].strip() else self._loose).append(number)

    def _sound(self, found: re.Match[str], start: int) -> bool:
        """Not `cuda:0` or `host:8080`, nor a part of a path or an option."""
        before = self._text[start - 1 : start]
        glued = found["sep"] == ":" and not re.search(r"[.eE]", found["num"])
        return not glued and (not before or not (before.isalnum() or before in "/\\-_.?&=<"))

    def _name(self, key: str) -> str:
        name = metric_names.bare(key)
        if self._section and not name.lower().startswith(self._section.lower()):
            name = f"{self._section} {name}"
        return name[:_MAX_NAME]

    def _divided(self) -> bool:
        """`Test set:` and `[val]` belong to the names that follow."""
        if self._fresh and (found := self._take(_SPLIT) or self._take(_SECTION)):
            self._section = found["key"]
            return True
        return False

    def _skip(self) -> None:
        if _SPACE.match(self._text, self._at):
            self._at += 1
        else:
            self._skip_token()

    def _skip_token(self) -> None:
        """Pass over what is no report; a word means that a sentence goes on."""
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            self._at += 1
        elif _BEGINS_AS_WORD.match(found[0]):
            self._prose, self._fresh, self._at = True, False, found.end()
        else:
            self._at = found.end()
