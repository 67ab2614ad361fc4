"""What `dependency_paths` bring beside a script, from a real S3 server behind a proxy that can fail."""

import contextlib
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.s3_proxy import Answer, Cut, Damaged, Fault, Held, Request, S3Proxy, proxied
from tests.servers import VIRTUAL_HOST, S3Server
from tests.stack import PATIENCE

from torchyard.adapters.s3_storage import S3Storage
from torchyard.contracts.connections import Addressing, StorageAccess
from torchyard.contracts.jobs import StagingProgress
from torchyard.contracts.storage_paths import parse, split_paths
from torchyard.errors import Conflict, DependencyFailed
from torchyard_worker import fetched, placing
from torchyard_worker.buckets import Timeouts
from torchyard_worker.downloading import LARGE_BYTES, PART_BYTES
from torchyard_worker.fetching import Fetcher, Manners, Order
from torchyard_worker.locating import Bounds
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.patience import Patience
from torchyard_worker.spooling import AttemptDirectory

QUICK = Patience(tries=3, first_delay=0.001)
#: No thread of a fetch that nobody waits for may hold up a test longer than this.
BRIEF = Timeouts(connect=2, read=2)


class Bench:
    """A worker's end of things, and a job's directory."""

    def __init__(self, home: Path, s3: S3Server, proxy: S3Proxy) -> None:
        self.home = home
        self.directory = self.anew()
        self.work = self.directory.work
        self.cache = ObjectCache(home / "objects", max_bytes=10**9)
        self.proxy = proxy
        #: A bucket for all tests, as making one takes long; each test keeps to its own part of it.
        self.bucket, self.prefix = "fetching", os.urandom(8).hex()
        self.s3 = s3.client()
        self.keys = (s3.access_key_id, s3.secret_access_key)
        self.told: list[str] = []
        self.progress: list[StagingProgress] = []
        self.keep_going: Callable[[], None] = lambda: None

    def put(self, **objects: bytes | str) -> None:
        """Objects with these keys, in which `__` stands for a slash."""
        for key, content in objects.items():
            self.keep(key.replace("__", "/"), content)

    def keep(self, key: str, content: bytes | str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=content)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}/{key}"

    def access(self, **changes: Any) -> StorageAccess:
        return StorageAccess.model_validate(
            {
                "name": "main",
                "kind": "s3",
                "endpoint": self.proxy.url,
                "region": "us-east-1",
                "addressing": Addressing.PATH,
                "allowed": [self.bucket],
                "access_key_id": self.keys[0],
                "secret_access_key": self.keys[1],
                **changes,
            }
        )

    def fetch(
        self, *keys: str, paths: str | None = None, into: AttemptDirectory | None = None, **manners: Any
    ) -> None:
        access = manners.pop("access", None) or self.access()
        told = Manners(**{"patience": QUICK, "timeouts": BRIEF, **manners})
        wanted = paths if paths is not None else ",".join(self.uri(key) for key in keys)
        order = Order(
            split_paths(wanted),
            [access],
            into or self.directory,
            lambda path: "the script main.py" if path == "main.py" else f"{path} in deps.zip",
            self.tell,
            self.keep_going,
        )
        self.fetcher(told).fetch(order)

    def fetcher(self, manners: Manners | None = None) -> Fetcher:
        return Fetcher(self.cache, manners)

    def end(self, directory: AttemptDirectory | None = None) -> None:
        """A job ends."""
        self.fetcher().take_back(directory or self.directory)

    def tell(self, message: str, progress: StagingProgress | None = None) -> None:
        self.told.append(message)
        if progress is not None:
            self.progress.append(progress)

    def anew(self) -> AttemptDirectory:
        """Another job's directory."""
        directory = AttemptDirectory(self.home / f"attempt-{os.urandom(6).hex()}")
        directory.work.mkdir(parents=True)
        return directory

    def found(self, directory: AttemptDirectory | None = None) -> dict[str, bytes]:
        root = (directory or self.directory).work
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def cached(self) -> list[Path]:
        return sorted(path for path in (self.home / "objects").iterdir() if path.name != "boot")


