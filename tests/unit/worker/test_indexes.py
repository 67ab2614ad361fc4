"""What of the machine's package settings reaches jobs."""

from pathlib import Path

from torchyard_worker import indexes


def test_where_packages_come_from_is_handed_on_and_nothing_else() -> None:
    found = indexes.variables(
        {
            "PIP_INDEX_URL": "https://example.org/simple",
            "PIP_CERT": "/etc/our.pem",
            "PIP_TARGET": "/srv",
            "PIP_CACHE_DIR": "/srv/cache",
            "UV_HTTP_TIMEOUT": "60",
            "UV_PUBLISH_TOKEN": "secret",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "TORCHYARD_WORKER_TOKEN": "secret",
            "SSL_CERT_FILE": "",
        },
        None,
    )

    assert found.items() >= {
        ("PIP_INDEX_URL", "https://example.org/simple"),
        ("UV_DEFAULT_INDEX", "https://example.org/simple"),
        ("PIP_CERT", "/etc/our.pem"),
        ("SSL_CERT_FILE", "/etc/our.pem"),
        ("UV_HTTP_TIMEOUT", "60"),
    }
    assert not {"PIP_TARGET", "PIP_CACHE_DIR", "UV_PUBLISH_TOKEN", "TORCHYARD_WORKER_TOKEN"} & found.keys()
    assert "secret" not in found.values()


def test_the_user_s_own_pip_conf_is_handed_on_below_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(
        "[global]\nindex-url = https://example.org/a\nfind-links = /srv/a\n  /srv/b\nuser = true\n"
        "[install]\ntrusted-host = example.org\n"
    )

    found = indexes.variables({"PIP_INDEX_URL": "https://example.org/b"}, tmp_path)

    assert (found["PIP_INDEX_URL"], found["UV_DEFAULT_INDEX"]) == ("https://example.org/b",) * 2
    assert (found["PIP_FIND_LINKS"], found["UV_FIND_LINKS"]) == ("/srv/a /srv/b", "/srv/a,/srv/b")
    assert (found["PIP_TRUSTED_HOST"], found["UV_INSECURE_HOST"]) == ("example.org",) * 2
    assert "PIP_USER" not in found


def test_uv_chooses_among_several_indexes_as_pip_does() -> None:
    found = indexes.variables({"PIP_EXTRA_INDEX_URL": "https://example.org/a https://example.org/b"}, None)

    assert found["UV_INDEX"] == "https://example.org/a https://example.org/b"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_the_setting_goes_before_all(tmp_path: Path) -> None:
    found = indexes.variables({"PIP_INDEX_URL": "https://example.org/b"}, tmp_path, "https://example.org/c")

    assert (found["PIP_INDEX_URL"], found["UV_DEFAULT_INDEX"]) == ("https://example.org/c",) * 2


def test_a_damaged_pip_conf_is_pip_s_own_matter(tmp_path: Path) -> None:
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("index-url without a section\n")

    assert "PIP_INDEX_URL" not in indexes.variables({}, tmp_path)
