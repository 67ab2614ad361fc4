"""An attempt's way on its worker: claim → stage → launch → ship → collect → finish."""

import contextlib
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from torchyard.contracts.jobs import JobState, StagingProgress, split_arguments
from torchyard.contracts.runner import Cause, ClaimedAttempt, Finish, Outcome
from torchyard.contracts.sayings import Sentence, say
from torchyard.errors import AttemptStale, StartRefused, TorchyardError
from torchyard_worker import (
    endings,
    event_files,
    fetched,
    job_venv,
    launching,
    packages,
    spooling,
    staging,
    warmth,
)
from torchyard_worker.attempts import AttemptsInHand, Detached, HeldAttempt, Stopped, StopWish
from torchyard_worker.collecting import Collector
from torchyard_worker.finishing import finish
from torchyard_worker.gpu_meter import GpuMeter
from torchyard_worker.job_venv import JobVenv
from torchyard_worker.launching import Shim
from torchyard_worker.package_cache import PackageCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.recording import Recorder
from torchyard_worker.reporting import Reporter
from torchyard_worker.runtimes import InstalledRuntime, discover
from torchyard_worker.shim import spool
from torchyard_worker.shipping import Shipper
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.stock import Stock
from torchyard_worker.waiting import readable
from torchyard_worker.zygotes import Zygote, ZygoteGone, Zygotes

log = structlog.get_logger()

#: Seconds a shim gets to kill its script at once; longer than the minute it gives the kernel.
_KILL_SECONDS = 70.0


@dataclass(frozen=True)
class _Attempt:
    """What one thread needs to bring one attempt to its end."""

    held: HeldAttempt
    claimed: ClaimedAttempt
    directory: AttemptDirectory
    reporter: Reporter
    #: None if this worker does not have it, or no longer.
    runtime: InstalledRuntime | None


