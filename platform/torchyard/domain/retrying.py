"""Whether an attempt whose worker went away is tried again."""

from torchyard.domain.lifecycle import AttemptState

#: Attempts of one job that may be lost: a job that takes workers down does so this often at most.
MAX_ATTEMPTS = 5


def retry_after_loss(state: AttemptState, number: int) -> bool:
    """Whether a lost attempt is followed by another one.

    Nothing is lost by trying again while the script has not started; a script that ran may have
    done things that must not happen twice.

    Args:
        state: Where the attempt stood when it was lost.
        number: Its number, from 1.
    """
    return state is not AttemptState.RUNNING and number < MAX_ATTEMPTS
