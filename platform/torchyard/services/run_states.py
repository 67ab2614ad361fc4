"""Where the nodes of runs stand, remembered between two looks at a run.

Each change of a node's state is told as an event in the transaction that makes it. So what was read once is
brought up to date by the few events since, and a run's thousands of nodes are not read at every step.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from torchyard.contracts.runs import NodeState
from torchyard.storage import run_nodes, runs
from torchyard.storage.workflow_tables import RunRow

#: Runs whose nodes are remembered.
_MAX_KNOWN = 200


class _Known(NamedTuple):
    events: int
    states: dict[str, NodeState]


class RunStates:
    """What was seen of runs; for one thread."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def of(self, session: Session, run: RunRow) -> Mapping[str, NodeState]:
        """Where each node of the run stands, at its latest event or later.

        Args:
            session: The transaction in which the run was read.
            run: The run. If it is locked, this is where its nodes stand until the transaction ends.
        """
        known = self._known.pop(run.id, None)
        if known is None or known.events > run.events:
            known = _Known(run.events, run_nodes.states(session, run.id))
        elif known.events < run.events:
            since = runs.events(session, run.id, after=known.events)
            changed = {event.node: NodeState(event.state) for event in since if event.node is not None}
            last = since[-1].seq if since else known.events
            known = _Known(last, {**known.states, **changed})
        self._known[run.id] = known
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return known.states

    def forget(self, run_id: str) -> None:
        """The run has ended."""
        self._known.pop(run_id, None)
