"""The composition root: what it refuses to start with, and the secrets it makes."""

from pathlib import Path

import pytest

from torchyard.errors import StartRefused
from torchyard.listening import listen
from torchyard.main import context, secret_file
from torchyard.services.sealing import Sealer, new_key
from torchyard.settings import Settings, load


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHYARD_HOME", str(tmp_path))
    monkeypatch.setenv("TORCHYARD_BROKER_URL", "redis://127.0.0.1:1")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_an_open_platform_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(StartRefused, match=f"refusing to listen on {host} without authentication"):
        context(Settings(host=host, authentication="off"))


@pytest.mark.parametrize(("host", "authentication"), [("127.0.0.1", "off"), ("0.0.0.0", "on")])
def test_an_open_platform_on_loopback_and_a_guarded_one_anywhere_are_fine(
    host: str, authentication: str
) -> None:
    made = context(Settings.model_validate({"host": host, "authentication": authentication}))

    made.fanout.close()
    made.db.close()


def test_a_platform_without_a_broker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHYARD_BROKER_URL")

    with pytest.raises(StartRefused, match="TORCHYARD_BROKER_URL"):
        context(Settings())


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHYARD_PORT", "eighty")

    with pytest.raises(StartRefused, match="TORCHYARD_PORT"):
        load()


def test_the_environment_goes_before_the_file_in_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torchyard.toml").write_text('port = 9001\nlost_after = "PT1M"\n')
    assert (load().port, load().lost_after.total_seconds()) == (9001, 60)

    monkeypatch.setenv("TORCHYARD_PORT", "9002")
    monkeypatch.setenv("TORCHYARD_LOST_AFTER", "61")

    assert (load().port, load().lost_after.total_seconds()) == (9002, 61)


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first, second = secret_file(tmp_path / "token", "ty"), secret_file(tmp_path / "token", "ty")

    assert first == second
    assert first.startswith("ty_")
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(StartRefused, match=f"port {port} .* is in use.*TORCHYARD_PORT"):
            listen("127.0.0.1", port)


def test_the_key_for_secrets_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    sealed = sealer().seal("value")

    assert sealer().unseal(sealed, "it") == "value"
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".*")) == []


def test_keys_that_a_setting_names_come_before_the_file_s(tmp_path: Path) -> None:
    old = sealer().seal("value")
    newest, newer = new_key(), new_key()

    changing = sealer(secret_keys=f"{newest}, {newer}")

    assert changing.unseal(old, "it") == "value"
    assert Sealer([newest]).unseal(changing.seal("value"), "it") == "value"
    (tmp_path / "secret-key").unlink()
    assert Sealer([newest]).unseal(sealer(secret_keys=newest).seal("value"), "it") == "value"
    assert not (tmp_path / "secret-key").exists()


def test_a_key_for_secrets_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("my dog's name\n")

    with pytest.raises(StartRefused, match="TORCHYARD_SECRET_KEYS") as problem:
        sealer()

    assert "dog" not in problem.value.message


def sealer(**settings: str) -> Sealer:
    made = context(Settings.model_validate(settings))
    made.fanout.close()
    made.db.close()
    return made.sealer
