"""`make soak`: the platform is killed in the middle of runs, again and again; it takes minutes.

A run of 30 nodes is started, the platform gets SIGKILL once some of them have run, and starts again; ten
times, each time a little later in the run. Each run has to succeed, and each node has to have run once.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.integration.test_workflow_runs import killed_in_the_middle
from tests.stack import Stack


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--nodes", type=int, default=30, help="nodes of each run")
    parser.add_argument("--times", type=int, default=10, help="runs, and so kills")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torchyard-soak-") as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()
        # Scripts may run as users of their own.
        for path in (shared.parent, shared):
            path.chmod(0o777)
        with Stack(Path(folder) / "home") as stack:
            killed_in_the_middle(stack, shared, nodes=options.nodes, times=options.times)
    took = time.monotonic() - start
    told = f"{options.times} runs of {options.nodes} nodes, the platform killed in each"
    print(f"{told}: all ended right, each node ran once, in {took:.0f} s")


if __name__ == "__main__":
    main()
