"""Whether a script can be forked from a zygote and be as if its own interpreter had started.

What was loaded before it was known has to be what the script would have loaded: the same files, under the
same settings. Where that is not certain, it starts cold.
"""

import os
import re
from collections.abc import Iterable, Mapping
from importlib.machinery import all_suffixes
from pathlib import Path

from torchyard.contracts.sayings import Sentence, say
from torchyard_worker import job_venv, zygotes

#: Variables that the interpreter, torch, numpy and the libraries below them read once, when they are loaded.
_READ_AT_START = re.compile(
    r"PYTHON|LC_|LANG|TZ$|LD_|GLIBC_|MALLOC_|TORCH|PYTORCH|ATEN_|CAFFE2_|KINETO|TRITON_|OMP_|KMP_|GOMP_|MKL_"
    r"|OPENBLAS_|GOTO_|BLIS_|DNNL_|ONEDNN_|XNNPACK|NPY_|NUMPY_|TQDM_|ENABLE_INTEL|USE_"
)
#: Of these, what is read later, or is said to the libraries again.
_READ_LATER = re.compile(r"OMP_NUM_THREADS$|TORCH_HOME$|TORCHYARD_")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
_SUFFIXES = tuple(all_suffixes())


def obstacle(
    zygote: zygotes.Zygote, work: Path, packages: Path, environment: Mapping[str, str]
) -> Sentence | None:
    """Why the script can't start warm, in words; None if it can.

    Args:
        zygote: What it would be forked from.
        work: The script's directory, complete.
        packages: Where packages of its own are, if it has any.
        environment: All of its variables.
    """
    for name, value in environment.items():
        if _is_read_at_start(name) and zygotes.ENVIRONMENT.get(name) != value:
            return say("cold_variable", name=name)
    if not _COUNT.fullmatch(environment.get("OMP_NUM_THREADS", "1")):
        return say("cold_threads")
    hidden = _first_of(zygote.modules, work)
    if hidden is not None:
        return say("cold_file", file=hidden)
    if any(path.suffix == ".pth" and path.name != job_venv.PATHS for path in packages.iterdir()):
        return say("cold_packages")
    hidden = _first_of(zygote.modules, packages)
    return say("cold_own_module", file=hidden) if hidden is not None else None


def _is_read_at_start(name: str) -> bool:
    return bool(_READ_AT_START.match(name)) and not _READ_LATER.match(name)


def _first_of(modules: Iterable[str], folder: Path) -> str | None:
    """The first file or package in the folder that one of these modules would be loaded from."""
    with os.scandir(folder) as entries:
        for entry in entries:
            stem = entry.name.partition(".")[0]
            if stem in modules and (entry.name.endswith(_SUFFIXES) or _is_package(entry)):
                return entry.name
    return None


def _is_package(entry: "os.DirEntry[str]") -> bool:
    return entry.is_dir() and any(Path(entry, f"__init__{suffix}").exists() for suffix in _SUFFIXES)