class _NotStarted(Exception):
    """The script can't be started, or is not to be."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.cause)
        self.outcome = outcome


@dataclass(frozen=True)
class Places:
    """Where a runner finds and puts things."""

    attempts: Path
    runtimes: Path
    #: Variables that say where jobs get packages from; see `indexes`.
    indexes: Mapping[str, str] = field(default_factory=dict)
    #: How much `uv_cache` may take, in bytes.
    uv_cache_bytes: int = 20 * 2**30

    @property
    def uv_cache(self) -> Path:
        """Packages that were fetched for the requirements of a job."""
        return self.attempts.parent / "uv-cache"


class Runner:
    """Runs attempts, each in the thread that asks for it."""

    def __init__(
        self,
        api: PlatformApi,
        in_hand: AttemptsInHand,
        sources: staging.Sources,
        collector: Collector,
        places: Places,
        zygotes: Zygotes,
    ) -> None:
        self._api = api
        self._in_hand = in_hand
        self._sources = sources
        self._collector = collector
        self._places = places
        self._zygotes = zygotes
        self._stock = Stock(places.attempts.parent / "ready")
        self._packages = PackageCache(places.uv_cache, max_bytes=places.uv_cache_bytes, uv=job_venv.uv())
        places.attempts.mkdir(parents=True, exist_ok=True)

    def prepare(self, installed: Iterable[InstalledRuntime]) -> None:
        """Have directories ready for scripts in these runtimes."""
        for runtime in installed:
            self._stock.fill(runtime)

    def run(self, attempt_id: str) -> None:
        """Claim the attempt and bring it to its end; nothing happens if it is in hand or not to be had."""
        held = self._in_hand.take(attempt_id)
        if held is None:
            return
        with self._holding(held):
            claimed = self._claim(held)
            if claimed is None:
                return
            runtime = self._runtime(claimed.spec.runtime)
            ready = self._stock.take(runtime) if runtime else None
            directory = spooling.create(self._path(attempt_id), claimed, ready)
            held.claimed = True
            attempt = _Attempt(held, claimed, directory, Reporter(self._api, held, directory), runtime)
            try:
                shim = self._launch(attempt, self._stage(attempt))
            except _NotStarted as refusal:
                told = attempt.reporter.unsaid()
                self._finish(attempt, Finish(outcome=refusal.outcome, messages=told))
                return
            self._see_through(attempt, shim, resumed=False)
            if runtime is not None:
                self._stock.fill(runtime)

    def adopt(self, attempt_id: str) -> None:
        """Take over an attempt of an earlier process of this worker, and bring it to its end."""
        held = self._in_hand.take(attempt_id)
        if held is None:
            return
        with self._holding(held):
            held.claimed = True
            directory = AttemptDirectory(self._path(attempt_id))
            claimed = directory.claimed()
            reporter, runtime = Reporter(self._api, held, directory), self._runtime(claimed.spec.runtime)
            attempt = _Attempt(held, claimed, directory, reporter, runtime)
            log.info("attempt_adopted", attempt=attempt_id)
            self._sources.fetcher.remember(directory)
            if directory.read(spool.LAUNCH) is None:
                launching.kill_leftovers(directory.tag)
                lost = say("restarted_before_start")
                self._finish(attempt, Finish(outcome=Outcome(cause=Cause.WORKER_LOST, detail=lost)))
                return
            _keep_fence(attempt)
            shim = launching.find(directory.path)
            if shim is not None:
                held.attach(shim)
            attempt.reporter.say(say("worker_took_over"))
            self._see_through(attempt, shim, resumed=True)

    def _path(self, attempt_id: str) -> Path:
        return self._places.attempts / attempt_id

    @contextlib.contextmanager
    def _holding(self, held: HeldAttempt) -> Iterator[None]:
        """The outermost boundary of an attempt's thread."""
        try:
            yield
        except Detached:
            log.info("attempt_left_to_its_shim", attempt=held.id)
        except AttemptStale:
            log.info("attempt_dropped", attempt=held.id)
            self._discard(held)
        except Exception as problem:
            log.exception("attempt_broken", attempt=held.id)
            if not held.detached:
                self._give_up(held, problem)
        finally:
            self._in_hand.drop(held)

    def _claim(self, held: HeldAttempt) -> ClaimedAttempt | None:
        """The attempt, if it is to be had."""
        tries = 0

        def ask() -> ClaimedAttempt:
            nonlocal tries
            tries += 1
            return self._api.claim(held.id)

        try:
            claimed = held.persist("claim", ask)
        except (AttemptStale, Stopped):
            # If an answer was lost on its way, the platform takes the attempt for claimed: give it back.
            if tries > 1:
                lost = say("claim_unheard")
                finish(self._api, held, Finish(outcome=Outcome(cause=Cause.WORKER_LOST, detail=lost)))
            return None
        log.info("attempt_claimed", attempt=held.id, job=claimed.job_id, number=claimed.number)
        if claimed.cancel_requested:
            held.stop(StopWish(Cause.CANCELLED))
        return claimed

    def _stage(self, attempt: _Attempt) -> Sentence:
        """Put the files into place; what was done, in words."""
        started, held = time.monotonic(), attempt.held

        def tell(message: str, progress: StagingProgress | None = None) -> None:
            attempt.reporter.say(message, progress=progress)

        def stage() -> list[str]:
            return staging.stage(attempt.directory, attempt.claimed, self._sources, held.check, tell)

        with _refusing():
            staged = held.persist("stage", stage)
            held.check()
        return say("event_staged", parts=staged, ms=round((time.monotonic() - started) * 1000))

    def _launch(self, attempt: _Attempt, staged: str) -> Shim:
        """Start the script's shim, and tell what was done before."""
        held, directory, claimed = attempt.held, attempt.directory, attempt.claimed
        with _refusing():
            if attempt.runtime is None:
                raise StartRefused(say("runtime_gone", runtime=claimed.spec.runtime))
            venv = job_venv.made(directory.venv, attempt.runtime)
            environment = job_venv.environment(venv, directory, claimed, self._places.indexes)
            requirements = packages.wanted(claimed, directory.work)
            if not requirements.lines:
                attempt.reporter.say_next(staged)
            else:
                attempt.reporter.say(staged)
                seconds = claimed.spec.resources.timeout_seconds
                installation = packages.Installation(
                    held, directory.path, environment, self._packages, self._sources.kept, seconds
                )
                attempt.reporter.say(packages.install(requirements, venv, installation))
            if claimed.start_fence_seconds is not None:
                # A script that its fence would stop at once is not to be started.
                held.wait_for_contact(claimed.start_fence_seconds / 2)
            _keep_fence(attempt)
            shim = self._start(attempt, venv, environment)
        held.attach(shim)
        return shim

    def _start(self, attempt: _Attempt, venv: JobVenv, environment: dict[str, str]) -> Shim:
        """Start the shim: by a zygote, where the script can't tell, else anew."""
        directory, claimed = attempt.directory, attempt.claimed
        zygote = self._zygote(claimed, venv, directory.work, environment)
        if isinstance(zygote, Zygote):
            launching.prepare(directory, claimed, venv.python, environment, None)
            try:
                return zygote.launch(directory.path)
            except ZygoteGone as gone:
                log.warning("zygote_gone", attempt=attempt.held.id, reason=str(gone))
                zygote = say("cold_interpreter_ended")
        launching.prepare(directory, claimed, venv.python, environment, zygote)
        return launching.launch(directory.path, venv.installed.interpreter)

    def _zygote(
        self, claimed: ClaimedAttempt, venv: JobVenv, work: Path, environment: dict[str, str]
    ) -> Zygote | str:
        """What the script is to be forked from; in words why it is not."""
        if not claimed.spec.warm:
            return say("cold_as_asked")
        zygote = self._zygotes.find(venv.installed)
        if isinstance(zygote, str):
            return zygote
        return warmth.obstacle(zygote, work, venv.packages, environment) or zygote

    def _runtime(self, name: str) -> InstalledRuntime | None:
        found = discover(self._places.runtimes)
        return next((installed for installed in found if installed.runtime.name == name), None)

    def _see_through(self, attempt: _Attempt, shim: Shim | None, *, resumed: bool) -> None:
        """Follow the script to its end, and have it confirmed; without a shim it has ended already."""
        held, directory = attempt.held, attempt.directory
        shipper = Shipper(self._api, held, directory, resumed=resumed)
        recorder = Recorder(self._api, held, directory, GpuMeter(attempt.claimed.gpus))

        def woken() -> None:
            self._announce(attempt)
            recorder.look()

        if shim is not None:
            shipper.follow(shim, woken)
        held.past_launch()
        ended = time.monotonic()
        facts = directory.read(spool.EXIT)
        if facts is None:
            launching.kill_leftovers(directory.tag)
        self._announce(attempt)
        shipper.drain()
        artifacts, left_out = self._collector.collect(held, directory)
        left_out += self._read_scalars(attempt, [artifact.path for artifact in artifacts])
        recorder.finish()
        outcome = endings.outcome(directory, attempt.claimed.spec.script.name)
        final = Finish(
            outcome=outcome.model_copy(update={"collecting_seconds": time.monotonic() - ended}),
            logs=shipper.seals(),
            artifacts=artifacts,
            messages=[*attempt.reporter.unsaid(), *endings.remarks(facts), *left_out],
            fetched=fetched.read(directory),
        )
        self._finish(attempt, final, shipper)

    def _read_scalars(self, attempt: _Attempt, paths: list[str]) -> list[str]:
        """Have the TensorBoard event files among the artifacts read; sentences about what was not."""
        if not (found := event_files.among(paths)):
            return []
        if attempt.runtime is None:
            gone = say("runtime_gone", runtime=attempt.claimed.spec.runtime)
            return [say("event_files_unread", why=gone)]
        return event_files.read(attempt.directory, found, attempt.runtime.interpreter)

    def _announce(self, attempt: _Attempt) -> None:
        """Tell that the script runs, as soon as it does."""
        if attempt.reporter.running:
            return
        pid = launching.script_pid(attempt.directory.path)
        if pid is None:
            return
        spec = attempt.claimed.spec
        command = shlex.join(["python", spec.script.name, *split_arguments(spec.arguments)])
        python = torch = ""
        if attempt.runtime is not None:
            runtime = attempt.runtime.runtime
            python = say("with_python", version=runtime.python)
            if version := runtime.packages.get("torch"):
                torch = say("with_torch", version=version)
        cold = launching.cold_because(attempt.directory.path)
        how = say("start_warm") if cold is None else say("start_cold", why=cold)
        facts = {"command": command, "runtime": spec.runtime, "python": python, "torch": torch}
        attempt.reporter.say(say("event_started", **facts, pid=pid, how=how), JobState.RUNNING)
        _keep_fence(attempt)

    def _finish(self, attempt: _Attempt, final: Finish, shipper: Shipper | None = None) -> None:
        """Have the end confirmed, and remove what is left of the attempt."""
        kept, directory = self._sources.kept, attempt.directory
        with kept.returning(directory.work), kept.returning(directory.venv):
            finish(self._api, attempt.held, final, shipper)
            attempt.held.claimed = False
            log.info(
                "attempt_finished",
                attempt=attempt.held.id,
                cause=final.outcome.cause,
                exit_code=final.outcome.exit_code,
                signal=final.outcome.signal,
            )
            self._sources.fetcher.take_back(directory)
        installed = packages.were_wanted(directory.path)
        spooling.remove(directory.path)
        if installed:
            self._packages.make_room()

    def _give_up(self, held: HeldAttempt, problem: Exception) -> None:
        """An error of the worker's own: say so if that is possible, and leave nothing behind."""
        with contextlib.suppress(TorchyardError):
            self._api.finish(held.id, Finish(outcome=endings.broken(problem)))
        self._discard(held)

    def _discard(self, held: HeldAttempt) -> None:
        """Kill whatever runs of the attempt, and forget it."""
        held.claimed = False
        directory = AttemptDirectory(self._path(held.id))
        if not directory.path.exists():
            return
        shim = launching.find(directory.path)
        if shim is not None:
            shim.stop(Cause.WORKER_LOST, 0)
            readable(shim.pidfd, seconds=_KILL_SECONDS)
            shim.kill()
            shim.close()
        launching.kill_leftovers(directory.tag)
        self._sources.fetcher.take_back(directory)
        spooling.remove(directory.path)


def _keep_fence(attempt: _Attempt) -> None:
    """Have the script's shim fence it from now on, or not any more; see `shim.fence`."""
    claimed, path = attempt.claimed, attempt.directory.path
    if attempt.reporter.running and claimed.fence_seconds is None:
        attempt.held.lift_fence(path)
    else:
        attempt.held.fence(path)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turns what keeps a script from being started into `_NotStarted`."""
    try:
        yield
    except (TorchyardError, OSError, Stopped) as problem:
        outcome = endings.not_started(problem)
        if outcome is None:
            raise
        raise _NotStarted(outcome) from problem
