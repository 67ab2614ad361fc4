"""What torch says when a GPU has no memory left, as a sentence with the sizes that matter."""

import re
from dataclasses import dataclass

from torchyard.contracts.sayings import Sentence, say

_SIZE = r"(\d+(?:\.\d+)?) (bytes|[KMGT]iB)"
#: "… Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 139.80 GiB of which 1.00 GiB is free. …", and
#: before torch 2.1: "… (GPU 0; 11.17 GiB total capacity; 9.56 GiB already allocated; 1.00 GiB free; …)".
_WANTED = re.compile(rf"[Tt]ried to allocate {_SIZE}")
_GPU = re.compile(r"\bGPU (\d+)\b")
_TOTAL = re.compile(rf"total capacity of {_SIZE}|{_SIZE} total capacity")
_FREE = re.compile(rf"of which {_SIZE} is free|{_SIZE} free")
_HELD = re.compile(rf"Of the allocated memory {_SIZE} is allocated by PyTorch|{_SIZE} already allocated")


@dataclass(frozen=True)
class GpuMemory:
    """The sizes in torch's message, each as torch writes it: `20.00 GiB`."""

    gpu: str
    wanted: str
    total: str
    free: str
    #: What the script's own tensors took; None where torch does not say.
    held: str | None

    def said(self) -> Sentence:
        """The sizes in words."""
        were = "were" if self.free.endswith("bytes") else "was"
        sizes = {"gpu": self.gpu, "wanted": self.wanted, "total": self.total, "free": self.free, "were": were}
        if self.held:
            return say("gpu_sizes_held", **sizes, held=self.held)
        return say("gpu_sizes", **sizes)


def sizes_in(message: str) -> GpuMemory | None:
    """The sizes that the message of an out-of-memory error tells; None if it tells none."""
    wanted, total, free = (_first(pattern, message) for pattern in (_WANTED, _TOTAL, _FREE))
    if wanted is None or total is None or free is None:
        return None
    gpu = _GPU.search(message)
    return GpuMemory(gpu[1] if gpu else "0", wanted, total, free, _first(_HELD, message))


def _first(pattern: re.Pattern[str], message: str) -> str | None:
    found = pattern.search(message)
    return " ".join(part for part in found.groups() if part) if found else None
