"""The program `torchyard`: its commands, and how it ends."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import torchyard
from torchyard.cli import (
    connections,
    exits,
    jobs,
    machines,
    results,
    running,
    runtimes,
    secrets,
    settings,
    terminal,
    users,
    workflow_history,
    workflow_notify,
    workflow_runs,
    workflow_series,
    workflows,
)
from torchyard.errors import TorchyardError

# No rich markup in help: it would take [defaults] and examples for styles.
app = typer.Typer(
    name="torchyard",
    help="Runs PyTorch scripts: hand one in, watch its output, fetch what it left.",
    epilog="\b\nEnvironment:\n"
    "  TORCHYARD_URL    the platform's address (default: TORCHYARD_HOST and TORCHYARD_PORT)\n"
    "  TORCHYARD_TOKEN  your token (default: the file `token` in TORCHYARD_HOME)\n",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

_COMMANDS: tuple[tuple[Callable[..., None], tuple[str, ...]], ...] = (
    (
        running.run,
        (
            "torchyard run train.py",
            "torchyard run train.py --deps src/ --gpus 1 --cpus 3 -- --epochs 3",
            "torchyard run train.py --dep s3://data/cifar-10/ --dep s3://data/labels.csv",
            "torchyard run train.py --input model=job:3f2a --input data=s3://data/x/ --input data=a.csv",
            "torchyard run train.py --env SEED=1 --detach",
        ),
    ),
    (jobs.ps, ("torchyard ps", "torchyard ps --state failed --text lenet", "torchyard ps --all --json")),
    (jobs.show, ("torchyard show 3f2a",)),
    (
        results.logs,
        ("torchyard logs -f 3f2a", "torchyard logs 3f2a stderr.log", "torchyard logs 3f2a system.log"),
    ),
    (jobs.cancel, ("torchyard cancel 3f2a",)),
    (
        results.artifacts,
        (
            "torchyard artifacts 3f2a",
            "torchyard artifacts 3f2a --download results/",
            "torchyard artifacts 3f2a --download results/ --overwrite",
            "torchyard artifacts 3f2a --zip all.zip",
        ),
    ),
    (jobs.rerun, ("torchyard rerun 3f2a", "torchyard logs -f $(torchyard rerun 3f2a)")),
    (jobs.rm, ("torchyard rm 3f2a 77c0",)),
    (
        machines.workers,
        ("torchyard workers", "torchyard workers --drain gpu-7", "torchyard workers --resume gpu-7"),
    ),
    (machines.runtimes, ("torchyard runtimes",)),
    (machines.up, ("torchyard up", "TORCHYARD_PORT=9000 torchyard up")),
    (machines.serve, ("TORCHYARD_BROKER_URL=redis://broker:6379/0 torchyard serve",)),
    (
        machines.worker,
        ("TORCHYARD_URL=http://gpu-head:8000 TORCHYARD_WORKER_TOKEN_FILE=join-token torchyard worker",),
    ),
    (settings.settings, ("torchyard settings", "torchyard settings --json")),
)


def _examples(lines: Sequence[str]) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


for _command, _lines in _COMMANDS:
    app.command(epilog=_examples(_lines))(_command)


def _group(
    name: str,
    about: str,
    commands: dict[str, tuple[Callable[..., None], tuple[str, ...]]],
    within: typer.Typer = app,
) -> typer.Typer:
    """Add commands of two words, `torchyard NAME VERB`; or of three, within another group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    for verb, (command, lines) in commands.items():
        group.command(verb, epilog=_examples(lines))(command)
    within.add_typer(group, name=name, help=about)
    return group


