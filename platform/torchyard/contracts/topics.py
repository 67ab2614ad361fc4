"""Names on the Celery wire. A message is only a hint: the claim over HTTP decides."""

#: "Attempt X is yours": one argument, the attempt's UUID.
RUN_ATTEMPT = "torchyard.run_attempt"
#: "Stop attempt X": one argument, the attempt's UUID.
CANCEL_ATTEMPT = "torchyard.cancel_attempt"


def worker_queue(worker_id: str) -> str:
    """The queue that only this worker consumes."""
    return f"torchyard.worker.{worker_id}"
