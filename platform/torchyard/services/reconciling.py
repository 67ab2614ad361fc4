"""What puts right whatever got stuck: lost messages, silent workers, uploads nobody used."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from torchyard.contracts.sayings import say
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.domain.liveness import Watch
from torchyard.services import attempts as attempting
from torchyard.services import queueing, retention
from torchyard.services.context import Context
from torchyard.services.idempotency import ABANDONED, REMEMBERED
from torchyard.storage import attempts, blobs, idempotency, users, workers
from torchyard.storage.tables import WorkerRow

log = structlog.get_logger()

#: Messages sent again in one pass: a broker that comes back is not flooded.
_MAX_RESENT = 200
#: Seconds between two looks at what can be forgotten.
_CLEANING_SECONDS = 600.0
#: Uploads that no job used are kept this long after their last use.
_UNUSED_KEPT = timedelta(days=1)
_MAX_REMOVED = 500


@dataclass
class Reconciler:
    """Looks once, whenever it is called; remembers what it saw of each worker."""

    ctx: Context
    watches: dict[str, Watch] = field(default_factory=dict)
    watched_at: float = field(default=float("inf"))
    cleaned_at: float = field(default=float("-inf"))

    def look(self) -> None:
        """One pass over everything that may have got stuck."""
        self._watch_workers(time.monotonic())
        self._announce_again()
        if time.monotonic() - self.cleaned_at >= _CLEANING_SECONDS:
            self._forget()
            self.cleaned_at = time.monotonic()

    def _watch_workers(self, now: float) -> None:
        with self.ctx.db.read() as session:
            rows = workers.all_workers(session)
        if now - self.watched_at > self._blind_after:
            log.warning("watches_begin_anew", blind_seconds=now - self.watched_at)
            self.watches.clear()
        self.watched_at = now
        for row in rows:
            beat = (row.incarnation, row.heartbeat_counter)
            watch = self.watches.get(row.id, Watch(beat=beat, since=now)).seen(beat, now)
            self.watches[row.id] = watch
            silence = timedelta(seconds=watch.silence(now))
            if silence >= self.ctx.limits.unreachable_after and not row.unreachable:
                self._lose_sight(row)
            if silence >= self.ctx.limits.lost_after:
                self._give_up(row, silence)

    @property
    def _blind_after(self) -> float:
        """Seconds between two looks after which it was us who were away, not the workers."""
        shortest = min(self.ctx.limits.unreachable_after, self.ctx.limits.lost_after)
        return shortest.total_seconds() / 2

    def _lose_sight(self, row: WorkerRow) -> None:
        log.warning("worker_unreachable", worker=row.id, name=row.name)
        with self.ctx.db.write() as session:
            workers.set_unreachable(session, row.id, True)
            for attempt in attempts.of_worker(session, row.id, [AttemptState.ASSIGNED]):
                attempting.put_back(
                    self.ctx,
                    session,
                    attempt,
                    say("event_put_back", worker=row.name),
                )
            queueing.worker_changed(self.ctx, session, row.id)

    def _give_up(self, row: WorkerRow, silence: timedelta) -> None:
        with self.ctx.db.write() as session:
            for attempt in attempts.of_worker(session, row.id, CLAIMED):
                log.warning("attempt_lost", worker=row.id, attempt=attempt.id)
                attempting.lose(
                    self.ctx,
                    session,
                    attempt.id,
                    say("worker_silent", worker=row.name, seconds=round(silence.total_seconds())),
                )

    def _announce_again(self) -> None:
        now = self.ctx.clock.now()
        with self.ctx.db.read() as session:
            overdue = attempts.unclaimed(session, now - self.ctx.limits.resend_after, limit=_MAX_RESENT)
        if not overdue:
            return
        with self.ctx.db.write() as session:
            attempts.mark_announced(session, [row.id for row in overdue], now)
        for row in overdue:
            log.info("announced_again", attempt=row.id, worker=row.worker_id)
            attempting.send_run(self.ctx, row)

    def _forget(self) -> None:
        retention.enforce(self.ctx)
        self.ctx.queue.doubt()
        now = self.ctx.clock.now()
        with self.ctx.db.write() as session:
            idempotency.remove_older(session, now - REMEMBERED, now - ABANDONED)
            users.remove_expired(session, now)
            self.ctx.uploads.remove_older(now - _UNUSED_KEPT)
            # Inside the transaction: an upload of the same bytes that ends now sees either both or neither.
            for sha256 in blobs.remove_unused(session, now - _UNUSED_KEPT, limit=_MAX_REMOVED):
                self.ctx.objects.delete(sha256)
