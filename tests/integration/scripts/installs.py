"""Installs what it needs, in the ways that tutorials show, and imports it."""

import subprocess
import sys

import pip
from pip._internal import main

pip.main(["install", "gadgets"])
import gadgets  # noqa: E402

main(["install", "sprockets"])
import sprockets  # noqa: E402

subprocess.check_call([sys.executable, "-m", "pip", "install", "widgets"])
import torch  # noqa: E402
import widgets  # noqa: E402

print("versions", gadgets.VERSION, sprockets.VERSION, widgets.VERSION)
print(torch.ones(2).sum().item())
