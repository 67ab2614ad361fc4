"""A job's log on its way to the terminal, byte for byte."""

import sys
from dataclasses import dataclass
from typing import BinaryIO

from torchyard.cli import terminal
from torchyard.client import Client, LogPiece
from torchyard.contracts.jobs import TERMINAL, Job
from torchyard.contracts.logs import LogName, Stream


@dataclass(frozen=True)
class Sink:
    """Where pieces go, at once and in order."""

    stdout: BinaryIO
    stderr: BinaryIO

    def write(self, piece: LogPiece) -> None:
        """Give the bytes to the stream that the script wrote them to."""
        target = self.stderr if piece.stream is Stream.STDERR else self.stdout
        target.write(piece.data)
        target.flush()


def streams() -> Sink:
    """Each stream back to where it belongs."""
    return Sink(sys.stdout.buffer, sys.stderr.buffer)


def all_to_stdout() -> Sink:
    """The log as one file."""
    return Sink(sys.stdout.buffer, sys.stdout.buffer)


def all_to_stderr() -> Sink:
    """The log for a person, while stdout is for a program."""
    return Sink(sys.stderr.buffer, sys.stderr.buffer)


class Follower:
    """Follows one log of a job through all its attempts; can be stopped by Ctrl-C and go on."""

    def __init__(self, client: Client, job: Job, sink: Sink, name: LogName = LogName.STDOUT) -> None:
        self._client = client
        self._job = job
        self._sink = sink
        self._name = name
        self._attempt = job.attempt
        self._position = 0

    def to_the_end(self) -> Job:
        """Write the log from where it stands until the job has ended; how it ended."""
        while True:
            self._write_attempt()
            job = self._client.get(self._job.id)
            if job.attempt == self._attempt:
                return job if job.state in TERMINAL else self._client.wait(job.id)
            terminal.say(f"attempt {job.attempt} follows, as attempt {self._attempt} failed")
            self._attempt, self._position = job.attempt, 0

    def _write_attempt(self) -> None:
        pieces = self._client.logs(
            self._job.id, self._name, follow=True, offset=self._position, attempt=self._attempt
        )
        for piece in pieces:
            self._sink.write(piece)
            self._position = piece.end
