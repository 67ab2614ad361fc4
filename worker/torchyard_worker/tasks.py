"""The Celery end of the worker: two messages, each only a hint, and the consumer that receives them."""

import logging
import threading
import uuid
from collections.abc import Callable

import structlog
from celery import Celery
from celery.worker import WorkController, state

from torchyard.contracts.topics import CANCEL_ATTEMPT, RUN_ATTEMPT

log = structlog.get_logger()

#: Seconds between two looks whether the consumer is still there.
_RESTART_SECONDS = 5.0


def make_app(broker_url: str, *, run: Callable[[str], None], cancel: Callable[[str], None]) -> Celery:
    """The Celery application that a worker consumes with.

    Args:
        broker_url: Where the messages come from.
        run: Runs an attempt to its end, in the calling thread.
        cancel: Has an attempt stopped; returns at once.
    """
    app = Celery("torchyard_worker", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        # The claim decides who runs an attempt. A late acknowledgement would only bring the message again.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=5,
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
    )

    @app.task(name=RUN_ATTEMPT, ignore_result=True)
    def run_attempt(attempt_id: str) -> None:
        if is_attempt_id(attempt_id):
            run(attempt_id)

    @app.task(name=CANCEL_ATTEMPT, ignore_result=True)
    def cancel_attempt(attempt_id: str) -> None:
        if is_attempt_id(attempt_id):
            cancel(attempt_id)

    return app


def is_attempt_id(text: object) -> bool:
    """Whether this is a UUID in its usual form; anybody may have written it, and it becomes a path."""
    try:
        genuine = isinstance(text, str) and str(uuid.UUID(text)) == text
    except ValueError:
        genuine = False
    if not genuine:
        log.warning("message_refused", attempt=repr(text)[:100])
    return genuine


class Consumer:
    """Receives messages until it is stopped, with a pool of threads.

    Args:
        app: The application with the tasks.
        queue: The worker's own queue.
        threads: Tasks that can run at once; more than can be placed, so that no message waits behind another.
    """

    def __init__(self, app: Celery, queue: str, threads: int) -> None:
        self._app = app
        self._queue = queue
        self._threads = threads
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._consume, name="consumer", daemon=True)

    def start(self) -> None:
        """Begin."""
        # Celery tells every retry and shutdown at length; what matters reaches us as warnings.
        for name in ("celery", "kombu"):
            logging.getLogger(name).setLevel(logging.WARNING)
        state.should_stop = None
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """End, once the running tasks have returned; whether that took less than `seconds`."""
        self._stopped.set()
        # Its type was taken from its first value; Celery's own signal handlers put the exit code here.
        state.should_stop = 0  # type: ignore[assignment]
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _consume(self) -> None:
        while not self._stopped.is_set():
            log.info("consuming", queue=self._queue, threads=self._threads)
            controller = WorkController(
                app=self._app,
                pool_cls="threads",
                concurrency=self._threads,
                queues=[self._queue],
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            )
            controller.start()
            # It only returns when it was told to, or is beyond its own repair.
            if not self._stopped.is_set():
                log.error("consumer_ended", exit_code=controller.exitcode)
                self._stopped.wait(_RESTART_SECONDS)