#: What goes wrong goes wrong before either: neither's ways are taken for S3's.
before_each_server = pytest.mark.parametrize("server", ["s3_server", "moto_server"], indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(getattr(request, "param", "s3_server"))
    return found


@pytest.fixture
def bench(tmp_path: Path, server: S3Server) -> Iterator[Bench]:
    with proxied(server.endpoint) as proxy:
        made = Bench(tmp_path, server, proxy)
        with contextlib.suppress(
            made.s3.exceptions.BucketAlreadyExists, made.s3.exceptions.BucketAlreadyOwnedByYou
        ):
            made.s3.create_bucket(Bucket=made.bucket)
        yield made
        made.s3.close()


def refused(bench: Bench, *keys: str, **more: Any) -> DependencyFailed:
    with pytest.raises(DependencyFailed) as refusal:
        bench.fetch(*keys, **more)
    return refusal.value


def lists(request: Request) -> bool:
    return bool(request.query)


def random_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def faults(*wrong: Fault, when: Callable[[Request], bool] = lambda request: request.reads) -> Any:
    """The first requests of a kind go wrong, one after the other in these ways; later ones are answered."""
    left, lock = list(wrong), threading.Lock()

    def fault(request: Request) -> Fault:
        with lock:
            return left.pop(0) if left and when(request) else None

    return fault


def always(fault: Fault, when: Callable[[Request], bool] = lambda request: request.reads) -> Any:
    return lambda request: fault if when(request) else None


def test_a_file_lands_under_its_own_name(bench: Bench) -> None:
    bench.put(deep__data__train="rows")

    bench.fetch("deep/data/train")

    assert bench.found() == {"train": b"rows"}
    assert (bench.work / "train").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("key", ["data/cifar/", "data/cifar"])
def test_a_directory_lands_under_its_own_name_with_its_tree(bench: Bench, key: str) -> None:
    bench.put(data__cifar__a="a", data__cifar__deep__b="b", data__other="no", **{"data__cifar-old__a": "no"})

    bench.fetch(key)

    assert bench.found() == {"cifar/a": b"a", "cifar/deep/b": b"b"}


def test_a_whole_bucket_lands_under_its_name(bench: Bench) -> None:
    bench.s3.create_bucket(Bucket=bench.prefix)
    for key in ("a", "deep/b"):
        bench.s3.put_object(Bucket=bench.prefix, Key=key, Body=key)

    bench.fetch(paths=f"s3://{bench.prefix}", access=bench.access(allowed=[bench.prefix]))

    assert bench.found() == {f"{bench.prefix}/a": b"a", f"{bench.prefix}/deep/b": b"deep/b"}


def test_an_object_with_exactly_this_key_comes_before_a_directory(bench: Bench) -> None:
    bench.put(data__train="rows")

    bench.fetch("data/train")

    assert bench.found() == {"train": b"rows"}
    assert not any(request.query for request in bench.proxy.requests)


def test_several_paths_are_separated_by_commas(bench: Bench) -> None:
    bench.put(one="1", two__a="a", **{"名 字.txt": "name", "a+b&c=%41": "odd"})

    bench.fetch("one", "two/", "名 字.txt", "a+b&c=%41")

    assert bench.found() == {"one": b"1", "two/a": b"a", "名 字.txt": b"name", "a+b&c=%41": b"odd"}


def test_empty_files_and_empty_directories_come_too(bench: Bench) -> None:
    bench.keep("tree/empty", b"")
    bench.keep("tree/folder/", b"")

    bench.fetch("tree/")

    assert bench.found() == {"tree/empty": b""}
    assert (bench.work / "tree" / "folder").is_dir()


def test_five_hundred_files_come_once(bench: Bench) -> None:
    for number in range(500):
        bench.keep(f"many/{number % 7}/{number}", f"content {number}")

    bench.fetch("many/")

    assert bench.found() == {f"many/{n % 7}/{n}": f"content {n}".encode() for n in range(500)}
    assert len(bench.proxy.read()) == len(set(bench.proxy.read())) == 500
    assert bench.told[0].startswith("fetching 500 files (")
    assert bench.told[-1].startswith("fetched 500 files (")
    assert bench.progress[-1].files_done == bench.progress[-1].files_total == 500
    assert bench.progress[-1].bytes_done == bench.progress[-1].bytes_total


def test_a_long_list_is_read_page_by_page(bench: Bench) -> None:
    for number in range(1003):
        bench.keep(f"long/{number:05}", "x")

    bench.fetch("long/")

    assert len(bench.found()) == 1003
    assert sum(1 for request in bench.proxy.requests if request.query) == 2


@before_each_server
def test_a_large_object_comes_in_parts_and_whole(bench: Bench) -> None:
    content = random_bytes(LARGE_BYTES + 5)
    bench.keep("large.bin", content)

    bench.fetch("large.bin")

    assert bench.found() == {"large.bin": content}
    ranges = sorted(request.range for request in bench.proxy.requests if request.reads)
    assert ranges == [
        f"bytes=0-{PART_BYTES - 1}",
        f"bytes={2 * PART_BYTES}-{2 * PART_BYTES + 4}",
        f"bytes={PART_BYTES}-{2 * PART_BYTES - 1}",
    ]


def test_an_object_that_was_uploaded_in_parts_comes_whole(bench: Bench) -> None:
    # Its ETag is no MD5.
    upload = bench.s3.create_multipart_upload(Bucket=bench.bucket, Key=f"{bench.prefix}/parts")["UploadId"]
    part = random_bytes(5 * 2**20)
    named = {"Bucket": bench.bucket, "Key": f"{bench.prefix}/parts", "UploadId": upload}
    tags = [
        {"PartNumber": number, "ETag": bench.s3.upload_part(**named, PartNumber=number, Body=part)["ETag"]}
        for number in (1, 2)
    ]
    bench.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": tags})

    bench.fetch("parts")

    assert bench.found() == {"parts": part * 2}


@pytest.mark.parametrize("first_ended", [True, False])
def test_what_is_unchanged_is_not_fetched_again(bench: Bench, first_ended: bool) -> None:
    bench.put(tree__a="a", tree__b="bb")
    bench.keep("tree/large", random_bytes(LARGE_BYTES))
    bench.fetch("tree/")
    if first_ended:
        bench.end()
    sent = bench.proxy.sent
    bench.put(tree__b="cc")

    second = bench.anew()
    bench.fetch("tree/", into=second)

    assert bench.proxy.sent - sent == 2
    assert bench.found(second)["tree/b"] == b"cc"
    assert bench.found(second)["tree/a"] == b"a"
    assert len(bench.found(second)["tree/large"]) == LARGE_BYTES
    assert "2 of them from the cache" in bench.told[-1]
    assert bench.progress[-1].bytes_done == bench.progress[-1].bytes_total


@pytest.mark.parametrize("first_ended", [True, False])
def test_a_job_that_writes_to_its_files_changes_no_other_job_s(bench: Bench, first_ended: bool) -> None:
    bench.put(data="data", other="other")
    bench.fetch("data", "other")
    changed = bench.work / "data"
    before = changed.stat()
    with changed.open("r+b") as file:
        file.write(b"DATA")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    if first_ended:
        bench.end()

    second = bench.anew()
    bench.fetch("data", "other", into=second)

    assert bench.found(second) == {"data": b"data", "other": b"other"}
    assert [path.rpartition("/")[2] for path in sorted(bench.proxy.read())] in (
        ["data", "data", "other"],
        ["data", "other"],  # where copies share blocks
    )


def test_two_running_jobs_have_no_file_in_common(bench: Bench) -> None:
    bench.put(data="data")
    directories = [bench.directory, bench.anew(), bench.anew()]
    for directory in directories:
        bench.fetch("data", into=directory)

    assert len({(directory.work / "data").stat().st_ino for directory in directories}) == 3
    for directory in directories:
        bench.end(directory)
    assert len(bench.cached()) == 1
    assert len(bench.proxy.read()) == 1


def test_a_file_that_is_still_open_somewhere_does_not_come_back(bench: Bench) -> None:
    bench.put(data="data")
    bench.fetch("data")
    with (bench.work / "data").open("r+b") as file:
        holder = subprocess.Popen(["sleep", "60"], stdin=file)
    try:
        bench.end()
    finally:
        holder.kill()
        holder.wait()

    second = bench.anew()
    bench.fetch("data", into=second)

    assert bench.found(second) == {"data": b"data"}
    assert (second.work / "data").stat().st_ino != (bench.work / "data").stat().st_ino


@pytest.mark.parametrize("damage", ["removed", "another", "folder", "link"])
def test_what_a_job_did_to_a_file_s_place_costs_that_file_alone(bench: Bench, damage: str) -> None:
    bench.put(data="data", other="other")
    bench.fetch("data", "other")
    place = bench.work / "data"
    place.unlink()
    if damage == "another":
        place.write_text("data")
    if damage == "folder":
        place.mkdir()
    if damage == "link":
        place.symlink_to("/etc/hostname")
    bench.end()

    second = bench.anew()
    bench.fetch("data", "other", into=second)

    assert bench.found(second) == {"data": b"data", "other": b"other"}


def test_loans_come_back_to_a_later_process_too(bench: Bench) -> None:
    bench.put(data="data")
    bench.fetch("data")
    bench.cache = ObjectCache(bench.home / "objects", max_bytes=10**9)
    bench.end()

    second = bench.anew()
    bench.fetch("data", into=second)

    assert bench.found(second) == {"data": b"data"}
    assert len(bench.proxy.read()) == 1


def test_a_process_that_was_killed_while_it_took_loans_back_loses_none(bench: Bench) -> None:
    bench.put(data="data", other="other")
    bench.fetch("data", "other")
    bench.directory.work.rename(bench.directory.path / "aside")
    bench.cache = ObjectCache(bench.home / "objects", max_bytes=10**9)
    bench.end()

    second = bench.anew()
    bench.fetch("data", "other", into=second)

    assert bench.found(second) == {"data": b"data", "other": b"other"}
    assert len(bench.proxy.read()) == 2


def test_a_process_that_is_killed_while_it_fetches_has_noted_what_came(bench: Bench) -> None:
    bench.put(first="first", second="second")
    held = threading.Event()
    bench.proxy.fault = always(Held(held), lambda request: request.reads and request.path.endswith("second"))
    noted: list[Any] = []

    def look() -> None:
        record = bench.directory.read("objects.json")
        if record and "first" in record["lent"]:
            noted.append(record)
            held.set()

    bench.keep_going = look
    bench.fetch("first", "second", report_seconds=0.01, timeouts=Timeouts(5, 30))

    assert noted or placing.can_share(bench.home)


def test_what_a_job_of_an_earlier_process_has_is_copied_from_it(bench: Bench) -> None:
    bench.put(data="data")
    bench.fetch("data")
    bench.cache = ObjectCache(bench.home / "objects", max_bytes=10**9)
    bench.fetcher().remember(bench.directory)

    second = bench.anew()
    bench.fetch("data", into=second)

    assert bench.found(second) == {"data": b"data"}
    assert len(bench.proxy.read()) == 1


def test_one_job_s_end_takes_nothing_from_another_that_has_the_same_object(bench: Bench) -> None:
    bench.put(data="data")
    bench.fetch("data")
    second, third = bench.anew(), bench.anew()
    bench.fetch("data", into=second)
    (bench.work / "data").write_text("changed")
    bench.end()

    bench.fetch("data", into=third)

    assert bench.found(third) == bench.found(second) == {"data": b"data"}
    assert len(bench.proxy.read()) == 1


def test_what_a_job_moved_elsewhere_stays_there(bench: Bench) -> None:
    bench.put(tree__a="a", other="other")
    bench.fetch("tree/", "other")
    (bench.work / "tree").rename(bench.home / "mine")
    (bench.work / "tree").symlink_to(bench.home / "mine")
    bench.end()

    assert (bench.home / "mine" / "a").read_text() == "a"
    second = bench.anew()
    bench.fetch("tree/", "other", into=second)
    assert bench.found(second) == {"tree/a": b"a", "other": b"other"}


def test_a_file_that_goes_to_two_places_is_fetched_once_and_comes_back_once(bench: Bench) -> None:
    bench.put(tree__a="a")
    bench.fetch("tree/", "tree/a")
    bench.end()

    assert len(bench.cached()) == len(bench.proxy.read()) == 1


def test_what_a_failed_fetch_had_got_is_kept(bench: Bench) -> None:
    bench.put(data="data")
    bench.proxy.fault = always(Answer(403), lambda request: request.reads and request.path.endswith("zzz"))
    bench.put(zzz="zzz")
    refused(bench, "data", "zzz", patience=Patience(tries=1))
    bench.end()
    bench.proxy.fault = lambda _request: None

    second = bench.anew()
    bench.fetch("data", "zzz", into=second)

    assert bench.found(second) == {"data": b"data", "zzz": b"zzz"}


def test_a_damaged_cached_file_is_fetched_again(bench: Bench) -> None:
    bench.put(data="data")
    bench.fetch("data")
    bench.end()
    (cached,) = bench.cached()
    cached.write_bytes(b"dat")

    second = bench.anew()
    bench.fetch("data", into=second)

    assert bench.found(second) == {"data": b"data"}


def test_the_same_path_twice_is_fetched_once(bench: Bench) -> None:
    bench.put(data__a="a")

    bench.fetch("data/a", "data/a", "data/")

    assert bench.found() == {"a": b"a", "data/a": b"a"}
    assert len(bench.proxy.read()) == 1


def test_the_same_content_from_two_sources_is_fine(bench: Bench) -> None:
    bench.put(one__labels="cat", two__labels="cat", zipped="z")
    (bench.work / "zipped").write_text("z")

    bench.fetch("one/labels", "two/labels", "zipped")

    assert bench.found() == {"labels": b"cat", "zipped": b"z"}


@pytest.mark.parametrize("content", ["cat", "longer"])
def test_two_paths_with_one_name_and_other_content_are_refused_with_both_named(
    bench: Bench, content: str
) -> None:
    bench.put(one__labels="dog", two__labels=content)

    with pytest.raises(Conflict) as clash:
        bench.fetch("one/labels", "two/labels")

    assert clash.value.code == "dependency_conflict"
    assert bench.uri("one/labels") in clash.value.message
    assert bench.uri("two/labels") in clash.value.message


@pytest.mark.parametrize("content", ["print(2)", "print(22)"])
@pytest.mark.parametrize(("name", "other"), [("main.py", "the script main.py"), ("mod.py", "in deps.zip")])
def test_script_and_archive_keep_their_names(bench: Bench, content: str, name: str, other: str) -> None:
    bench.keep(f"code/{name}", content)
    (bench.work / name).write_text("print(1)")

    with pytest.raises(Conflict) as clash:
        bench.fetch(f"code/{name}")

    assert other in clash.value.message
    assert bench.uri(f"code/{name}") in clash.value.message
    assert bench.found() == {name: b"print(1)"}


@pytest.mark.parametrize(
    ("keys", "paths", "there"),
    [
        (["one/data", "two/data/x"], ["one/data", "two/data/"], None),
        (["two/data/x", "one/data"], ["two/data/", "one/data"], None),
        (["data/x"], ["data/"], "data"),
        (["data"], ["data"], "data/x"),
        (["outputs"], ["outputs"], None),
        (["deep/inputs"], ["deep/inputs"], None),
    ],
)
def test_a_file_and_a_directory_of_one_name_are_refused(
    bench: Bench, keys: list[str], paths: list[str], there: str | None
) -> None:
    for key in keys:
        bench.keep(key, "content")
    if there:
        (bench.work / there).parent.mkdir(exist_ok=True)
        (bench.work / there).write_text("content")

    with pytest.raises(Conflict) as clash:
        bench.fetch(*paths)

    assert clash.value.code == "dependency_conflict"


@pytest.mark.parametrize(
    "key",
    ["../../etc/passwd", "a/../b", "./a", "a//b", "/a", "a\\..\\b", "a\nb", "a\x7fb", "a\x1bb", "n" * 300],
)
def test_a_key_that_is_no_plain_relative_path_is_refused(bench: Bench, key: str) -> None:
    name = quote(f"{bench.prefix}/tree/{key}")
    listed = (
        "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Contents>"
        f'<Key>{name}</Key><ETag>"e"</ETag><Size>1</Size></Contents></ListBucketResult>'
    )
    bench.proxy.fault = always(Answer(200, body=listed), lists)

    refusal = refused(bench, "tree/")

    assert refusal.code == "dependency_forbidden"
    assert bench.proxy.read() == []
    assert bench.found() == {}


@before_each_server
@pytest.mark.parametrize("paths", ["missing", "missing/", "there/missing", "the"])
def test_what_is_not_there_is_told_at_once(bench: Bench, paths: str) -> None:
    bench.put(there__a="a")

    refusal = refused(bench, "there/", paths)

    assert refusal.code == "dependency_not_found"
    assert bench.uri(paths) in refusal.message
    assert max(request.number for request in bench.proxy.requests) == 0
    assert bench.found() == {}


@before_each_server
def test_a_bucket_that_is_not_there_is_told_as_such(bench: Bench) -> None:
    refusal = refused(bench, paths="s3://no-such-bucket/a", access=bench.access(allowed=["no-such-bucket"]))

    assert refusal.code == "dependency_not_found"
    assert refusal.message.startswith("the storage has no such bucket: s3://no-such-bucket/a")


@pytest.mark.parametrize("key", ["data", "tree/"])
def test_a_key_without_rights_or_a_wrong_secret_is_told_at_once(
    bench: Bench, s3_server: S3Server, key: str
) -> None:
    bench.put(data="x", tree__a="a")
    powerless = {"access_key_id": s3_server.powerless[0], "secret_access_key": s3_server.powerless[1]}

    for keys in (powerless, {"secret_access_key": "wrong"}, {"access_key_id": "nobody"}):
        refusal = refused(bench, key, access=bench.access(**keys))

        assert refusal.code == "dependency_forbidden"
        assert bench.uri(key) in refusal.message
        assert not any(word in refusal.message for word in ("Signature=", "wrong", s3_server.powerless[1]))
    assert len(bench.proxy.requests) == 3


def test_what_no_connection_allows_is_not_asked_for(bench: Bench) -> None:
    refusal = refused(bench, "data", access=bench.access(allowed=["another", f"{bench.bucket}/elsewhere/"]))

    assert refusal.code == "dependency_forbidden"
    assert bench.proxy.requests == []


@before_each_server
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "NoSuchKey", "dependency_not_found"),
        (403, "AccessDenied", "dependency_forbidden"),
        (400, "InvalidRequest", "dependency_unavailable"),
    ],
)
def test_a_refusal_while_reading_is_final(bench: Bench, status: int, code: str, reason: str) -> None:
    bench.put(data="data")
    bench.proxy.fault = always(Answer(status, code))

    refusal = refused(bench, "data")

    assert refusal.code == reason
    assert bench.uri("data") in refusal.message
    assert len(bench.proxy.read()) == 1


