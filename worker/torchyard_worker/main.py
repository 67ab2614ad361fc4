"""Composition root of the worker: settings in, a running worker out."""

import argparse
import json
import logging
import os
import signal
import sys
import threading

import structlog
from pydantic import ValidationError

from torchyard.errors import StartRefused
from torchyard_worker.machine import Machine, alone
from torchyard_worker.settings import Settings, described

log = structlog.get_logger()


def main(words: list[str] | None = None) -> int:
    """The command line; the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m torchyard_worker", description="Runs a Torchyard worker."
    )
    verbs = parser.add_subparsers(dest="verb")
    telling = verbs.add_parser("settings", help="print the worker's settings")
    telling.add_argument("--json", action="store_true", help="as JSON, which is all there is")
    asked = parser.parse_args(words)
    try:
        settings = _settings()
        if asked.verb == "settings":
            sys.stdout.write(json.dumps(described(settings), indent=2) + "\n")
        else:
            _work(settings)
    except StartRefused as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    return 0


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0])
        name = name if name.startswith("TORCHYARD_") else f"TORCHYARD_WORKER_{name.upper()}"
        why = first["msg"].removeprefix("Value error, ")
        raise StartRefused(f"the setting {name} can't be used: {why}") from problem


def _work(settings: Settings) -> None:
    _log_to_stderr(settings.log_level)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with alone(settings.home.absolute()):
        Machine(settings).serve(stopped)
    log.info("worker_stopped")
    if threading.active_count() > 1:
        # A thread in a request to a platform that is away would keep the process for its whole time limit.
        sys.stderr.flush()
        os._exit(0)


def _log_to_stderr(level: str) -> None:
    """Events as JSON lines, those of libraries too."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(),
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
