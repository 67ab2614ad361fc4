from collections.abc import Iterator

import pytest
from tests.unit.client.small_platform import TOKEN, SmallPlatform

from torchyard.client import Client


@pytest.fixture
def platform() -> Iterator[SmallPlatform]:
    with SmallPlatform() as running:
        yield running


@pytest.fixture
def client(platform: SmallPlatform) -> Iterator[Client]:
    with Client(platform.url, TOKEN) as opened:
        yield opened
