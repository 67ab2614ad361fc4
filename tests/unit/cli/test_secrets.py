"""The commands of two words: their help, and that a secret's value has no way into a command line."""

import io
import sys

import pytest
from tests.unit.client.small_platform import SmallPlatform

from torchyard.cli import main
from torchyard.cli.app import app

Captured = pytest.CaptureFixture[bytes]
VERBS = sorted(
    (group.name, command.name)
    for group in app.registered_groups
    if group.name in {"connections", "secrets"} and group.typer_instance
    for command in group.typer_instance.registered_commands
)


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


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
def test_a_secret_is_never_taken_from_the_command_line(
    platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    give(monkeypatch, b"value")

    assert main(words) == 2
    assert platform.requests == []


def test_a_secret_that_is_no_text_is_refused_here(
    platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch, capfdbinary: Captured
) -> None:
    give(monkeypatch, b"\xff\xfe")

    assert main(["secrets", "set", "NAME"]) == 2
    assert b"has to be text in UTF-8" in capfdbinary.readouterr().err
    assert platform.requests == []


def test_a_connection_that_is_none_is_refused_here_without_its_secret(
    platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch, capfdbinary: Captured
) -> None:
    give(monkeypatch, b"canary\n")
    words = ["connections", "set", "lab", "--key-id", "KEY", "--allow", "data", "--endpoint", "ftp://x"]

    assert main(words) == 2
    told = capfdbinary.readouterr().err
    assert b"endpoint: " in told
    assert b"canary" not in told
    assert platform.requests == []
