"""How long something lasts, in words."""

from torchyard.contracts.sayings import Sentence, say

_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def in_words(seconds: float) -> Sentence:
    """In the largest unit of which it is one at least: `90` is 1.5 minutes."""
    unit, length = next((one for one in _UNITS if seconds >= one[1]), _UNITS[-1])
    amount = float(f"{seconds / length:.4g}")
    return say(unit, count=int(amount) if amount.is_integer() else amount)
