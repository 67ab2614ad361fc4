import os
from collections.abc import Iterator

import pytest
from tests.unit.client.small_platform import TOKEN, SmallPlatform


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallPlatform]:
    """A platform that the command line finds through its environment."""
    for name in [name for name in os.environ if name.startswith("TORCHYARD_")]:
        monkeypatch.delenv(name)
    with SmallPlatform() as running:
        monkeypatch.setenv("TORCHYARD_URL", running.url)
        monkeypatch.setenv("TORCHYARD_TOKEN", TOKEN)
        yield running
