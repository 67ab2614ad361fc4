"""`client.runs`: starting runs, following, stopping and resuming them."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection, Page
from torchyard.client.following import follow
from torchyard.contracts.graphs import Graph
from torchyard.contracts.runs import (
    AdHocRun,
    Explanation,
    NodeAttempt,
    Resume,
    Run,
    RunAgain,
    RunComparison,
    RunCreate,
    RunDetail,
    RunEvent,
    RunState,
)

#: Events in one answer; the most that the platform gives.
_EVENTS_AT_ONCE = 10_000

_RUN = TypeAdapter(Run)
_RUNS = TypeAdapter(Page[Run])
_DETAIL = TypeAdapter(RunDetail)
_ATTEMPTS = TypeAdapter(list[NodeAttempt])
_EXPLANATION = TypeAdapter(Explanation)
_COMPARISON = TypeAdapter(RunComparison)
_EVENTS = TypeAdapter(list[RunEvent])


class Runs:
    """The verbs of runs."""

    def __init__(self, http: Connection) -> None:
        self._http = http

    def start(
        self, workflow: str | Graph, *, idempotency_key: str | None = None, **request: Any
    ) -> RunDetail:
        """Start a run.

        Args:
            workflow: The workflow's id; or a graph, which is then not saved as a workflow.
            idempotency_key: Two starts with the same key make one run, for a day.
            **request: The fields of a RunCreate: `mode`, `parameters`, `source_run`, `force`, `name`,
                `data_time`, `version`.

        Raises:
            RequestRefused: It can't run; `workflow_invalid` tells every mistake in `errors`.
        """
        wanted = (
            AdHocRun.model_validate({"graph": workflow, **request})
            if isinstance(workflow, Graph)
            else RunCreate.model_validate(request)
        )
        path = "/runs" if isinstance(workflow, Graph) else f"/workflows/{quote(workflow, safe='')}/runs"
        return self._create(path, wanted.model_dump(mode="json", exclude_unset=True), idempotency_key)

    def again(self, run_id: str, *, idempotency_key: str | None = None, **changed: Any) -> RunDetail:
        """Start a new run of the same frozen graph; `changed` are fields of a RunAgain."""
        wanted = RunAgain.model_validate(changed).model_dump(mode="json", exclude_unset=True)
        return self._create(f"{_path(run_id)}/run-again", wanted, idempotency_key)

    def get(self, run_id: str) -> RunDetail:
        """The run as it stands, with its frozen graph and all its nodes."""
        return self._http.ask(_DETAIL, "GET", _path(run_id))

    def all(
        self,
        *,
        workflow: str | None = None,
        states: Iterable[RunState] = (),
        trigger: str | None = None,
        sweep: str | None = None,
        id_prefix: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Run]:
        """Runs, newest first, asked for part by part as they are used.

        Args:
            workflow: Only those of this workflow.
            states: Only those in one of these states; all if empty.
            trigger: Only those that were made by this: `manual`, `schedule`, …
            sweep: Only those of this sweep.
            id_prefix: Only those whose id begins like this.
            limit: At most so many.
        """
        chosen = {"workflow": workflow, "trigger": trigger, "sweep": sweep, "id_prefix": id_prefix}
        params: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        params["state"] = [state.value for state in states]
        return self._http.listed(_RUNS, "/runs", params, limit)

    def wait(self, run_id: str) -> RunDetail:
        """The run, once it has ended."""
        for _ in follow(self._http, f"{_path(run_id)}/events/stream", {}):
            pass
        return self.get(run_id)

    def stop(self, run_id: str, node: str | None = None) -> Run:
        """Stop the run, or one node of it; `RequestRefused` with code `run_ended` if that has ended."""
        within = f"/nodes/{quote(node, safe='')}" if node is not None else ""
        return self._http.ask(_RUN, "POST", f"{_path(run_id)}{within}/stop")

    def resume(self, run_id: str, **wanted: Any) -> RunDetail:
        """Run nodes again inside the same run.

        Args:
            run_id: The run.
            **wanted: The fields of a Resume: `nodes`, `downstream`, `settings`, `overrides`; without any,
                what failed, was stopped or never ran is resumed.
        """
        body = Resume.model_validate(wanted).model_dump(mode="json", exclude_unset=True)
        return self._http.ask(_DETAIL, "POST", f"{_path(run_id)}/resume", json=body)

    def delete(self, run_id: str) -> None:
        """Remove a run that has ended; its jobs stay."""
        self._http.request("DELETE", _path(run_id))

    def attempts(self, run_id: str, node: str) -> list[NodeAttempt]:
        """The tries of a node in the run, first to last."""
        return self._http.ask(_ATTEMPTS, "GET", f"{_path(run_id)}/nodes/{quote(node, safe='')}/attempts")

    def explain(self, run_id: str, node: str) -> Explanation:
        """Why a node of the run ran or was reused, field by field against its last success."""
        return self._http.ask(_EXPLANATION, "GET", f"{_path(run_id)}/nodes/{quote(node, safe='')}/explain")

    def compare(self, before: str, after: str) -> RunComparison:
        """Two runs beside each other: graphs, parameters, and node by node."""
        return self._http.ask(_COMPARISON, "GET", f"{_path(before)}/compare/{quote(after, safe='')}")

    def events(
        self,
        run_id: str,
        *,
        after: int = 0,
        follow: bool = False,
        on_quiet: Callable[[], None] | None = None,
    ) -> Iterator[RunEvent]:
        """Every change of state of the run and its nodes, first to last.

        Args:
            run_id: The run.
            after: Only events with a higher number.
            follow: Go on until it ends.
            on_quiet: Called while one follows and nothing happens, every 15 s.
        """
        return self._followed(run_id, after, on_quiet) if follow else self._told(run_id, after)

    def _create(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> RunDetail:
        key = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._http.ask(_DETAIL, "POST", path, repeatable=True, headers=key, json=body)

    def _told(self, run_id: str, after: int) -> Iterator[RunEvent]:
        while True:
            told = self._http.ask(_EVENTS, "GET", f"{_path(run_id)}/events", params={"after": after})
            yield from told
            if len(told) < _EVENTS_AT_ONCE:
                return
            after = told[-1].seq

    def _followed(self, run_id: str, after: int, on_quiet: Callable[[], None] | None) -> Iterator[RunEvent]:
        for event in follow(self._http, f"{_path(run_id)}/events/stream", {"after": after}):
            if event.name == "message":
                yield RunEvent.model_validate_json(event.data)
            elif event.name == "ping" and on_quiet is not None:
                on_quiet()


def _path(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"
