"""Reads scalars from TensorBoard event files: paths as JSON on stdin, their series as JSON on stdout.

Run by a runtime's interpreter, for TensorBoard's reader that it has. The files are whatever a script made of
them: memory, time and what is kept of them have limits.
"""

from __future__ import annotations

import json
import math
import os
import resource
import stat
import sys
from collections.abc import Iterable
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

#: Bytes of memory, and seconds of a core.
_MEMORY, _SECONDS = 2 * 1024**3, 45
#: Bytes of all files, series, points of one, characters of a name.
_MAX_BYTES, _MAX_SERIES, _MAX_POINTS, _MAX_NAME = 512 * 1024**2, 50, 10_000, 200
#: Bytes of the largest number.
_SCALAR_BYTES = 16


class Curve:
    """The points of one tag; of too many, the low and the high of each few."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float, float]] = []
        self.total = 0

    def add(self, step: float, value: float, time: float) -> None:
        """Take in a point; what was written again after a restart from a checkpoint counts."""
        while self.points and self.points[-1][0] >= step:
            self.points.pop()
        self.points.append((step, value, time))
        self.total += 1
        if len(self.points) > _MAX_POINTS:
            self.points = [point for at in range(0, len(self.points), 4) for point in self._ends(at)]

    def _ends(self, at: int) -> list[tuple[float, float, float]]:
        some = [point for point in self.points[at : at + 4] if math.isfinite(point[1])]
        chosen = (
            [min(some, key=lambda point: point[1]), max(some, key=lambda point: point[1])] if some else []
        )
        return sorted(set(chosen))


class Reader:
    """What was found so far."""

    def __init__(self) -> None:
        self.curves: dict[tuple[str, str], Curve] = {}
        #: Codes of sentences, each with its facts.
        self.notes: dict[str, dict[str, int]] = {}
        self.files = 0
        self._left = _MAX_BYTES

    def read(self, path: str) -> None:
        """Take in a file, as far as it can be read."""
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > self._left:
            self.notes["event_files_too_large"] = {}
            return
        self._left -= found.st_size
        self.files += 1
        try:
            for event in EventFileLoader(path).Load():
                self._take(event.summary.value, path.rpartition("/")[0], event)
        except Exception:  # noqa: BLE001 - whatever a damaged file makes of somebody else's parser
            self.notes["event_files_damaged"] = {}

    def _take(self, values: Iterable[Any], folder: str, event: Any) -> None:
        for value in values:
            number = _number(value)
            key = (folder, value.tag[:_MAX_NAME])
            if number is None:
                continue
            if key not in self.curves and len(self.curves) >= _MAX_SERIES:
                self.notes["event_files_many_series"] = {"most": _MAX_SERIES}
                continue
            self.curves.setdefault(key, Curve()).add(float(event.step), number, event.wall_time)


def _number(value: Any) -> float | None:
    """The scalar in a summary's value, if it is one; the reader makes tensors of what `add_scalar` writes."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor") or value.metadata.plugin_data.plugin_name != "scalars":
        return None
    tensor = value.tensor
    for numbers in (tensor.float_val, tensor.double_val, tensor.int_val, tensor.int64_val):
        if len(numbers) == 1:
            return float(numbers[0])
    if 0 < len(tensor.tensor_content) <= _SCALAR_BYTES:
        array = make_ndarray(tensor)
        return float(array.item()) if array.size == 1 else None
    return None


def main() -> None:
    """Read, and tell."""
    paths = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    reader = Reader()
    for path in paths:
        reader.read(path)
    folders = {folder for folder, _ in reader.curves}
    series = [
        _told(tag if len(folders) < 2 else f"{_short(folder)}/{tag}", curve)
        for (folder, tag), curve in reader.curves.items()
    ]
    json.dump({"files": reader.files, "notes": reader.notes, "series": series}, sys.stdout)


def _short(folder: str) -> str:
    """The folder without where all outputs are."""
    return folder.removeprefix("outputs/") or "."


def _told(name: str, curve: Curve) -> dict[str, object]:
    """A series as the API tells it."""
    return {
        "name": name,
        "counts": "step",
        "total": curve.total,
        "steps": [step for step, _, _ in curve.points],
        "values": [value if math.isfinite(value) else None for _, value, _ in curve.points],
        "times": [round(time * 1000) for _, _, time in curve.points],
    }


if __name__ == "__main__":
    main()
