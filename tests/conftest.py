"""Servers that tests share; each is started when the first test asks for it."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests import servers

# A run in the background inherits that Ctrl-C is ignored; what the tests start must not inherit it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Nothing is kept between runs: the checkout may be another user's, and a failure prints how to repeat it.
settings.register_profile("torchyard", database=None, deadline=None, print_blob=True)
settings.load_profile("torchyard")


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server for the whole run; tests keep apart by the names they use in it."""
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[servers.S3Server]:
    """An S3 server for the whole run; tests keep apart by the buckets they make."""
    with servers.s3() as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[servers.S3Server]:
    """Another S3 server for the whole run, which answers as AWS does."""
    with servers.moto() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres server for the whole run; its database `postgres` is for making others."""
    with servers.postgres() as url:
        yield url
