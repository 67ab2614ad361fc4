"""Sentences that are told together with what they are made of, so that an app can say them in any language.

The catalogue of all of them is `torchyard.contracts.sentences`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union

from pydantic import Field, PlainSerializer, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from torchyard.contracts.models import Lenient, Told
from torchyard.contracts.sentences import SENTENCES

#: A text, a number, something said in turn, or several of these.
Fact = Union[Told, int, float, "Saying", list[Union[Told, "Saying"]]]


class Saying(Lenient):
    """What a sentence says, whatever the language: which one it is, and what stands in it."""

    code: Told = Field(description="Which sentence. Stable; one that is not known is told in English alone.")
    facts: dict[Told, Fact] = Field({}, description="What stands in it, by name.")


Saying.model_rebuild()


class Sentence(str):
    """An English sentence that knows what it says."""

    saying: Saying

    def __new__(cls, text: str, saying: Saying) -> "Sentence":
        """The text, with what it was made of."""
        made = super().__new__(cls, text)
        made.saying = saying
        return made


def say(code: str, **facts: Any) -> Sentence:
    """The sentence of this code with these facts; a fact may be a sentence, or a list of texts and sentences.

    Where the catalogue has one sentence for a `count` of one and one for others, that fact decides.
    """
    known = SENTENCES[code]
    if isinstance(known, tuple):
        known = known[0 if facts.get("count") == 1 else 1]
    words = {
        name: _listed(fact) if isinstance(fact, list | tuple) else str(fact) for name, fact in facts.items()
    }
    return Sentence(
        known.format_map(words), Saying(code=code, facts={name: _told(one) for name, one in facts.items()})
    )


def telling(text: str, code: str, facts: Mapping[str, Any]) -> str:
    """A text that pydantic put together, with what it says.

    Args:
        text: The text.
        code: Which sentence it is, unless the fact `says` names another one.
        facts: What stands in it; what nobody could read is left out.
    """
    code = str(facts.get("says", code))
    if code not in SENTENCES:
        return text
    told = {name: _told(fact) for name, fact in facts.items() if isinstance(fact, str | int | float)}
    told.pop("says", None)
    return Sentence(text, Saying(code=code, facts=told))


def saying_of(text: str | None) -> Saying | None:
    """What a sentence says; None if that is not known."""
    return text.saying if isinstance(text, Sentence) else None


def with_saying(fields: Any) -> Any:
    """A model's fields, with `saying` filled from a `message` that knows what it says; for its validator."""
    if not isinstance(fields, dict) or "saying" in fields:
        return fields
    saying = saying_of(fields.get("message"))
    return fields if saying is None else {**fields, "saying": saying}


def spoken(sentence: str | None) -> dict[str, Any]:
    """A sentence and what it says, as the members `sentence` and `saying` of a row."""
    saying = saying_of(sentence)
    return {
        "sentence": None if sentence is None else str.__str__(sentence),
        "saying": None if saying is None else saying.model_dump(mode="json"),
    }


def sent(line: str) -> str | dict[str, Any]:
    """A line as it crosses to another process: a text, or what it says along with it."""
    saying = saying_of(line)
    return line if saying is None else {"text": str.__str__(line), "saying": saying.model_dump(mode="json")}


def received(line: Any) -> Any:
    """A line as it was before it was sent; what is none is given back as it is."""
    if not isinstance(line, Mapping):
        return line
    text = str(line.get("text", ""))
    try:
        return Sentence(text, Saying.model_validate(line.get("saying")))
    except ValidationError:  # what a newer peer has to say is told in English
        return text


def _received(line: Any, checked: ValidatorFunctionWrapHandler) -> str:
    given = received(line)
    text: str = checked(given)
    return Sentence(text, given.saying) if isinstance(given, Sentence) else text


#: Text from a peer that may know what it says.
Line = Annotated[Told, WrapValidator(_received), PlainSerializer(sent)]


def reread(sentence: str | None, saying: Mapping[str, Any] | None) -> str | None:
    """A sentence as it was before it was stored as these two members."""
    if sentence is None or saying is None:
        return sentence
    return Sentence(sentence, Saying.model_validate(saying))


def _told(fact: Any) -> Fact:
    if isinstance(fact, list | tuple):
        return [one.saying if isinstance(one, Sentence) else str(one) for one in fact]
    if isinstance(fact, Sentence):
        return fact.saying
    return fact if isinstance(fact, int | float) else str(fact)


def _listed(parts: Sequence[Any]) -> str:
    words = [str(part) for part in parts]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
