"""A clone of today starts next year: everything that is installed is pinned."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RECIPES = sorted((ROOT / "worker" / "runtimes").glob("*/requirements.in"))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: Path) -> dict[str, str]:
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    matches = [PIN.fullmatch(line) for line in lines]
    assert all(matches), f"{lock.name} holds something else than exact pins"
    return {canonical(match[1]): match[2] for match in matches if match}


def wanted(requirements: list[str]) -> set[str]:
    names = [re.match(r"[A-Za-z0-9._-]+", line) for line in requirements if line and not line.startswith("#")]
    return {canonical(name[0]) for name in names if name}


def test_the_lock_pins_everything_that_the_project_needs_and_is_built_with() -> None:
    needed = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"] + ["editables"]
    assert wanted(needed) <= pins(ROOT / "requirements.lock").keys()


def test_the_development_lock_adds_the_tools_and_changes_no_pin() -> None:
    run, development = pins(ROOT / "requirements.lock"), pins(ROOT / "requirements-dev.lock")
    assert wanted(PROJECT["dependency-groups"]["dev"]) <= development.keys()
    assert run.items() <= development.items()


def test_torch_is_no_part_of_the_platform_s_own_environment() -> None:
    assert "torch" not in pins(ROOT / "requirements-dev.lock")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.parent.name)
def test_every_runtime_is_pinned(recipe: Path) -> None:
    locked = pins(recipe.with_name("requirements.lock"))
    assert wanted(recipe.read_text().splitlines()) <= locked.keys()


def test_the_default_runtime_has_its_torch() -> None:
    assert pins(ROOT / "worker" / "runtimes" / "torch-2.13-cpu" / "requirements.lock")["torch"] == "2.13.0"