PASSING = [
    Answer(500, "InternalError"),
    Answer(503, "SlowDown"),
    Answer(429),
    Answer(400, "RequestTimeout"),
    Cut(0),
    Cut(3),
    Damaged(),
]


@before_each_server
@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_tried_again(bench: Bench, fault: Fault) -> None:
    bench.put(data="data")
    bench.proxy.fault = faults(fault, fault)

    bench.fetch("data")

    assert bench.found() == {"data": b"data"}
    assert len(bench.proxy.read()) == 3
    assert bench.progress[-1].bytes_done == 4


@before_each_server
@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_does_not_pass_is_given_up(bench: Bench, fault: Fault) -> None:
    bench.put(data="data")
    bench.proxy.fault = always(fault)

    refusal = refused(bench, "data")

    assert refusal.code == "dependency_unavailable"
    assert refusal.message.endswith(f", tried 3 times: {bench.uri('data')}")
    assert len(bench.proxy.read()) == 3
    assert bench.cached() == []
    assert bench.found() == {}


@before_each_server
@pytest.mark.parametrize("fault", [*PASSING[:3], Answer(500)], ids=str)
def test_finding_is_tried_again_too(bench: Bench, fault: Fault) -> None:
    bench.put(tree__a="a")
    bench.proxy.fault = faults(fault, fault, when=lambda request: not request.reads)

    bench.fetch("tree")

    assert bench.found() == {"tree/a": b"a"}


