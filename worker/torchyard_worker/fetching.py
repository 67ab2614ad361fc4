"""A job's `dependency_paths`: found, fetched through the cache, and put beside the script; inputs as well."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.jobs import StagingProgress
from torchyard.contracts.sayings import Sentence, say
from torchyard.contracts.storage_paths import StoragePath
from torchyard.errors import DependencyFailed
from torchyard_worker import fetched, placing
from torchyard_worker.arranging import arrange, conflict
from torchyard_worker.buckets import Bucket, Passing, RemoteObject, Replaced, Storage, Timeouts
from torchyard_worker.crew import Crew
from torchyard_worker.downloading import Downloader
from torchyard_worker.locating import Bounds, Landing, access_for, locate
from torchyard_worker.metering import Meter
from torchyard_worker.object_cache import Loan, ObjectCache
from torchyard_worker.patience import Patience, Setbacks
from torchyard_worker.spooling import INPUTS, AttemptDirectory
from torchyard_worker.wording import in_bytes, in_facts, in_files, in_seconds

Answer = TypeVar("Answer")

#: Objects, and parts of large ones, on their way at once.
_OBJECTS, _PARTS = 16, 8


class Tell(Protocol):
    """Tells of the fetch, in words and in numbers."""

    def __call__(self, message: str, progress: StagingProgress | None = None) -> None:
        """One line for system.log."""


@dataclass(frozen=True)
class Manners:
    """How storages are dealt with.

    Attributes:
        bounds: The most that one job may fetch.
        patience: How often something is tried.
        timeouts: How long a storage may be silent.
        report_seconds: Time between two lines about how far a fetch is.
    """

    bounds: Bounds = field(default_factory=Bounds)
    patience: Patience = field(default_factory=Patience)
    timeouts: Timeouts = field(default_factory=Timeouts)
    report_seconds: float = 5.0


@dataclass(frozen=True)
class Order:
    """What one job wants.

    Attributes:
        paths: Its `dependency_paths`.
        storage: What they are read through.
        directory: The attempt's; script and archive are in its `work` already.
        owner: Who put the file with this path into `work`, for people.
        tell: Tells of the fetch; used by the thread that calls.
        keep_going: Raises if the job is not wanted any more; used by the thread that calls.
        inputs: What goes to `inputs/<name>/` in the same way as `paths` go beside the script.
    """

    paths: Sequence[StoragePath]
    storage: Sequence[StorageAccess]
    directory: AttemptDirectory
    owner: Callable[[str], str]
    tell: Tell
    keep_going: Callable[[], None]
    inputs: Mapping[str, Sequence[StoragePath]] = field(default_factory=dict)

    @property
    def wanted(self) -> list[tuple[StoragePath, str]]:
        """All paths, each with what comes before its files' places."""
        named = [(path, f"{INPUTS}/{name}/") for name, paths in self.inputs.items() for path in paths]
        return [*((path, "") for path in self.paths), *named]


class Fetcher:
    """Fetches what jobs name; several jobs at once may."""

    def __init__(self, cache: ObjectCache, manners: Manners | None = None) -> None:
        self._cache = cache
        self._manners = manners or Manners()

    def fetch(self, order: Order) -> int:
        """Put everything that the order names into its place.

        Returns:
            How many bytes came from storages, and not from the cache.

        Raises:
            DependencyFailed: Something is missing, refused, too much, or was tried often enough.
            Conflict: `dependency_conflict`: two sources name one path, with different content.
        """
        setbacks = Setbacks()
        patience = replace(self._manners.patience, tell=setbacks.note)
        order = replace(order, keep_going=functools.partial(_keep_going, order, setbacks))
        with _storages(order, self._manners.timeouts) as buckets:
            located = self._located(order, buckets, patience)
            landings = [landing for found in located for landing in found]
            arranged = arrange(landings, order.directory.work, order.owner)
            files = {landing: landing.found for landing in arranged if landing.found is not None}
            total = sum(found.size for found in files.values())
            self._manners.bounds.check(len(files), total, ", ".join(str(path) for path, _ in order.wanted))
            for landing in arranged:
                if landing.found is None:
                    (order.directory.work / landing.place).mkdir(parents=True, exist_ok=True)
            meter = Meter(len(files), total)
            begins = say("fetch_begins", files=in_files(len(files)), size=in_bytes(total))
            order.tell(begins, meter.progress())
            fetch = _Fetch(self._cache, replace(self._manners, patience=patience), order, meter)
            fetch.run(files)
            named = [path for path, _ in order.wanted]
            fetched.note(order.directory, list(zip(named, located, strict=True)), fetch.replaced)
            order.tell(_summary(meter), meter.progress())
            return meter.fetched_bytes

    def take_back(self, directory: AttemptDirectory) -> None:
        """Keep for the next job what an attempt that has ended left as it was."""
        self._cache.take_back(directory)

    def remember(self, directory: AttemptDirectory) -> None:
        """Know what an attempt has that an earlier process of this worker began."""
        self._cache.remember(directory)

    def _located(self, order: Order, buckets: list[Bucket], patience: Patience) -> list[list[Landing]]:
        """What each of the order's paths names."""

        def persist(call: Callable[[], Answer], uri: str) -> Answer:
            return patience.persist(call, (Passing,), crew.pause, uri)

        def one(number: int) -> tuple[int, list[Landing]]:
            path, folder = wanted[number]
            found = locate(path, buckets[number], self._manners.bounds, persist)
            return number, [replace(landing, place=f"{folder}{landing.place}") for landing in found]

        wanted = order.wanted
        numbers = range(len(wanted))
        crew: Crew[tuple[int, list[Landing]]] = Crew(_OBJECTS, "locate")
        with crew:
            found = dict(crew.each([functools.partial(one, number) for number in numbers], order.keep_going))
        return [found[number] for number in numbers]


