"""The commands of two words: their help, and that a secret's value has no way into a command line."""

import subprocess
import sys

import pytest
from tests.unit.client.small_platform import SmallPlatform

from torchyard.cli import main
from torchyard.cli.app import app

Captured = pytest.CaptureFixture[bytes]
VERBS = sorted(
    (group.name, command.name)
    for group in app.registered_groups
    if group.name in {"connections", "secrets", "users"} and group.typer_instance
    for command in group.typer_instance.registered_commands
)


def run(words: list[str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    """The command line in a process of its own, with something at its stdin."""
    program = [sys.executable, "-P", "-m", "torchyard.cli", *words]
    return subprocess.run(program, input=given, capture_output=True, check=False)


@pytest.mark.parametrize(("group", "verb"), VERBS)
def test_every_verb_has_help_with_examples(capfdbinary: Captured, group: str, verb: str) -> None:
    assert main([group, verb, "--help"]) == 0
    text = capfdbinary.readouterr().out.decode()
    assert "Examples:\n" in text
    assert f"torchyard {group} {verb}" in text


@pytest.mark.parametrize(
    "words",
    [
        ["secrets", "set", "NAME", "value"],
        ["secrets", "set", "NAME", "--value", "value"],
        ["connections", "set", "lab", "--key-id", "KEY", "--allow", "data", "--secret", "value"],
    ],
)
def test_a_secret_is_never_taken_from_the_command_line(platform: SmallPlatform, words: list[str]) -> None:
    assert run(words, b"value").returncode == 2
    assert platform.requests == []


def test_a_secret_that_is_no_text_is_refused_here(platform: SmallPlatform) -> None:
    done = run(["secrets", "set", "NAME"], b"\xff\xfe")

    assert done.returncode == 2
    assert b"has to be text in UTF-8" in done.stderr
    assert platform.requests == []


def test_a_connection_that_is_none_is_refused_here_without_its_secret(platform: SmallPlatform) -> None:
    words = ["connections", "set", "lab", "--key-id", "KEY", "--allow", "data", "--endpoint", "ftp://x"]

    done = run(words, b"canary\n")

    assert done.returncode == 2
    assert b"endpoint: " in done.stderr
    assert b"canary" not in done.stderr + done.stdout
    assert platform.requests == []
