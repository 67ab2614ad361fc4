"""Which printed names are those of results."""

import re
from functools import lru_cache

_METRIC = re.compile(
    r"(?:^|[ _/@.-])(?:loss|losses|acc|accuracy|auc|f1|lr|ppl|perplexity|mse|mae|rmse|err|error|reward|"
    r"return|score|iou|miou|dice|map|bleu|rouge|precision|recall|psnr|ssim|fid|kl|norm|nll|top1|top5|acc@?\d)"
    r"(?:$|[ _/@.-])",
    re.IGNORECASE,
)
_TIMES = (
    "time times timestamp elapsed eta sec secs second seconds ms us min mins minute minutes hour hours "
    "day year month date duration dur took runtime latency fps dt speed throughput"
)
_THINGS = (
    "version ver v port pid seed rank id line device cuda gpu gpus mem memory addr address ip host size "
    "workers samples exitcode code"
)
_UNWANTED = frozenset([*_TIMES.split(), *_THINGS.split()])
_PLACES = frozenset({"epoch", "step", "iter", "iteration", "batch", "it", "epochs", "steps", "iterations"})
_LEADING = frozenset({"with", "and", "the", "at", "is", "of", "has", "in", "a", "an"})
_NOT_LETTERS = re.compile(r"[^a-z]+")


@lru_cache(maxsize=4096)
def is_wanted(name: str) -> bool:
    """Whether numbers of this name are results; not timings, versions, places and the like."""
    words = [word for word in _NOT_LETTERS.split(name.lower()) if word]
    if words == ["data"]:  # in PyTorch's examples, the time that loading took
        return False
    return not (_UNWANTED.intersection(words) or (words and words[-1] in _PLACES))


@lru_cache(maxsize=4096)
def is_metric(name: str) -> bool:
    """Whether the name is one that results have."""
    return bool(_METRIC.search(name))


@lru_cache(maxsize=4096)
def bare(key: str) -> str:
    """The name without the words of a sentence before it."""
    words = key.split(" ")
    while len(words) > 1 and words[0].lower() in _LEADING:
        words.pop(0)
    return " ".join(words).strip(".-'/")
