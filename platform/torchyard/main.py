"""The platform's composition root: settings in, a serving application out."""

import contextlib
import errno
import fcntl
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from torchyard.adapters.celery_dispatcher import CeleryDispatcher
from torchyard.adapters.directory_logs import DirectoryLogs
from torchyard.adapters.directory_objects import DirectoryObjects
from torchyard.adapters.directory_uploads import DirectoryUploads
from torchyard.adapters.http_webhooks import HttpWebhooks
from torchyard.adapters.redis_fanout import RedisFanout
from torchyard.adapters.s3_storage import S3Storage
from torchyard.api.app import create_app
from torchyard.errors import StartRefused, TorchyardError
from torchyard.listening import listen
from torchyard.services import notifications, schedules, users
from torchyard.services.advancing import Engine
from torchyard.services.background import Loop
from torchyard.services.context import (
    DELIVERIES_TOPIC,
    QUEUE_TOPIC,
    RUNS_TOPIC,
    SCHEDULES_TOPIC,
    Context,
    Limits,
)
from torchyard.services.reconciling import Reconciler
from torchyard.services.scheduling import schedule
from torchyard.services.sealing import Sealer, new_key
from torchyard.settings import Settings, load
from torchyard.storage.database import Database

#: Seconds after which the scheduler looks again although nothing woke it.
_SCHEDULE_AT_LEAST_EVERY = 5.0
#: Seconds between two placements at least: what comes in a burst is placed together.
_SCHEDULE_PAUSE = 0.01
#: The same of the engine that carries runs out.
_LOOK_AT_LEAST_EVERY = 5.0
_LOOK_PAUSE = 0.005
#: Seconds that schedules and webhooks, which know when they have to do something, wait for that at most: a
#: wake-up may get lost, and a clock may be set.
_WAIT_AT_MOST = 15.0
#: Nodes of runs whose storages are waited for at once.
_STORAGE_THREADS = 4
#: Seconds that open connections (followers of logs, mostly) get when the platform stops.
_DRAIN_SECONDS = 2


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)


def serve() -> int:
    """Serve the API until SIGTERM or SIGINT; the process's exit code.

    Raises:
        StartRefused: The settings, the home or the port don't allow it.
    """
    settings = load()
    _configure_logging(settings.log_level)
    # uvicorn raises the signal again when it is done; stopping is then already under way.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with (
        listen(settings.host, settings.port) as listener,
        _home(settings.home),
        _running(settings.model_copy(update={"port": listener.getsockname()[1]})) as app,
        contextlib.suppress(KeyboardInterrupt),
    ):
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            timeout_keep_alive=75,
        )
        # What is there by now stays: looking through all of it for garbage would hold up every answer.
        gc.collect()
        gc.freeze()
        uvicorn.Server(config).run(sockets=[listener])
    return 0


@contextlib.contextmanager
def _running(settings: Settings) -> Iterator[FastAPI]:
    """The application with everything behind it, stopped in the reverse order."""
    ctx = context(settings)
    with contextlib.ExitStack() as stack:
        stack.callback(ctx.db.close)
        stack.callback(ctx.fanout.close)
        ctx.db.migrate()
        with ctx.db.write() as session:
            token = secret_file(settings.home / "token", "ty")
            users.set_token(ctx, session, users.administrator(ctx, session), token)
        placing = Loop(
            "scheduler", lambda: schedule(ctx), period=_SCHEDULE_AT_LEAST_EVERY, pause=_SCHEDULE_PAUSE
        )
        # In this order: what is woken finds noted whether it was from here.
        stack.callback(ctx.fanout.subscribe(QUEUE_TOPIC, ctx.queue.heard))
        stack.callback(ctx.fanout.subscribe(QUEUE_TOPIC, placing.wake))
        pool = ThreadPoolExecutor(_STORAGE_THREADS, thread_name_prefix="storage")
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        engine = Engine(ctx, pool)
        stack.callback(engine.stop)
        running = Loop("runs", engine.look, period=_LOOK_AT_LEAST_EVERY, pause=_LOOK_PAUSE)
        stack.callback(ctx.fanout.subscribe(RUNS_TOPIC, running.wake))
        ticking = Loop("schedules", lambda: schedules.make_due(ctx), period=_WAIT_AT_MOST)
        stack.callback(ctx.fanout.subscribe(SCHEDULES_TOPIC, ticking.wake))
        telling = Loop("webhooks", lambda: notifications.deliver(ctx), period=_WAIT_AT_MOST)
        stack.callback(ctx.fanout.subscribe(DELIVERIES_TOPIC, telling.wake))
        every = settings.reconcile_every.total_seconds()
        for loop in (
            placing,
            running,
            ticking,
            telling,
            Loop("reconciler", Reconciler(ctx).look, period=every),
        ):
            loop.start()
            stack.callback(loop.stop)
        (settings.home / "url").write_text(f"{settings.url}\n")  # where this home's clients find it
        yield create_app(
            ctx,
            worker_token=secret_file(settings.home / "worker-token", "tyj"),
            authentication=settings.authentication == "on",
            max_json_bytes=settings.max_json_bytes,
            max_upload_bytes=settings.max_upload_bytes,
        )


