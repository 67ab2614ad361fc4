"""Every setting says what it does, in the code and in the platform's README."""

from pathlib import Path

import pytest

from torchyard.settings import Settings

README = (Path(__file__).resolve().parents[2] / "platform" / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_setting_is_described_and_in_the_readme(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"`TORCHYARD_{name.upper()}`" in README
