"""The runtime's `pip._internal`, except that `main` installs in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

_pip: Any = sys.modules["pip"]
_pip._become(sys.modules[__name__], [f"{place}" for place in _pip.__path__[1:]])
main = _pip._main
