import os
from pathlib import Path

import pytest

from torchyard.client.address import find
from torchyard.errors import InvalidInput


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.startswith("TORCHYARD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / ".torchyard"
    directory.mkdir()
    (directory / "token").write_text("ty_home\n")
    return directory


def test_the_home_here_gives_the_token_of_the_platform_here() -> None:
    found = find()
    assert (found.url, found.token) == ("http://127.0.0.1:8000", "ty_home")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"TORCHYARD_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"TORCHYARD_HOST": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"TORCHYARD_HOST": "::1"}, "http://[::1]:8000"),
        ({"TORCHYARD_URL": "https://yard.example/", "TORCHYARD_PORT": "9000"}, "https://yard.example"),
    ],
)
def test_the_environment_says_where_the_platform_is(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find().url == url


def test_the_settings_file_of_the_home_counts_too(home: Path) -> None:
    (home / "torchyard.toml").write_text("port = 9001\n")
    assert find().url == "http://127.0.0.1:9001"


def test_what_is_given_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHYARD_URL", "http://elsewhere:1")
    monkeypatch.setenv("TORCHYARD_TOKEN", "ty_environment")
    assert find("http://here:2", "ty_given") == find("http://here:2/", "ty_given")
    assert find("http://here:2").token == "ty_environment"


def test_the_home_s_token_is_never_sent_to_another_machine() -> None:
    assert find("http://yard.example:8000").token is None
    assert find("http://localhost:8123").token == "ty_home"


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x", "http://", "http://x:port", "http://x:99999", "x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        find(url)
    assert refused.value.code == "url_invalid"


def test_a_token_does_not_show_when_an_address_is_printed() -> None:
    assert "ty_home" not in repr(find())
