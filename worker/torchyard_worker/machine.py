"""One worker: registers, takes over what it left, consumes, and stops in order."""

import functools
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import structlog

from torchyard.contracts.runner import Cause, Registered, RegisterRequest, Runtime
from torchyard.errors import StartRefused, Unauthenticated, Unavailable
from torchyard_worker import indexes, inventory, isolation, spooling
from torchyard_worker.attempts import AttemptsInHand, StopWish, growing_delays
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.buckets import Timeouts
from torchyard_worker.collecting import ArtifactLimits, Collector
from torchyard_worker.fetching import Fetcher, Manners
from torchyard_worker.heartbeats import Heartbeats
from torchyard_worker.locating import Bounds
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.patience import Patience
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.runner import Places, Runner
from torchyard_worker.runtimes import discover
from torchyard_worker.settings import Settings
from torchyard_worker.shim import fence
from torchyard_worker.staging import Sources
from torchyard_worker.tasks import Consumer, make_app
from torchyard_worker.tree_cache import TreeCache
from torchyard_worker.zygotes import Zygotes

log = structlog.get_logger()

_MIB = 1024 * 1024
#: Threads beyond one per CPU: a job takes at least one CPU, and cancels need room beside them.
_SPARE_THREADS = 8
#: Seconds after which the main thread looks up: a signal that another thread took waits for it.
_LOOK_SECONDS = 1.0
#: Seconds that scripts get to end when the worker stops them, of their own grace time.
_STOP_GRACE_SECONDS = 10.0
#: Seconds until all of them have to be ended and reported, and then for a last, hard try.
_STOP_SECONDS, _KILL_SECONDS = 40.0, 5.0
#: Seconds the attempts' threads get to let go, and the consumer to end after them.
_DETACH_SECONDS, _CONSUMER_SECONDS = 3.0, 5.0