def context(settings: Settings) -> Context:
    """The use cases' surroundings, as the settings want them.

    Raises:
        StartRefused: There is no broker, everybody could reach a platform that lets everybody in, or a key
            for secrets is none.
    """
    if settings.broker_url is None:
        raise StartRefused("no broker is set: name one in TORCHYARD_BROKER_URL, or use `torchyard up`")
    if settings.authentication == "off" and settings.listens_beyond_loopback:
        raise StartRefused(
            f"refusing to listen on {settings.host} without authentication: "
            "set TORCHYARD_AUTHENTICATION=on, or TORCHYARD_HOST=127.0.0.1"
        )
    broker_url = settings.broker_url.get_secret_value()
    sealer = Sealer(_secret_keys(settings))
    return Context(
        db=Database(settings.database),
        objects=DirectoryObjects(settings.home / "blobs"),
        uploads=DirectoryUploads(settings.home / "uploads", settings.max_upload_bytes),
        logs=DirectoryLogs(settings.home / "logs"),
        buckets=S3Storage(),
        webhooks=HttpWebhooks(allow_loopback=settings.webhook_allow_loopback),
        dispatcher=CeleryDispatcher(broker_url),
        fanout=RedisFanout(broker_url),
        clock=SystemClock(),
        limits=Limits(
            default_runtime=settings.default_runtime,
            max_script_bytes=settings.max_script_bytes,
            session_lifetime=settings.session_lifetime,
            unreachable_after=settings.unreachable_after,
            lost_after=settings.lost_after,
            resend_after=settings.resend_after,
            retry_pause=settings.retry_pause,
            artifact_max_age=settings.artifact_max_age,
            artifact_max_total_bytes=settings.artifact_max_total_bytes,
        ),
        sealer=sealer,
        broker_url=broker_url,
    )


def _secret_keys(settings: Settings) -> list[str]:
    """The keys of what is encrypted at rest, newest first; their file is made if the setting names none."""
    named = settings.secret_keys.get_secret_value() if settings.secret_keys else ""
    keys, path = [key.strip() for key in named.split(",") if key.strip()], settings.home / "secret-key"
    if keys and not path.exists():
        return keys
    return [*keys, *_owned_file(path, new_key).split()]


def secret_file(path: Path, prefix: str) -> str:
    """The secret in a file that only we can read; made on the first call."""
    return _owned_file(path, lambda: users.new_token(prefix))


def _owned_file(path: Path, make: Callable[[], str]) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    secret = make()
    # Whole or not at all: without its key, what is encrypted is lost.
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return secret


@contextlib.contextmanager
def _home(home: Path) -> Iterator[None]:
    """The home, made if missing, held by this process alone."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / "platform.lock").open("w")
    except OSError as problem:
        raise StartRefused(f"the home {home} can't be used: {problem.strerror}") from problem
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            if problem.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            raise StartRefused(f"another platform is running in {home}") from problem
        yield


def _configure_logging(level: str) -> None:
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _main() -> int:
    try:
        return serve()
    except TorchyardError as problem:
        sys.stderr.write(f"torchyard: {problem.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(_main())
