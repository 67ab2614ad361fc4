"""`make bench`: what users feel, beside what does the least of the same work in the same run.

Without an option it prints the tables of `--starts`, `--logs`, `--load` and `--placement`. Nothing here fails
for being slow: figures are to be looked at, tests are to pass.
"""

import argparse
from collections.abc import Callable

from tests.benchmarks import load, logs, packages, placement, s3, starts, web, workflows


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--starts", action="store_true", help="scripts' starts and ends, and the idle machine"
    )
    parser.add_argument("--logs", action="store_true", help="logs at speed, beside pipes and files")
    parser.add_argument("--load", action="store_true", help="the API beside many jobs")
    parser.add_argument("--postgres", action="store_true", help="with Postgres, for --load")
    parser.add_argument("--placement", action="store_true", help="a simulated day of placing")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated day")
    parser.add_argument("--s3", action="store_true", help="fetching from S3, beside `aws s3 cp`")
    parser.add_argument("--packages", action="store_true", help="a job's packages, beside pip")
    parser.add_argument("--workflows", action="store_true", help="the engine that carries runs out")
    parser.add_argument("--nodes", type=int, default=500, help="nodes of a run, for --workflows")
    parser.add_argument("--web", action="store_true", help="the web app in Chromium")
    options = parser.parse_args()
    usual: dict[str, Callable[[], object]] = {
        "starts": starts.main,
        "logs": logs.main,
        "load": lambda: load.main(on_postgres=options.postgres),
        "placement": lambda: placement.main(options.seed),
    }
    others: dict[str, Callable[[], object]] = {
        "s3": s3.main,
        "packages": packages.main,
        "workflows": lambda: workflows.main(options.nodes),
        "web": web.main,
    }
    wanted = [name for name in (usual | others) if getattr(options, name)]
    for name in wanted or usual:
        (usual | others)[name]()


if __name__ == "__main__":
    main()
