"""`python -m torchyard_worker`."""

import sys

from torchyard_worker.main import main

sys.exit(main())
