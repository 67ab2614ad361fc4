"""Whether the files that a graph's nodes name can be run; looked at outside any transaction."""

from pydantic import ValidationError

from torchyard.contracts.graphs import Graph, Node, NodeKind
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.workflows import Problem
from torchyard.domain import validation
from torchyard.errors import BlobNotUploaded, InvalidInput, TooLarge
from torchyard.services import jobs
from torchyard.services.context import Context

#: The fields of a node's settings that name its files, or say how they are judged.
_FIELDS = ("script", "dependencies", "ignore_warnings")


def check_files(ctx: Context, graph: Graph) -> None:
    """Refuse scripts that do not compile and archives that can't be extracted.

    What is no file at all, the graph's own validation tells; what was not uploaded, the run's beginning.

    Raises:
        WorkflowInvalid: Some can't be run; all of them are told.
    """
    judged: dict[str, Problem | None] = {}
    found = []
    for node in graph.nodes:
        files = _files(node)
        if files is None:
            continue
        key = files.model_dump_json()
        if key not in judged:
            judged[key] = _judge(ctx, files)
        problem = judged[key]
        if problem is not None:
            found.append(problem.model_copy(update={"node": node.name}))
    if found:
        raise validation.refusal(found)


def _files(node: Node) -> JobCreate | None:
    if node.kind is not NodeKind.PYTORCH or node.skip:
        return None
    try:
        return JobCreate.model_validate(
            {name: node.settings[name] for name in _FIELDS if name in node.settings}
        )
    except ValidationError:
        return None


def _judge(ctx: Context, files: JobCreate) -> Problem | None:
    try:
        jobs.check_uploaded(ctx, files)
    except BlobNotUploaded:
        return None
    except (InvalidInput, TooLarge) as problem:
        field = "dependencies" if problem.field == "dependencies" else "script"
        return Problem(code=problem.code, message=problem.message, field=f"settings.{field}")
    return None
