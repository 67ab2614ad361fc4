"""Hints to workers as Celery messages."""

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from torchyard.contracts import topics
from torchyard.errors import Unavailable


class CeleryDispatcher:
    """A `Dispatcher` that sends tasks by name, each to its worker's own queue; may be used by any thread."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("torchyard", broker=broker_url, set_as_current=False)
        self._app.conf.update(
            accept_content=["json"],
            task_serializer="json",
            task_ignore_result=True,
            # The reconciler sends again; a request must not wait for a broker that is away.
            task_publish_retry=False,
            broker_transport_options={
                "socket_timeout": 5,
                "socket_connect_timeout": 2,
                "health_check_interval": 25,
                "max_retries": 0,
            },
        )

    def run_attempt(self, queue: str, attempt_id: str) -> None:
        """Tell the worker behind `queue` that this attempt is its own to claim.

        Raises:
            Unavailable: The broker can't be reached.
        """
        self._send(topics.RUN_ATTEMPT, queue, attempt_id)

    def cancel_attempt(self, queue: str, attempt_id: str) -> None:
        """Tell the worker behind `queue` to stop this attempt.

        Raises:
            Unavailable: The broker can't be reached.
        """
        self._send(topics.CANCEL_ATTEMPT, queue, attempt_id)

    def close(self) -> None:
        """End the connections to the broker."""
        self._app.close()

    def _send(self, topic: str, queue: str, attempt_id: str) -> None:
        try:
            self._app.send_task(topic, args=[attempt_id], queue=queue)
        except (OperationalError, RedisError, OSError) as problem:
            raise Unavailable("the message broker can't be reached") from problem
