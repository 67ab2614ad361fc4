"""S3 and COS as a worker reads them: find, list, read; every failure is one of three kinds.

boto3 lists and finds, and signs and sends what is read. Its own way of reading an object costs twice the
processor time that the request itself takes, which is what a directory of many small files waits for.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import botocore.session
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import StorageKind
from torchyard.errors import DependencyFailed

#: Connections of one client; more than there are threads that fetch.
_MAX_CONNECTIONS = 64
#: Answers to a request that may well succeed when it is sent again.
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 509})
_PASSING_CODES = frozenset(
    {"RequestTimeout", "SlowDown", "Throttling", "InternalError", "ServiceUnavailable"}
)
_PRECONDITION_FAILED, _RANGE_NOT_SATISFIABLE = 412, 416
#: The start of an error's body, in which its code stands.
_MAX_ERROR_BYTES = 4096
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
#: How an answer is wanted: without tries of its own, unchanged, and its body not read yet.
_AS_IT_COMES: dict[str, Any] = {
    "retries": False,
    "redirect": False,
    "preload_content": False,
    "decode_content": False,
}
_MD5 = re.compile(r'"([0-9a-f]{32})"')


class Passing(Exception):
    """The storage failed in a way that may pass: ask again."""


class Replaced(Exception):
    """The object is another one than the one that was asked for."""

    def __init__(self) -> None:
        super().__init__(say("object_replaced"))


@dataclass(frozen=True)
class Timeouts:
    """Seconds until a storage is given up, for this time."""

    connect: float = 5.0
    read: float = 30.0


@dataclass(frozen=True)
class Checks:
    """What the storage says about an object's content, beside its length.

    Attributes:
        md5: In hex, where the ETag is one.
        crc32: As a number, where the storage has one of the whole object.
    """

    md5: str | None = None
    crc32: int | None = None


@dataclass(frozen=True)
class RemoteObject:
    """An object as it was when it was found."""

    bucket: "Bucket"
    key: str
    etag: str
    size: int
    checks: Checks = Checks()

    def __str__(self) -> str:
        """Its address as a person writes it."""
        return f"{self.bucket}/{self.key}"

    @property
    def identity(self) -> str:
        """A name that no other content has; plain hex digits."""
        parts = [self.bucket.endpoint, self.bucket.name, self.key, self.etag]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Bucket:
    """One bucket through one connection."""

    storage: "Storage" = field(repr=False)
    name: str

    def __str__(self) -> str:
        """Its address as a person writes it."""
        return f"{self.storage.kind}://{self.name}"

    @property
    def endpoint(self) -> str:
        """Whose bucket it is."""
        return self.storage.endpoint

    def find(self, key: str) -> RemoteObject | None:
        """The object with exactly this key, if there is one.

        Raises:
            Passing: The storage is away.
            DependencyFailed: It refuses.
        """
        try:
            with judged(f"{self}/{key}"):
                found = self.storage.client.head_object(Bucket=self.name, Key=key, **self.storage.checking)
        except DependencyFailed as refusal:
            if refusal.code == "dependency_not_found":
                return None
            raise
        checks = checks_of(found["ResponseMetadata"]["HTTPHeaders"])
        return RemoteObject(self, key, found["ETag"], found["ContentLength"], checks)

    def below(self, prefix: str, after: str = "") -> tuple[list[RemoteObject], bool]:
        """A page of objects whose keys begin like this, in their order; and whether there are more.

        Raises:
            Passing: The storage is away.
            DependencyFailed: It refuses, or there is no such bucket.
        """
        client = self.storage.client
        with judged(f"{self}/{prefix}"):
            if self.storage.kind is StorageKind.COS:  # knows the first version alone
                page = client.list_objects(Bucket=self.name, Prefix=prefix, Marker=after)
            else:
                page = client.list_objects_v2(Bucket=self.name, Prefix=prefix, StartAfter=after)
        found = [RemoteObject(self, one["Key"], one["ETag"], one["Size"]) for one in page.get("Contents", ())]
        return found, bool(page["IsTruncated"]) and bool(found)


@dataclass(frozen=True)
class Reading:
    """An answer whose body is being read."""

    uri: str
    body: Any
    checks: Checks

    def into(self, buffer: memoryview) -> int:
        """Read on; how many bytes came, 0 at the end.

        Raises:
            Passing: The connection was cut or is silent.
        """
        with judged(self.uri):
            return int(self.body.readinto(buffer))


class Storage:
    """A connection's storage; its credentials stay in this object. For any number of threads."""

    def __init__(self, access: StorageAccess, timeouts: Timeouts) -> None:
        secret = access.secret_access_key.get_secret_value()
        session = _session()
        self.kind = access.kind
        self.endpoint = access.endpoint or f"aws:{access.region}"
        self.client: Any = boto3.Session(botocore_session=session).client(
            "s3",
            endpoint_url=access.endpoint,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=timeouts.connect,
                read_timeout=timeouts.read,
                max_pool_connections=_MAX_CONNECTIONS,
                retries={"total_max_attempts": 1},  # we count tries ourselves, in one place
                s3={"addressing_style": access.addressing.value},
                signature_version="s3v4",
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                ignore_configured_endpoint_urls=True,
            ),
        )
        self.client.meta.events.register("before-call.s3", _stay)
        self._signer = S3SigV4Auth(Credentials(access.access_key_id, secret), "s3", access.region)
        self._http = _connections(
            self.client.meta.endpoint_url, session.get_config_variable("ca_bundle") or True, timeouts
        )
        # COS has no checksums of this kind, and is asked for none.
        self.checking = {} if access.kind is StorageKind.COS else {"ChecksumMode": "ENABLED"}
        #: Of each bucket: how its addresses begin, and the connections to where they lead.
        self._bases: dict[str, tuple[str, urllib3.HTTPConnectionPool]] = {}

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self._http.clear()

    @contextlib.contextmanager
    def reading(self, wanted: RemoteObject, part: range | None = None) -> Iterator[Reading]:
        """An object's bytes, or some of them, while the context lasts.

        Raises:
            Replaced: The object is not the one that was found any more.
            Passing: The storage is away.
            DependencyFailed: It refuses.
        """
        uri = str(wanted)
        headers = {"If-Match": wanted.etag}
        if part is None:
            headers |= {"x-amz-checksum-mode": "ENABLED"} if self.checking else {}
        else:
            headers["Range"] = f"bytes={part.start}-{part.stop - 1}"
        with judged(uri):
            answer = self._sent(wanted, headers)
        try:
            with judged(uri):
                _check_answer(answer, wanted, part)
            yield Reading(uri, answer, checks_of(answer.headers))
        except BaseException:
            answer.close()  # what is left of it would come first in the next answer
            raise
        answer.release_conn()

    def _sent(self, wanted: RemoteObject, headers: dict[str, str]) -> Any:
        base, pool = self._base(wanted.bucket.name)
        address = base + quote(wanted.key, safe="/~")
        request = AWSRequest("GET", address, headers=headers)
        self._signer.add_auth(request)
        signed = dict(request.headers.items())
        if self._http.proxy:  # it wants the whole address, and headers of its own
            return self._http.urlopen("GET", address, headers=signed, **_AS_IT_COMES)
        return pool.urlopen("GET", urlsplit(address).path, headers=signed, **_AS_IT_COMES)

    def _base(self, bucket: str) -> tuple[str, urllib3.HTTPConnectionPool]:
        if bucket not in self._bases:
            # How an address is put together, with all its exceptions, is for boto3 to know.
            signed = self.client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"})
            base = signed.partition("?")[0].removesuffix("x")
            self._bases[bucket] = base, self._http.connection_from_url(base)
        return self._bases[bucket]


