import contextlib
import shlex

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from torchyard.contracts.jobs import split_arguments


@given(st.text(st.sampled_from("a-='\"\\ \t\r\n\v\u3000#;$深")))
def test_arguments_are_split_as_shlex_does(arguments: str) -> None:
    with contextlib.suppress(PydanticCustomError):
        assert split_arguments(arguments) == shlex.split(arguments)