_group(
    "connections",
    "The S3 and COS storage that jobs may read.",
    {
        "list": (connections.list_all, ("torchyard connections list",)),
        "set": (
            connections.set_up,
            (
                "torchyard connections set lab --endpoint https://s3.example.org --key-id KEY --allow data",
                "torchyard connections set cos --kind cos --region ap-guangzhou --key-id KEY --allow b-1250",
                "torchyard connections set aws --region eu-west-1 --key-id KEY --allow data/public/ < secret",
            ),
        ),
        "rm": (connections.rm, ("torchyard connections rm lab",)),
        "check": (connections.check, ("torchyard connections check lab s3://data/cifar10/",)),
        "browse": (
            connections.browse,
            ("torchyard connections browse lab", "torchyard connections browse lab s3://data/cifar10/"),
        ),
    },
)
_group(
    "secrets",
    "Values for jobs' environments, encrypted on the platform.",
    {
        "list": (secrets.list_all, ("torchyard secrets list",)),
        "set": (
            secrets.set_value,
            (
                "torchyard secrets set WANDB_API_KEY",
                "torchyard secrets set WANDB_API_KEY < key",
                "torchyard run train.py --env 'WANDB_API_KEY=${secrets.WANDB_API_KEY}'",
            ),
        ),
        "rm": (secrets.rm, ("torchyard secrets rm WANDB_API_KEY",)),
        "rotate": (secrets.rotate, ("torchyard secrets rotate",)),
    },
)
_group(
    "users",
    "Who may come in, and how much of all workers their jobs hold.",
    {
        "list": (users.list_all, ("torchyard users list", "torchyard users list --json")),
        "limit": (
            users.limit,
            ("torchyard users limit lin --gpus 4 --cpus 32", "torchyard users limit lin --gpus none"),
        ),
    },
)
_workflow = _group(
    "workflow",
    "Graphs of scripts that run, resume and pass on what they make.",
    {
        "run": (
            workflow_runs.run,
            (
                "torchyard workflow run flow.yaml -p lr=0.01",
                "torchyard workflow run MNIST --from train --force",
                "torchyard workflow run 3f2a --unfinished --detach",
            ),
        ),
        "validate": (workflows.validate, ("torchyard workflow validate flow.yaml",)),
        "resume": (
            workflow_runs.resume,
            (
                "torchyard workflow resume 3f2a",
                "torchyard workflow resume 3f2a --file flow.yaml",
                "torchyard workflow resume 3f2a --node train --downstream",
            ),
        ),
        "follow": (workflow_runs.follow, ("torchyard workflow follow 3f2a",)),
        "stop": (
            workflow_runs.stop,
            ("torchyard workflow stop 3f2a", "torchyard workflow stop 3f2a -n train"),
        ),
        "again": (
            workflow_runs.again,
            ("torchyard workflow again 3f2a", "torchyard workflow again 3f2a -p lr=0.02 --force"),
        ),
        "runs": (workflow_runs.runs, ("torchyard workflow runs", "torchyard workflow runs MNIST")),
        "list": (workflows.list_all, ("torchyard workflow list",)),
        "show": (workflows.show, ("torchyard workflow show MNIST",)),
        "explain": (workflow_history.explain, ("torchyard workflow explain 3f2a train",)),
        "attempts": (workflow_history.attempts, ("torchyard workflow attempts 3f2a train --json",)),
        "compare": (workflow_history.compare, ("torchyard workflow compare 3f2a 77c0",)),
        "save": (
            workflow_history.save,
            ("torchyard workflow save MNIST flow.yaml -m 'a smaller step'",),
        ),
        "versions": (workflows.versions, ("torchyard workflow versions MNIST",)),
        "diff": (
            workflow_history.diff,
            ("torchyard workflow diff MNIST 3", "torchyard workflow diff MNIST 3 5"),
        ),
        "restore": (workflow_history.restore, ("torchyard workflow restore MNIST 3",)),
        "export": (workflows.export, ("torchyard workflow export MNIST -o flow.yaml",)),
        "import": (workflows.import_file, ("torchyard workflow import flow.yaml",)),
        "templates": (workflows.templates, ("torchyard workflow templates",)),
        "new": (workflows.new, ("torchyard workflow new lenet", "torchyard workflow new lenet --name mine")),
        "schedule": (
            workflow_series.schedule,
            (
                "torchyard workflow schedule MNIST '30 2 * * 1-5' --time-zone Asia/Shanghai",
                "torchyard workflow schedule MNIST --pause",
            ),
        ),
        "backfill": (
            workflow_series.backfill,
            ("torchyard workflow backfill MNIST --from 2026-01-01 --to 2026-01-07",),
        ),
        "sweep": (
            workflow_series.sweep,
            (
                "torchyard workflow sweep MNIST -p lr=0.1,0.01 -p seed=1:5",
                "torchyard workflow sweep MNIST --show 3f2a",
            ),
        ),
        "rm": (workflows.rm, ("torchyard workflow rm MNIST",)),
    },
)
_group(
    "notify",
    "Webhooks that are told when a workflow's run ends.",
    {
        "add": (
            workflow_notify.add,
            ("torchyard workflow notify add MNIST https://example.org/hook --on failure",),
        ),
        "list": (workflow_notify.list_all, ("torchyard workflow notify list MNIST",)),
        "test": (workflow_notify.send_test, ("torchyard workflow notify test MNIST 3f2a",)),
        "log": (workflow_notify.log, ("torchyard workflow notify log MNIST 3f2a",)),
        "rm": (workflow_notify.rm, ("torchyard workflow notify rm MNIST 3f2a",)),
    },
    within=_workflow,
)
_group(
    "runtime",
    "Python environments of this machine's worker.",
    {
        "build": (runtimes.build, ("torchyard runtime build torch-2.13-cpu",)),
        "add": (runtimes.add, ("torchyard runtime add my-conda --python /opt/conda/bin/python",)),
        "list": (runtimes.list_them, ("torchyard runtime list",)),
    },
)


def _version(wanted: bool) -> None:
    if wanted:
        terminal.show_line(f"torchyard {torchyard.__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(help="The platform's address, as http://HOST:PORT.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    ctx.obj = url


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: The command line behind the program's name; this process's own if None.

    Returns:
        The exit code.
    """
    options: dict[str, Any] = {"prog_name": "torchyard"}
    try:
        app(args=arguments, **options)
    except TorchyardError as problem:
        terminal.show_problem(problem)
        return exits.of_error(problem)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        terminal.tell(f"torchyard: {where}{problem.strerror or problem}", style="red")
        return exits.FAILED
    except SystemExit as end:
        return _ended(end)
    return 0


def _ended(end: SystemExit) -> int:
    # Typer has silenced the two streams if their reader went away.
    return end.code if isinstance(end.code, int) else exits.FAILED if end.code else 0
