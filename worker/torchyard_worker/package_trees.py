"""What a job's requirements became goes to the next job with the same ones, as unpacked archives do.

A tree of installed packages is named by all that decides what is in it: the runtime, what uv is asked for and
told, and what it makes of that at the moment: names, versions, and which of its unpacked wheels it copies.
What is the venv's own is no part of the tree, and is laid anew for each job.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from torchyard_worker import job_venv, spooling, tree_cache
from torchyard_worker.job_venv import JobVenv
from torchyard_worker.package_cache import PackageCache
from torchyard_worker.tree_cache import TreeCache

#: Names and versions, as uv prints them.
Packages = list[tuple[str, str]]


class PackageTrees:
    """Installed packages of earlier jobs, for one job in whose venv nothing is installed yet."""

    def __init__(
        self,
        kept: TreeCache,
        cache: PackageCache,
        venv: JobVenv,
        lines: Iterable[str],
        environment: Mapping[str, str],
    ) -> None:
        """Look at the venv, and at what is to be installed into it.

        Args:
            kept: Where the trees are.
            cache: What uv copies from.
            venv: The job's.
            lines: Its requirements.
            environment: The variables that uv and what stands before it will see.
        """
        self._kept = kept
        self._cache = cache
        self._venv = venv
        self._own = tree_cache.marks(venv.path)
        runtime, installed = venv.installed.runtime, venv.installed
        told = {
            name: value for name, value in environment.items() if name.startswith(("UV_", "PIP_NO_INDEX"))
        }
        self._asked = _digest(
            [
                [runtime.name, runtime.python, str(installed.base), installed.changed_ns()],
                [sorted(lines), sorted(told.items()), venv.constraints.read_text()],
                sorted(self._own),
            ]
        )

    def is_likely(self) -> bool:
        """Whether a tree may be there, so that it is worth asking uv what it would install."""
        return self._kept.has(self._asked)

    def take(self, packages: Packages) -> bool:
        """Have just these packages in the venv, as an earlier job got them; whether there are any."""
        key = self._key(packages)
        if key is None:
            return False
        spooling.remove_tree(self._venv.path)
        files = self._kept.take(key, self._venv.path)
        job_venv.make(self._venv.path, self._venv.installed)
        return files is not None

    def keep_later(self, packages: Packages) -> None:
        """Have what was just installed kept for the next job, when this one has ended."""
        key = self._key(packages)
        if key is not None:
            self._kept.keep_later(key, self._venv.path, self._own)

    def _key(self, packages: Packages) -> str | None:
        wheels = self._cache.wheels(packages)
        return f"{self._asked}-{_digest([sorted(packages), wheels])}" if wheels else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
