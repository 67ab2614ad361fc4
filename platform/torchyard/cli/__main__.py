"""`python -m torchyard.cli`: the same as `torchyard`."""

import sys

from torchyard.cli.app import main

sys.exit(main())
