"""What a script may see and touch. Tier 0: a process tree, directories and an environment of its own."""

import os
import pwd
from pathlib import Path

from torchyard.contracts.runner import ClaimedAttempt
from torchyard.contracts.sayings import Sentence, say

#: Where programs are, beside the runtime's.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tier() -> int:
    """How far this machine keeps a script apart from the rest."""
    return 0


def notes() -> list[Sentence]:
    """What that tier lacks, for people."""
    apart = say("isolation_root") if os.geteuid() == 0 else say("isolation_user", user=_user())
    return [apart, say("isolation_unlimited")]


def environment(
    claimed: ClaimedAttempt, interpreter: Path, *, work: Path, home: Path, temporary: Path
) -> dict[str, str]:
    """The whole environment of a script; nothing of the worker's own goes into it.

    Args:
        claimed: The attempt.
        interpreter: The runtime's Python; its directory comes first in PATH.
        work: The script's directory.
        home: What it is told is its home.
        temporary: Where its temporary files go.
    """
    defaults = {
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": str(claimed.spec.resources.cpus),
    }
    fixed = {
        "PATH": f"{interpreter.parent}:{SYSTEM_PATH}",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        # Empty, not missing: without it CUDA takes every GPU there is.
        "CUDA_VISIBLE_DEVICES": ",".join(claimed.gpus),
        # No script asks a cloud's metadata service for the machine's own credentials unawares.
        "AWS_EC2_METADATA_DISABLED": "true",
        "TORCHYARD_JOB_ID": claimed.job_id,
        "TORCHYARD_ATTEMPT": str(claimed.number),
        "TORCHYARD_OUTPUTS": str(work / "outputs"),
        "TORCHYARD_INPUTS": str(work / "inputs"),
    }
    asked = claimed.spec.environment | {
        name: value.get_secret_value() for name, value in claimed.environment.items()
    }
    return defaults | asked | fixed


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"user {os.geteuid()}"
