from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform and a worker for all tests that break nothing."""
    with Stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A platform and a worker for a test that kills parts of it."""
    with Stack(tmp_path / "home") as running:
        yield running
