from hypothesis import given
from hypothesis import strategies as st

from torchyard.contracts.sayings import say, saying_of
from torchyard.domain.masking import mask, mask_line, mask_text, maskable, overlap

VALUE = b"correct horse"


def test_values_become_stars_and_no_offset_moves() -> None:
    assert mask(b"key=correct horse.", [VALUE]) == b"key=*************."


def test_overlapping_values_are_masked_whole() -> None:
    assert mask(b"-abcdefghijkl-", [b"abcdefgh", b"efghijkl"]) == b"-************-"
    assert mask(b"aaaaaaaaaa", [b"aaaaaaaa"]) == b"*" * 10


def test_a_value_that_has_only_begun_is_masked_from_its_fourth_byte_on() -> None:
    assert mask(b"say corr", [VALUE]) == b"say ****"
    assert mask(b"say cor", [VALUE]) == b"say cor"
    assert mask(b"corr", [VALUE]) == b"****"


def test_short_values_are_left_alone_as_they_would_be_everywhere() -> None:
    assert maskable(["true", "1234567", "", " 12345678 "]) == [b" 12345678 ", b"12345678"]
    assert mask(b"true", maskable(["true"])) == b"true"


def test_text_is_masked_by_its_bytes() -> None:
    assert (
        mask_text("der Schlüssel-über-alles!", maskable(["Schlüssel-über"])) == "der ****************-alles!"
    )
    assert mask_text("nothing hidden", []) == "nothing hidden"


def test_a_line_in_which_something_is_masked_knows_no_more_what_it_says() -> None:
    line = say("unreadable", problem="correct horse battery")
    shown = mask_line(line, [VALUE])
    assert (shown, saying_of(shown)) == ("can't be read: ************* battery", None)
    assert saying_of(mask_line(line, [b"another value"])) == line.saying
    assert mask_line("plain", [VALUE]) == "plain"


@given(st.lists(st.sampled_from([b"secret-one", b"one-secret", b"sec", b"one", b"\n", b"-"])), st.data())
def test_any_part_read_with_its_surroundings_shows_what_the_whole_shows(
    printed: list[bytes], data: st.DataObject
) -> None:
    wanted = [b"secret-one", b"one-secret"]
    whole = b"".join(printed)
    shown, around = mask(whole, wanted), overlap(wanted)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    left = max(0, start - around)

    part = mask(whole[left : stop + around], wanted)[start - left : stop - left]

    assert len(part) == stop - start
    assert all(one == other or other == ord("*") for one, other in zip(shown[start:stop], part, strict=True))
