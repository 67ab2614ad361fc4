"""The worker's settings are told to people."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from torchyard.errors import StartRefused
from torchyard_worker.settings import Settings, described

README = (Path(__file__).resolve().parents[3] / "worker" / "README.md").read_text()


def test_every_setting_is_described_and_in_the_readme() -> None:
    for setting in described(Settings()):
        assert setting["description"]
        assert f"| `{setting['env']}` |" in README


def test_the_join_token_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")

    assert Settings(token_file=tmp_path / "token").join_token() == "from a file"


def test_a_missing_join_token_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="set TORCHYARD_WORKER_TOKEN or"):
        Settings(token=None).join_token()
    with pytest.raises(StartRefused, match="can't be read: No such file"):
        Settings(token_file=tmp_path / "none").join_token()


@pytest.mark.parametrize(
    "address", ["", "nonsense", "http://", "http://[bad", "ftp://platform", "127.0.0.1:8000"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="must be an address such as"):
        Settings(url=address)


def test_the_platform_s_address_may_have_a_path() -> None:
    assert Settings(url="https://lab.example/yard/").url == "https://lab.example/yard/"