@before_each_server
def test_a_part_of_a_large_object_is_tried_again_alone(bench: Bench) -> None:
    content = random_bytes(LARGE_BYTES)
    bench.keep("large", content)
    bench.proxy.fault = faults(
        Cut(1000), Answer(503), when=lambda request: request.range.startswith("bytes=0-")
    )

    bench.fetch("large")

    assert bench.found() == {"large": content}
    assert sorted(request.number for request in bench.proxy.requests if request.range) == [0, 0, 1, 2]
    assert bench.progress[-1].bytes_done == len(content)


@before_each_server
def test_a_damaged_part_of_a_large_object_is_noticed(bench: Bench) -> None:
    content = random_bytes(LARGE_BYTES)
    bench.keep("large", content)
    bench.proxy.fault = faults(Damaged())

    bench.fetch("large")

    assert bench.found() == {"large": content}


@before_each_server
def test_an_object_that_is_replaced_meanwhile_comes_as_the_new_one(bench: Bench) -> None:
    old, new = random_bytes(LARGE_BYTES + 1), random_bytes(LARGE_BYTES)
    bench.keep("large", old)

    def replace(request: Request) -> Fault:
        if request.reads and bench.s3.head_object(**named)["ContentLength"] == len(old):
            bench.keep("large", new)
        return None

    named = {"Bucket": bench.bucket, "Key": f"{bench.prefix}/large"}
    lock = threading.Lock()

    def one_at_a_time(request: Request) -> Fault:
        with lock:
            return replace(request)

    bench.proxy.fault = one_at_a_time

    bench.fetch("large")

    assert bench.found() == {"large": new}
    assert bench.progress[-1].bytes_total == len(new)
    assert noted(bench) == {bench.uri("large"): fingerprint(bench, "large")}