def checks_of(headers: Any) -> Checks:
    """What an answer's headers say about the content."""
    # With these the ETag looks like an MD5, but is none.
    keyed = headers.get("x-amz-server-side-encryption", "AES256") != "AES256" or (
        "x-amz-server-side-encryption-customer-algorithm" in headers
    )
    md5 = None if keyed else _MD5.fullmatch(headers.get("etag", ""))
    crc32 = headers.get("x-amz-checksum-crc32", "")
    whole = bool(crc32) and "-" not in crc32 and headers.get("x-amz-checksum-type") != "COMPOSITE"
    return Checks(md5[1] if md5 else None, _crc32(crc32) if whole else None)


@contextlib.contextmanager
def judged(uri: str) -> Iterator[None]:
    """Turns what boto3 raises into the three kinds of failure; nothing of a signature is in any of them."""
    try:
        yield
    except ClientError as problem:
        status = int(problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        _refuse(status, str(problem.response.get("Error", {}).get("Code", "")), uri)
    except (ConnectTimeoutError, ReadTimeoutError, urllib3.exceptions.TimeoutError):
        raise Passing(say("storage_too_slow")) from None
    except (ConnectionFailed, HTTPClientError, urllib3.exceptions.HTTPError):
        raise Passing(say("storage_cut_off")) from None
    except BotoCoreError as problem:
        raise DependencyFailed(say("storage_unaskable", kind=type(problem).__name__, uri=uri)) from None


def _check_answer(answer: Any, wanted: RemoteObject, part: range | None) -> None:
    status = answer.status
    if status != (200 if part is None else 206):
        code = _ERROR_CODE.search(answer.read(_MAX_ERROR_BYTES))
        _refuse(status, code[1].decode() if code else "", str(wanted))
    length = len(part) if part is not None else wanted.size
    same = answer.headers.get("etag", wanted.etag) == wanted.etag
    if not same or answer.headers.get("content-length") != str(length):
        raise Replaced


def _refuse(status: int, code: str, uri: str) -> None:
    # An answer without a body has its status for a code.
    told = f"{status} {code}".strip() if code != str(status) else code
    if status in {_PRECONDITION_FAILED, _RANGE_NOT_SATISFIABLE}:
        raise Replaced
    if status in _PASSING_STATUS or code in _PASSING_CODES:
        raise Passing(say("storage_said", status=told))
    if status == 404:
        missing = "storage_lacks_bucket" if code == "NoSuchBucket" else "storage_lacks_file"
        raise DependencyFailed(say(missing, uri=uri), code="dependency_not_found")
    if status in {401, 403}:
        raise DependencyFailed(say("storage_denies", status=told, uri=uri), code="dependency_forbidden")
    if 300 <= status < 400:
        raise DependencyFailed(say("storage_redirects", status=told, uri=uri))
    raise DependencyFailed(say("storage_said_of", status=told, uri=uri))


def _stay(params: dict[str, Any], **_: Any) -> None:
    """Keep boto3 from following redirects: no answer chooses the host, and a 307 makes it run in circles."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _crc32(text: str) -> int | None:
    with contextlib.suppress(ValueError):
        return int.from_bytes(base64.b64decode(text, validate=True), "big")
    return None


def _connections(endpoint: str, verify: bool | str, timeouts: Timeouts) -> urllib3.PoolManager:
    """Connections that are kept for the next request, by way of the machine's proxy if there is one."""
    settings: dict[str, Any] = {
        "maxsize": _MAX_CONNECTIONS,
        "timeout": urllib3.Timeout(connect=timeouts.connect, read=timeouts.read),
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": get_cert_path(verify),
    }
    proxy = get_environ_proxies(endpoint).get(urlsplit(endpoint).scheme)
    return urllib3.ProxyManager(proxy, **settings) if proxy else urllib3.PoolManager(**settings)


def _session() -> Any:
    """A session that knows no files, no profile and no credentials but those it is given."""
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    # Half of the time that a list takes goes into dates, which nobody here asks for.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    return session
