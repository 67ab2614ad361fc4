import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from torchyard.adapters.http_webhooks import HttpWebhooks, allowed
from torchyard.contracts.notifications import MAX_ANSWER_BYTES
from torchyard.errors import Forbidden, Unavailable


class Hook(http.server.BaseHTTPRequestHandler):
    """Remembers what it got; answers by path."""

    got: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers), body))
        if self.path == "/redirects":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        self.send_response(200 if self.path != "/fails" else 500)
        self.end_headers()
        self.wfile.write(b"x" * (MAX_ANSWER_BYTES * 2) if self.path == "/long" else b"thanks")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[http.server.ThreadingHTTPServer]:
    Hook.got = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(server: http.server.ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_a_message_arrives_as_it_was_given(hook: http.server.ThreadingHTTPServer) -> None:
    url = url_of(hook, "/hook?room=1", host="localhost")
    answer = HttpWebhooks(allow_loopback=True).post(url, {"webhook-id": "1"}, b'{"a": 1}')
    assert (answer.status, answer.body) == (200, b"thanks")
    path, headers, body = Hook.got[0]
    assert (path, body) == ("/hook?room=1", b'{"a": 1}')
    assert headers["webhook-id"] == "1"
    assert headers["Host"] == f"localhost:{hook.server_port}"


def test_a_status_is_told_and_no_redirect_is_followed(hook: http.server.ThreadingHTTPServer) -> None:
    webhooks = HttpWebhooks(allow_loopback=True)
    assert webhooks.post(url_of(hook, "/fails"), {}, b"{}").status == 500
    assert webhooks.post(url_of(hook, "/redirects"), {}, b"{}").status == 302
    assert [path for path, _, _ in Hook.got] == ["/fails", "/redirects"]


def test_no_more_of_an_answer_is_read_than_needed(hook: http.server.ThreadingHTTPServer) -> None:
    answer = HttpWebhooks(allow_loopback=True).post(url_of(hook, "/long"), {}, b"{}")
    assert len(answer.body) == MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_refused_however_it_is_written(
    hook: http.server.ThreadingHTTPServer, host: str
) -> None:
    with pytest.raises((Forbidden, Unavailable)) as refused:
        HttpWebhooks().post(url_of(hook, "/hook", host=host), {}, b"{}")
    # A machine without IPv6 can't even resolve some of them.
    assert refused.value.code == "webhook_address_refused" or "::" in host
    assert Hook.got == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "0.1.2.3", "169.254.169.254", "fe80::1",
     "169.254.0.23", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "100.100.100.200",
     "fd00:ec2::254", "224.0.0.1", "ff02::1", "255.255.255.255"],
)  # fmt: skip
def test_addresses_that_lead_inwards_are_refused(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "2001:4860::1", "fd12::1"]
)
def test_private_networks_and_the_world_are_allowed(address: str) -> None:
    assert allowed(ipaddress.ip_address(address))


def test_only_loopback_is_allowed_by_the_setting() -> None:
    assert allowed(ipaddress.ip_address("127.0.0.1"), allow_loopback=True)
    assert not allowed(ipaddress.ip_address("169.254.169.254"), allow_loopback=True)
    assert not allowed(ipaddress.ip_address("0.0.0.0"), allow_loopback=True)


def code_of(url: str, *, deadline: float = 15) -> str:
    with pytest.raises(Unavailable) as refused:
        HttpWebhooks(allow_loopback=True, deadline=deadline).post(url, {}, b"{}")
    return refused.value.code


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert code_of(f"http://127.0.0.1:{port}/") == "webhook_unreachable"
    assert code_of(f"http://nowhere.invalid:{port}/") == "webhook_unreachable"


@pytest.mark.parametrize("url", ["https://a..b/", "http://127.0.0.1:99999/", f"http://{'a' * 300}/"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    assert code_of(url) == "webhook_unreachable"


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], ids=["silent", "half"]
)
def test_an_answer_that_does_not_end_is_given_up(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        given_up = threading.Event()

        def stall() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(sent)
                given_up.wait(60)

        thread = threading.Thread(target=stall)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            assert code_of(url, deadline=0.5) == "webhook_unreachable"
        finally:
            given_up.set()
            thread.join()


def test_what_is_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        assert code_of(f"http://127.0.0.1:{server.getsockname()[1]}/") == "webhook_unreachable"
        thread.join()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name, which vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public, private


@pytest.mark.parametrize(("name", "arrives"), [("localhost", True), ("example.org", False)])
def test_a_certificate_has_to_be_for_the_name_in_the_address(
    hook: http.server.ThreadingHTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arrives: bool,
) -> None:
    public, private = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    hook.socket = context.wrap_socket(hook.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    url = url_of(hook, "/hook", host="localhost").replace("http:", "https:")
    if arrives:
        assert HttpWebhooks(allow_loopback=True).post(url, {}, b"{}").status == 200
    else:
        assert code_of(url) == "webhook_unreachable"
    assert len(Hook.got) == arrives


def test_a_server_without_a_trusted_certificate_gets_nothing(hook: http.server.ThreadingHTTPServer) -> None:
    assert code_of(url_of(hook, "/hook").replace("http:", "https:")) == "webhook_unreachable"
    assert Hook.got == []