def fingerprint(bench: Bench, key: str) -> str | None:
    """What the platform knows the path by."""
    return S3Storage().fingerprint(bench.access(), parse(bench.uri(key)))


def noted(bench: Bench) -> dict[str, str] | None:
    """What the platform is told of what was fetched."""
    return fetched.read(bench.directory)


def test_what_was_fetched_is_noted_as_the_platform_knows_it(bench: Bench) -> None:
    bench.put(file="1", tree__a="a", tree__b__c="c", tree__empty__="", other__="", other__x="x")

    bench.fetch("file", "tree", "tree/", "other/", "file")

    assert noted(bench) == {
        bench.uri(key): fingerprint(bench, key) for key in ("file", "tree", "tree/", "other/")
    }


def test_what_changed_while_it_was_fetched_twice_is_noted_as_nothing_known(bench: Bench) -> None:
    bench.put(data="1", tree__a="a")
    path = parse(bench.uri("data"))
    order = Order(
        [path, parse(bench.uri("tree/"))],
        [bench.access()],
        bench.directory,
        str,
        bench.tell,
        bench.keep_going,
        {"again": [path]},
    )

    def replace(request: Request) -> Fault:
        # The first look at it finds another object than the second one.
        if request.method == "HEAD":
            bench.put(data=os.urandom(4).hex())
        return None

    bench.proxy.fault = replace
    bench.fetcher(Manners(patience=QUICK, timeouts=BRIEF)).fetch(order)

    told = noted(bench) or {}
    assert told[bench.uri("tree/")] == fingerprint(bench, "tree/")
    same = (bench.work / "data").read_bytes() == (bench.work / "inputs/again/data").read_bytes()
    assert (told[bench.uri("data")] == "") is not same