class Machine:
    """All parts of one worker process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._runtimes_directory = settings.runtimes.absolute()
        self._join_token = settings.join_token()
        self._api = PlatformApi(
            settings.url,
            connect_timeout=settings.connect_timeout_seconds,
            request_timeout=settings.request_timeout_seconds,
        )
        self._in_hand = AttemptsInHand()
        places = Places(
            attempts=self._home / "attempts",
            runtimes=self._runtimes_directory,
            indexes=indexes.variables(os.environ, _users_home(), settings.pip_index_url),
            uv_cache_bytes=settings.package_cache_mb * _MIB,
        )
        sources = Sources(
            blobs=BlobCache(self._home / "blobs", self._api, max_bytes=settings.blob_cache_mb * _MIB),
            kept=TreeCache(self._home / "trees", max_bytes=settings.tree_cache_mb * _MIB),
            fetcher=_fetcher(settings, self._home),
        )
        limits = ArtifactLimits(
            count=settings.max_artifacts,
            file_bytes=settings.max_artifact_mb * _MIB,
            total_bytes=settings.max_artifacts_mb * _MIB,
        )
        collector = Collector(self._api, limits, sources.blobs)
        self._zygotes = Zygotes(self._home / "zygotes", most=settings.zygotes)
        self._runner = Runner(self._api, self._in_hand, sources, collector, places, self._zygotes)
        self._left_over = spooling.left_over(places.attempts)
        self._cpus = settings.cpus or inventory.cpus()
        self._request = functools.partial(
            RegisterRequest,
            worker_id=_worker_id(self._home),
            incarnation=str(uuid.uuid4()),
            name=settings.display_name,
            cpus=self._cpus,
            memory_mb=settings.memory_mb or inventory.memory_mb(),
            gpus=inventory.gpus(settings.gpus),
            isolation_tier=isolation.tier(),
            isolation_notes=isolation.notes(),
        )

    def serve(self, stopped: threading.Event) -> None:
        """Work until `stopped` is set.

        Raises:
            StartRefused: The platform does not let this worker in.
        """
        installed = discover(self._runtimes_directory)
        self._zygotes.open(installed)
        self._runner.prepare(installed)
        registered = self._register_at_last(stopped)
        if registered is None:
            return
        for attempt_id in self._left_over:
            _in_thread(self._runner.adopt, attempt_id)
        heartbeats = Heartbeats(
            self._api,
            self._in_hand,
            registered=registered,
            register=lambda: self._register(self._in_hand.claimed()),
            runtimes=self._runtimes,
            run=functools.partial(_in_thread, self._runner.run),
        )
        heartbeats.start()
        app = make_app(registered.broker_url, run=self._runner.run, cancel=self._cancel)
        consumer = Consumer(app, registered.queue, self._cpus + _SPARE_THREADS)
        consumer.start()
        while not stopped.wait(_LOOK_SECONDS):
            pass
        log.info("worker_stopping", attempts=self._in_hand.claimed())
        self._in_hand.close()
        if self._settings.stop_jobs_on_exit:
            self._stop_attempts()
        self._in_hand.detach_all()
        alone_again = self._in_hand.wait_until_empty(_DETACH_SECONDS)
        heartbeats.stop()
        consumer.stop(_CONSUMER_SECONDS)
        self._zygotes.close()
        if alone_again:  # else a thread waits in a request, and has to find itself detached after it
            self._api.close()

    def _stop_attempts(self) -> None:
        self._in_hand.stop_all(StopWish(Cause.WORKER_LOST, _STOP_GRACE_SECONDS))
        if not self._in_hand.wait_until_empty(_STOP_SECONDS):
            self._in_hand.stop_all(StopWish(Cause.WORKER_LOST, 0))
            self._in_hand.wait_until_empty(_KILL_SECONDS)

    def _register_at_last(self, stopped: threading.Event) -> Registered | None:
        """The platform's welcome, however long that takes; None if the worker is to stop before."""
        for delay in growing_delays():
            try:
                registered = self._register(self._left_over)
            except Unavailable as problem:
                log.warning("platform_away", reason=problem.message, again_in=delay)
            except Unauthenticated as problem:
                raise StartRefused(
                    f"the platform refuses this worker's join token: {problem.message}"
                ) from problem
            else:
                log.info("worker_registered", queue=registered.queue, left_over=self._left_over)
                return registered
            if stopped.wait(delay):
                break
        return None

    def _register(self, attempts: list[str]) -> Registered:
        request = self._request(runtimes=self._runtimes(), attempts=attempts)
        sent_at = fence.now()
        registered = self._api.register(request, self._join_token)
        self._in_hand.confirm(sent_at, set(attempts) - set(registered.abandoned))
        return registered

    def _runtimes(self) -> list[Runtime]:
        return [installed.runtime for installed in discover(self._runtimes_directory)]

    def _cancel(self, attempt_id: str) -> None:
        self._in_hand.stop(attempt_id, StopWish(Cause.CANCELLED))


def _fetcher(settings: Settings, home: Path) -> Fetcher:
    cache = ObjectCache(home / "objects", max_bytes=settings.object_cache_mb * _MIB)
    manners = Manners(
        bounds=Bounds(settings.max_fetched_files, settings.max_fetched_mb * _MIB),
        patience=Patience(settings.storage_tries, settings.storage_retry_seconds),
        timeouts=Timeouts(settings.storage_connect_timeout_seconds, settings.storage_read_timeout_seconds),
    )
    return Fetcher(cache, manners)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """The worker's home, made if missing, and ours alone while the context lasts.

    Raises:
        StartRefused: Another worker runs in it, or it can't be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (home / "lock").open("a") as lock:
            flock(lock, LOCK_EX | LOCK_NB)
            yield
    except BlockingIOError:
        raise StartRefused(f"another worker runs in {home}; set TORCHYARD_WORKER_HOME for this one") from None
    except PermissionError as problem:
        raise StartRefused(f"{home} can't be written; set TORCHYARD_WORKER_HOME") from problem


def _users_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a container's user without one
        return None


def _worker_id(home: Path) -> str:
    """This worker's name for ever, made at its first start."""
    file = home / "worker.json"
    if not file.exists():
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"worker_id": str(uuid.uuid4())}))
        fresh.replace(file)
    return str(json.loads(file.read_text())["worker_id"])


def _in_thread(call: Callable[[str], None], attempt_id: str) -> None:
    threading.Thread(target=call, args=(attempt_id,), name=attempt_id, daemon=True).start()
