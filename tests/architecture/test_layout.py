"""The promises that the repository's shape makes."""

import platform
import re
import sysconfig
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for part in ("platform", "worker") for path in (ROOT / part).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOCKING = re.compile(
    r"^\s*(?:from|import) (?:unittest\.mock|mock|pytest_mock|unittest import mock)\b", re.MULTILINE
)


@pytest.mark.parametrize("folder", ["platform", "worker", "tests"])
def test_folder_is_no_package_as_that_would_shadow_another(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_platform_is_the_standard_library_s() -> None:
    assert Path(platform.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    assert median(length for length in lengths.values() if length > 1) <= 120


def test_no_test_uses_a_mock_library() -> None:
    assert [path.name for path in TESTS if MOCKING.search(path.read_text())] == []
