"""The end of an attempt, told until the platform has confirmed it."""

import structlog

from torchyard.contracts.logs import SCRIPT_LOGS, LogName
from torchyard.contracts.runner import Finish
from torchyard.contracts.sayings import say
from torchyard.errors import LogMismatch, RequestRefused
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shipping import Shipper

log = structlog.get_logger()

#: Times a log is sent again from its start before the attempt is finished without its confirmation.
_MAX_MISMATCHES = 5


def finish(api: PlatformApi, held: HeldAttempt, final: Finish, shipper: Shipper | None = None) -> None:
    """Have the platform confirm the end; logs that it has not whole are sent again.

    Args:
        api: The platform.
        held: The attempt; from now on there is nothing left to be stopped.
        final: What is to be confirmed.
        shipper: The one that sent the attempt's logs, if `final` seals any.

    Raises:
        AttemptStale: The attempt is not this worker's any more.
        Detached: The worker stops.
        RequestRefused: The platform takes this end in no form.
    """
    held.past_launch()
    for _ in range(_MAX_MISMATCHES):
        try:
            return _send(api, held, final)
        except LogMismatch as answer:
            log.warning("log_mismatch", attempt=held.id, log=answer.extra.get("log"))
            if shipper is not None:
                for name in _named(answer):
                    shipper.resend(name)
                shipper.drain()
    unconfirmed = say("logs_unconfirmed")
    return _send(api, held, final.model_copy(update={"logs": [], "messages": [*final.messages, unconfirmed]}))


def _send(api: PlatformApi, held: HeldAttempt, final: Finish) -> None:
    try:
        held.persist("finish", lambda: api.finish(held.id, final))
    except RequestRefused as refusal:
        log.warning("finish_refused", attempt=held.id, reason=refusal.message)
        if not final.artifacts and not final.messages:
            raise
        # How the script ended has to come through, even if what it left does not.
        told = [say("left_refused", problem=refusal.message)]
        bare = final.model_copy(update={"artifacts": [], "messages": told})
        held.persist("finish", lambda: api.finish(held.id, bare))


def _named(answer: LogMismatch) -> list[LogName]:
    named = [name for name in SCRIPT_LOGS if name == answer.extra.get("log")]
    return named or list(SCRIPT_LOGS)
