"""`client.sweeps`: one run for each combination of parameter values, and their results."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection as Http
from torchyard.client.connection import Page
from torchyard.contracts.sweeps import Sweep, SweepDetail

_DETAIL = TypeAdapter(SweepDetail)
_SWEEPS = TypeAdapter(Page[Sweep])


class Sweeps:
    """The verbs of sweeps."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self,
        workflow_id: str,
        parameters: Mapping[str, Any],
        *,
        name: str = "",
        version: int | None = None,
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> SweepDetail:
        """Make one run for each combination of parameter values, at most 1,000.

        Args:
            workflow_id: The workflow.
            parameters: By parameter: a list of values, a range (`{"start": 1, "stop": 5, "step": 1}`, the
                stop included), or one value that all runs get. The first one changes slowest.
            name: A name for people.
            version: The workflow's version; the latest if left out.
            force: Run every node, whatever could be reused.
            idempotency_key: Two calls with the same key make one sweep, for a day.
        """
        body: dict[str, Any] = {"parameters": dict(parameters), "name": name, "force": force}
        if version is not None:
            body["version"] = version
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._http.ask(
            _DETAIL, "POST", _of_workflow(workflow_id), repeatable=True, json=body, headers=headers
        )

    def get(self, sweep_id: str) -> SweepDetail:
        """The sweep: of each run its parameters, its state, how long it took and the metrics it left."""
        return self._http.ask(_DETAIL, "GET", _path(sweep_id))

    def all(self, workflow_id: str) -> Iterator[Sweep]:
        """The workflow's sweeps, newest first, asked for part by part as they are used."""
        return self._http.listed(_SWEEPS, _of_workflow(workflow_id), {})

    def stop(self, sweep_id: str) -> SweepDetail:
        """Stop all runs of the sweep that have not ended."""
        return self._http.ask(_DETAIL, "POST", f"{_path(sweep_id)}/stop", repeatable=True)


def _path(sweep_id: str) -> str:
    return f"/sweeps/{quote(sweep_id, safe='')}"


def _of_workflow(workflow_id: str) -> str:
    return f"/workflows/{quote(workflow_id, safe='')}/sweeps"