def test_nothing_is_noted_of_a_job_that_names_no_path(bench: Bench) -> None:
    assert noted(bench) is None


@before_each_server
def test_an_object_that_is_replaced_again_and_again_is_given_up(bench: Bench) -> None:
    bench.put(data="0")
    changes = iter(range(1, 10**6))

    def replace(request: Request) -> Fault:
        if request.reads:
            bench.put(data=str(next(changes)))
        return None

    bench.proxy.fault = replace

    refusal = refused(bench, "data")

    assert refusal.code == "dependency_unavailable"
    assert "replaced" in refusal.message


@before_each_server
def test_an_object_that_is_gone_meanwhile_is_told(bench: Bench) -> None:
    bench.put(data="data")

    def remove(request: Request) -> Fault:
        if request.reads:
            bench.s3.delete_object(Bucket=bench.bucket, Key=f"{bench.prefix}/data")
        return None

    bench.proxy.fault = remove

    assert refused(bench, "data").code == "dependency_not_found"


@pytest.mark.parametrize("when", [lambda request: request.reads, lambda _request: True])
def test_a_redirect_is_not_followed(
    bench: Bench, s3_server: S3Server, when: Callable[[Request], bool]
) -> None:
    bench.put(data="data")
    with proxied(s3_server.endpoint) as elsewhere:
        headers = {"Location": f"{elsewhere.url}/latest/meta-data/"}
        bench.proxy.fault = always(Answer(307, "TemporaryRedirect", headers=headers), when)

        refusal = refused(bench, "data")

        assert refusal.code == "dependency_unavailable"
        assert "307" in refusal.message
        assert elsewhere.requests == []


