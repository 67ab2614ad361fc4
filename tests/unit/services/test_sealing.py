import pytest

from torchyard.errors import SealBroken, StartRefused
from torchyard.services.sealing import Sealer, new_key


def test_what_was_sealed_comes_back_and_looks_different_every_time() -> None:
    sealer = Sealer([new_key()])

    first, second = sealer.seal("höchst geheim"), sealer.seal("höchst geheim")

    assert first != second
    assert "geheim" not in first
    assert sealer.unseal(first, "it") == sealer.unseal(second, "it") == "höchst geheim"


def test_keys_are_changed_without_losing_anything() -> None:
    old, new = new_key(), new_key()
    sealed = Sealer([old]).seal("value")

    renewed = Sealer([new, old]).renew(sealed, "it")

    assert Sealer([new]).unseal(renewed, "it") == "value"
    assert Sealer([new, old]).unseal(sealed, "it") == "value"


@pytest.mark.parametrize("broken", ["", "nonsense", "gAAAAA", "é"])
def test_what_no_key_opens_is_said_to_be_so(broken: str) -> None:
    sealer = Sealer([new_key()])
    for sealed in (broken, Sealer([new_key()]).seal("value")):
        for action in (sealer.unseal, sealer.renew):
            with pytest.raises(SealBroken, match="'KEY' was encrypted with a key"):
                action(sealed, "the secret 'KEY'")


@pytest.mark.parametrize("keys", [[], [""], ["short"], [new_key(), "short"], ["ü" * 44]])
def test_a_key_that_is_none_is_refused_without_being_told(keys: list[str]) -> None:
    with pytest.raises(StartRefused) as problem:
        Sealer(keys)

    assert "short" not in problem.value.message
