"""The runtime's own pip, except that `main` installs in a process of its own.

pip asks not to be called inside another program: it sets up logging, keeps what it has imported, and
warns about both. This package lies before it on sys.path, and is the runtime's pip but for that function.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import subprocess
import sys
from typing import Any


def _become(module: Any, path: list[str]) -> None:
    """Let `module` be what its name stands for in `path`."""
    name: str = module.__name__
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module.__path__ = [*module.__path__, *(spec.submodule_search_locations or ())]
    module.__file__ = spec.origin
    spec.loader.exec_module(module)


def _main(args: list[str] | None = None) -> int:
    words = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    code = subprocess.call([sys.executable, "-m", "pip", *words])
    importlib.invalidate_caches()
    return code


_here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_become(sys.modules[__name__], [place for place in sys.path if os.path.abspath(place) != _here])
main = _main
