"""Where jobs install packages from: the machine's settings of pip and uv, as far as they may go to jobs.

pip reads its files in /etc itself. What stands in the environment of the worker, or in the pip.conf of its
user, reaches no script by itself; what of it says where packages come from is handed on, and nothing else.
uv reads nothing of pip's, so it is told the same in its own words.
"""

import configparser
from collections.abc import Mapping
from pathlib import Path

#: Variables that are handed on. An index's URL may hold a password: whoever runs a job can read it.
PASSED_ON = frozenset(
    {
        "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL",
        "PIP_NO_INDEX", "PIP_PREFER_BINARY", "PIP_PROXY", "PIP_RETRIES", "PIP_TIMEOUT", "PIP_TRUSTED_HOST",
        "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_TIMEOUT", "UV_INDEX",
        "UV_INDEX_STRATEGY", "UV_INDEX_URL", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_OFFLINE",
        "UV_SYSTEM_CERTS",
        "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE",
    }
)  # fmt: skip
#: What pip and uv call the same thing.
_IN_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_CERT": "SSL_CERT_FILE",
}
#: uv takes several links apart at commas, pip at spaces.
_WITH_COMMAS = {"UV_FIND_LINKS"}
_SYSTEM_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf")


def variables(
    environment: Mapping[str, str], home: Path | None, index_url: str | None = None
) -> dict[str, str]:
    """The variables for jobs.

    Args:
        environment: The worker's own.
        home: The home of the worker's user, if it has one.
        index_url: The index to use, whatever else is set.
    """
    passed = {name: value for name, value in environment.items() if name in PASSED_ON and value}
    users = _from_files([home / ".pip/pip.conf", home / ".config/pip/pip.conf"] if home else [])
    for_pip = users | passed | ({"PIP_INDEX_URL": index_url} if index_url else {})
    everything = _from_files([Path(name) for name in _SYSTEM_FILES]) | for_pip
    return _for_uv(everything) | for_pip


def _for_uv(settings: Mapping[str, str]) -> dict[str, str]:
    told = {
        _IN_UV[name]: ",".join(value.split()) if _IN_UV[name] in _WITH_COMMAS else value
        for name, value in settings.items()
        if name in _IN_UV
    }
    if "UV_INDEX" in told:
        told["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip's own way with several indexes
    return told


def _from_files(files: list[Path]) -> dict[str, str]:
    """What pip's files say, as the variables that say the same; the later files hold."""
    found = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue  # pip itself will say so, to whom it matters
        for section in ("global", "install"):
            for key, value in parser.items(section) if parser.has_section(section) else ():
                name = f"PIP_{key.upper().replace('-', '_')}"
                if name in PASSED_ON and value:
                    found[name] = " ".join(value.split())
    return found
