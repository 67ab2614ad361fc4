"""A quick look whether a line may report numbers, before it is read in earnest."""

import re2


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, whatever they say
    return options


#: What a line has that says something: a number behind a sign, a bar, the name of a place or of a result.
#: By RE2, as it is tried on every line of large logs.
_MAYBE = re2.compile(
    rb"""(?i)[:=]\s{0,8}["']?(?:tensor\(|np\.float\d\d\(|float\()?[-+]?(?:\.?\d|nan|inf)|%\|"""
    rb"|epoch|step|iter|batch|loss|acc|auc|f1|lr|ppl|perp|mse|mae|err|rew|return|score|iou|dice|map|bleu|rouge"
    rb"|prec|recall|psnr|ssim|fid|kl|norm|nll|top\d|[\x80-\xff]",
    _options(),
)


def may_say(line: bytes) -> bool:
    """Whether it is worth while to read the line; a quick look, which few lines of most large logs pass."""
    return bool(_MAYBE.search(line))