def test_a_storage_that_is_not_there_is_given_up(bench: Bench) -> None:
    refusal = refused(bench, "data", access=bench.access(endpoint="http://127.0.0.1:1"))

    assert refusal.code == "dependency_unavailable"
    assert refusal.message.startswith("the connection to the storage failed, tried 3 times")


def test_a_storage_that_is_not_there_is_told_of_while_it_is_waited_for(bench: Bench) -> None:
    def look() -> None:
        if bench.told:
            raise NotWantedError

    bench.keep_going = look
    with pytest.raises(NotWantedError):
        bench.fetch(
            "data",
            "tree/",
            access=bench.access(endpoint="http://127.0.0.1:1"),
            patience=Patience(tries=2, first_delay=PATIENCE),
        )

    (told,) = bench.told
    keys = "|".join(re.escape(bench.uri(key)) for key in ("data", "tree/"))
    assert re.fullmatch(
        rf"the connection to the storage failed: ({keys}); trying again in [\d.]+ (s|min \d+ s)", told
    )


def test_of_many_objects_that_fail_the_first_is_told_and_what_fails_more_often(bench: Bench) -> None:
    for number in range(20):
        bench.keep(f"tree/{number}", "content")
    bench.proxy.fault = lambda request: Answer(503, "SlowDown") if request.number < 2 else None

    bench.fetch("tree/")

    told = [line for line in bench.told if "trying again" in line]
    assert len(told) == 2
    assert all(line.startswith("the storage answered 503 SlowDown: s3://") for line in told)
    assert len(bench.found()) == 20


def test_a_silent_storage_is_given_up(bench: Bench) -> None:
    bench.put(data="data")
    never = threading.Event()
    bench.proxy.fault = always(Held(never))

    refusal = refused(
        bench, "data", timeouts=Timeouts(2, 0.05), patience=Patience(tries=2, first_delay=0.001)
    )

    never.set()
    assert refusal.message.startswith("the storage did not answer in time, tried 2 times")


def test_no_try_begins_after_the_time_is_up(bench: Bench) -> None:
    bench.put(data="data")
    bench.proxy.fault = always(Answer(503, "SlowDown"))

    refusal = refused(bench, "data", patience=Patience(tries=5, seconds=0, first_delay=0.001))

    assert "503 SlowDown, tried once" in refusal.message


class NotWantedError(Exception):
    pass


