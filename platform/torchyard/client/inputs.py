"""What a job finds in `inputs/`: sources as they are written, and files of this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torchyard.client import uploading
from torchyard.client.uploading import Content
from torchyard.contracts.inputs import NamedBlob

#: A source, see `contracts.inputs`; a file to be uploaded; or several of both.
Given = str | Path | Sequence[str | Path]


def read(inputs: Mapping[str, Given]) -> tuple[dict[str, str], list[Content]]:
    """The inputs as a job names them, and what has to be uploaded first.

    Raises:
        InvalidInput: A file can't be read.
    """
    contents: list[Content] = []

    def written(name: str, part: str | Path) -> str:
        if isinstance(part, str):
            return part
        contents.append(uploading.read(part, part.name, f"inputs.{name}"))
        return str(NamedBlob(contents[-1].sha256, part.name))

    named = {
        name: [given] if isinstance(given, str | Path) else list(given) for name, given in inputs.items()
    }
    return {name: ",".join(written(name, part) for part in parts) for name, parts in named.items()}, contents