class _Fetch:
    """One order being carried out: a crew fetches and puts into place; the thread that calls tells of it."""

    def __init__(self, cache: ObjectCache, manners: Manners, order: Order, meter: Meter) -> None:
        self._cache = cache
        self._manners = manners
        self._order = order
        self._meter = meter
        self._crew: Crew[None] = Crew(_OBJECTS, "fetch")
        self._parts = ThreadPoolExecutor(_PARTS, thread_name_prefix="fetch-part")
        self._downloader = Downloader(self._parts, manners.patience, self._crew.pause, meter.came)
        self._loans: dict[str, Loan] = {}
        #: What was fetched in place of an object that was replaced meanwhile.
        self.replaced: dict[Landing, RemoteObject] = {}
        self._since = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._next_report = time.monotonic() + manners.report_seconds

    def run(self, files: dict[Landing, RemoteObject]) -> None:
        """Fetch all of them."""
        for folder in {(self._order.directory.work / landing.place).parent for landing in files}:
            folder.mkdir(parents=True, exist_ok=True)
        places: dict[str, dict[Landing, RemoteObject]] = {}
        for landing, found in files.items():
            places.setdefault(landing.place, {})[landing] = found
        try:
            with self._crew:
                calls = [functools.partial(self._fill, landings) for landings in places.values()]
                for _ in self._crew.each(calls, self._look):
                    pass
        finally:
            self._parts.shutdown(wait=False, cancel_futures=True)
            self._note_loans()

    def _fill(self, landings: dict[Landing, RemoteObject]) -> None:
        """Have all that lands in one place there; one after the other, as they are to be compared."""
        before: str | None = None
        for landing, found in landings.items():
            self._arrive(landing, found, before)
            before = landing.uri

    def _arrive(self, landing: Landing, wanted: RemoteObject, before: str | None) -> None:
        """Have an object in its place; the newest one, if it is replaced meanwhile."""

        def once() -> None:
            nonlocal wanted
            try:
                self._fetch(landing, wanted, before)
            except Replaced:
                wanted = self.replaced[landing] = self._newest(wanted)
                raise

        patience = self._manners.patience
        patience.persist(once, (Passing, Replaced), self._crew.pause, str(wanted))

    def _fetch(self, landing: Landing, wanted: RemoteObject, before: str | None) -> None:
        fetch = functools.partial(self._downloader.fetch, wanted)
        pause = self._crew.pause
        with self._cache.holding(wanted.identity, wanted.size, fetch, pause) as held, self._crew.inside():
            target = self._order.directory.work / landing.place
            if not target.exists():
                self._cache.place(held, target, pause)
                if held.loan is not None:
                    self._loans[landing.place] = held.loan
            elif not placing.same(held.path, target):
                raise conflict(landing.place, before or self._order.owner(landing.place), landing.uri)
        self._meter.placed(wanted.size, known=held.known)

    def _newest(self, wanted: RemoteObject) -> RemoteObject:
        found = wanted.bucket.find(wanted.key)
        if found is None:
            raise DependencyFailed(say("storage_lost_file", uri=wanted), code="dependency_not_found")
        self._meter.replaced(wanted.size, found.size)
        self._manners.bounds.check(1, self._meter.bytes_total, str(wanted))
        return found

    def _note_loans(self) -> None:
        self._cache.note(self._order.directory, self._loans.copy(), self._since)

    def _look(self) -> None:
        """Go on only if the job is wanted; tell of it from time to time."""
        self._order.keep_going()
        if time.monotonic() < self._next_report:
            return
        self._note_loans()  # should this process be killed, what came so far has not come in vain
        progress = self._meter.progress()
        rest = progress.seconds_left
        left = say("time_left", time=in_seconds(rest)) if rest is not None else ""
        self._order.tell(say("fetch_goes_on", **in_facts(progress), left=left), progress)
        self._next_report = time.monotonic() + self._manners.report_seconds


@contextlib.contextmanager
def _storages(order: Order, timeouts: Timeouts) -> Iterator[list[Bucket]]:
    """The buckets of an order's paths, with one client for each connection."""
    opened: dict[str, Storage] = {}
    buckets = []
    try:
        for path, _ in order.wanted:
            access = access_for(path, order.storage)
            if access.name not in opened:
                opened[access.name] = Storage(access, timeouts)
            buckets.append(Bucket(opened[access.name], path.bucket))
        yield buckets
    finally:
        for storage in opened.values():
            storage.close()


def _keep_going(order: Order, setbacks: Setbacks) -> None:
    """Go on only if the job is wanted; tell what it waits for."""
    order.keep_going()
    for sentence in setbacks.news():
        order.tell(sentence)


def _summary(meter: Meter) -> Sentence:
    seconds, progress = meter.seconds(), meter.progress()
    rate = in_bytes(meter.fetched_bytes / seconds) if meter.fetched_bytes and seconds else None
    return say(
        "fetch_done",
        files=in_files(progress.files_total),
        size=in_bytes(progress.bytes_total),
        known=meter.known_files,
        time=in_seconds(seconds),
        fetched=in_bytes(meter.fetched_bytes),
        rate=say("at_rate", rate=rate) if rate else "",
    )