@pytest.mark.parametrize("midway", [False, True])
def test_a_fetch_that_is_not_wanted_any_more_ends_while_the_storage_is_silent(
    bench: Bench, midway: bool
) -> None:
    bench.keep("large", random_bytes(LARGE_BYTES))
    bench.put(data="data")
    held, answering = threading.Event(), threading.Event()

    def hold(request: Request) -> Fault:
        if request.reads:
            answering.set()
            return Held(held, midway)
        return None

    def stop() -> None:
        if answering.is_set():
            raise NotWantedError

    bench.proxy.fault, bench.keep_going = hold, stop
    started = time.monotonic()
    with pytest.raises(NotWantedError):
        bench.fetch("large", "data", timeouts=Timeouts(30, 30))
    held.set()

    assert time.monotonic() - started < 20  # and not the 30 s that the storage may be silent
    assert bench.found() == {}


@pytest.mark.parametrize(
    ("bounds", "words"),
    [(Bounds(files=2), "2 files at most"), (Bounds(total_bytes=5), "GiB at most")],
)
@pytest.mark.parametrize("keys", [["tree/"], ["tree/a", "tree/b", "tree/c"]])
def test_more_than_a_job_may_fetch_is_refused_before_it_is_read(
    bench: Bench, bounds: Bounds, words: str, keys: list[str]
) -> None:
    bench.put(tree__a="aa", tree__b="bb", tree__c="cc")

    refusal = refused(bench, *keys, bounds=bounds)

    assert refusal.code == "dependency_too_large"
    assert words in refusal.message
    assert bench.proxy.read() == []


def test_a_long_fetch_tells_how_far_it_is(bench: Bench) -> None:
    bench.put(first="first", second="second")
    held = threading.Event()
    bench.proxy.fault = always(Held(held), lambda request: request.reads and request.path.endswith("second"))

    def look() -> None:
        if bench.told and bench.told[-1].endswith(" left"):
            held.set()

    bench.keep_going = look
    bench.fetch("first", "second", report_seconds=0.01, timeouts=Timeouts(5, 30))

    assert bench.told[0] == "fetching 2 files (11 B)"
    told, progress = next(one for one in zip(bench.told, bench.progress, strict=True) if " left" in one[0])
    assert re.fullmatch(r"fetched 5 B of 11 B, [01] of 2 files, [\d.]+ k?B/s, [\d.]+ s left", told), told
    assert progress.bytes_per_second > 0
    assert progress.seconds_left is not None
    assert bench.progress[0] == StagingProgress(
        bytes_done=0, bytes_total=11, files_done=0, files_total=2, bytes_per_second=0
    )


def test_two_jobs_that_want_one_object_fetch_it_once(bench: Bench) -> None:
    bench.put(data="data")
    places = [bench.anew() for _ in range(3)]
    threads = [
        threading.Thread(target=bench.fetch, args=("data",), kwargs={"into": place}) for place in places
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [bench.found(place) for place in places] == [{"data": b"data"}] * 3
    assert len(bench.proxy.read()) == 1


def test_cos_is_asked_with_the_first_version_of_the_list(bench: Bench) -> None:
    bench.put(tree__a="a")
    access = bench.access(kind="cos")

    bench.fetch(paths=f"cos://{bench.bucket}/{bench.prefix}/tree/", access=access)

    assert bench.found() == {"tree/a": b"a"}
    assert not any("list-type" in request.query for request in bench.proxy.requests)


@pytest.mark.parametrize("key", ["tree/", "tree/a", "tree/large"])
def test_cos_is_asked_at_its_bucket_s_own_host_and_for_no_checksums(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    bench.put(tree__a="a")
    bench.keep("tree/large", random_bytes(LARGE_BYTES))
    monkeypatch.setenv("http_proxy", bench.proxy.url)
    access = bench.access(kind="cos", endpoint=f"http://{VIRTUAL_HOST}", addressing=Addressing.VIRTUAL)

    bench.fetch(paths=f"cos://{bench.bucket}/{bench.prefix}/{key}", access=access)

    assert bench.found()
    for request in bench.proxy.requests:
        assert request.headers["host"] == f"{bench.bucket}.{VIRTUAL_HOST}"
        assert request.path.removeprefix("/").startswith((bench.prefix, "")[bool(request.query)])
        assert not any("checksum" in name for name in request.headers)


@pytest.mark.parametrize("key", ["tree/", "tree/a"])
def test_s3_is_asked_for_the_checksums_that_it_has(bench: Bench, key: str) -> None:
    bench.put(tree__a="a")

    bench.fetch(key)

    assert [one.headers.get("x-amz-checksum-mode") for one in bench.proxy.requests if one.reads] == [
        "ENABLED"
    ]


def test_the_worker_s_own_environment_brings_no_credentials_or_endpoints(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.put(data="data")
    config = tmp_path / "config"
    config.write_text("[default]\nregion = nowhere\ns3 =\n  addressing_style = virtual\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)

    bench.fetch("data")

    assert bench.found() == {"data": b"data"}
