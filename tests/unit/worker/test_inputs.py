"""What lies in `inputs/<name>/` when a script starts, wherever it comes from."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.factories import make_zip
from tests.s3_proxy import S3Proxy, proxied
from tests.servers import S3Server
from tests.unit.worker.small_platform import SmallPlatform

from torchyard.contracts.connections import Addressing, StorageAccess
from torchyard.contracts.jobs import StagingProgress
from torchyard.contracts.runner import InputFile
from torchyard.errors import Conflict, DependencyFailed
from torchyard_worker import spooling, staging
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.fetching import Fetcher
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.staging import Sources
from torchyard_worker.tree_cache import TreeCache

ATTEMPT = "3f2b8f38-0000-4000-8000-000000000003"
JOB = "5f0c1b1e-0000-4000-8000-000000000009"
BUCKET = "inputs"


@dataclass
class Bench:
    """A worker's stores, and a storage with objects."""

    home: Path
    platform: SmallPlatform
    sources: Sources
    server: S3Server
    proxy: S3Proxy
    prefix: str = field(default_factory=lambda: os.urandom(8).hex())
    told: list[tuple[str, StagingProgress]] = field(default_factory=list)

    def put(self, key: str, content: bytes) -> str:
        s3 = self.server.client()
        with contextlib.suppress(s3.exceptions.BucketAlreadyExists, s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}", Body=content)
        s3.close()
        return f"s3://{BUCKET}/{self.prefix}/{key}"

    def keep(self, name: str, content: bytes) -> str:
        return f"blob:{self.platform.keep(content)}/{name}"

    def stage(
        self,
        inputs: dict[str, str],
        files: Mapping[str, bytes] | None = None,
        *,
        zipped: bytes | None = None,
        paths: str = "",
    ) -> tuple[AttemptDirectory, list[str]]:
        """A job's directory, and what was told; `files` are those of jobs and uploads, by name and path."""
        self.platform.offer(ATTEMPT, "print('hi')", zipped=zipped, inputs=inputs, dependency_paths=paths)
        given = [
            InputFile(
                name=place.partition("/")[0],
                path=place.partition("/")[2],
                sha256=self.platform.keep(content),
                size=len(content),
            )
            for place, content in (files or {}).items()
        ]
        claimed = self.platform.claimable.pop(ATTEMPT).model_copy(
            update={"inputs": given, "storage": [self.access()]}
        )
        directory = spooling.create(self.home / "attempts" / os.urandom(4).hex(), claimed)
        told = staging.stage(
            directory, claimed, self.sources, lambda: None, lambda *told: self.told.append(told)
        )
        return directory, told

    def access(self) -> StorageAccess:
        return StorageAccess.model_validate(
            {
                "name": "main",
                "kind": "s3",
                "endpoint": self.proxy.url,
                "region": "us-east-1",
                "addressing": Addressing.PATH,
                "allowed": [BUCKET],
                "access_key_id": self.server.access_key_id,
                "secret_access_key": self.server.secret_access_key,
            }
        )


def found(directory: AttemptDirectory) -> dict[str, bytes]:
    root = directory.work / "inputs"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def bench(tmp_path: Path, platform: SmallPlatform, api: PlatformApi, s3_server: S3Server) -> Iterator[Bench]:
    sources = Sources(
        BlobCache(tmp_path / "blobs", api, max_bytes=10**9),
        TreeCache(tmp_path / "trees", max_bytes=10**9),
        Fetcher(ObjectCache(tmp_path / "objects", max_bytes=10**9)),
    )
    with proxied(s3_server.endpoint) as proxy:
        yield Bench(tmp_path, platform, sources, s3_server, proxy)


def test_paths_jobs_and_uploads_lie_side_by_side(bench: Bench) -> None:
    one, tree = bench.put("labels.csv", b"l"), bench.put("cifar/a", b"a")
    bench.put("cifar/deep/b", b"b")
    inputs = {
        "数据": f"{one},{tree.removesuffix('a')},{bench.keep('表.csv', b't')}",
        "model": f"job:{JOB}",
        "none": "none",
    }

    directory, told = bench.stage(inputs, {"数据/表.csv": b"t", "model/m.pth": b"m"}, paths=one)

    assert found(directory) == {
        "数据/labels.csv": b"l",
        "数据/cifar/a": b"a",
        "数据/cifar/deep/b": b"b",
        "数据/表.csv": b"t",
        "model/m.pth": b"m",
    }
    assert list((directory.work / "inputs" / "none").iterdir()) == []
    assert (directory.work / "labels.csv").read_bytes() == b"l"
    assert staging.changed_files(directory) == []
    for words in (
        "inputs/数据 (1 uploaded file, 2 storage paths)",
        f"inputs/model (1 file of job {JOB})",
        "inputs/none (empty)",
        "1 dependency path",
    ):
        assert words in told


def test_one_fetch_brings_what_lies_beside_the_script_and_the_inputs(bench: Bench) -> None:
    beside, given = bench.put("one", b"111"), bench.put("two", b"22")

    bench.stage({"x": given}, paths=beside)

    assert bench.told[0][0] == "fetching 2 files (5 B)"
    assert (bench.told[-1][1].files_done, bench.told[-1][1].bytes_total) == (2, 5)


def test_objects_come_from_the_cache_for_the_next_job_which_has_files_of_its_own(bench: Bench) -> None:
    path = bench.put("data.txt", b"data")
    for change in (False, True, False):
        directory, _ = bench.stage({"x": path})
        assert found(directory) == {"x/data.txt": b"data"}
        if change:
            (directory.work / "inputs" / "x" / "data.txt").write_bytes(b"changed")
        bench.sources.fetcher.take_back(directory)

    assert len(bench.proxy.read()) <= 2  # what a job changed is fetched again, if it was the cache's own file


def test_a_path_that_names_nothing_is_told(bench: Bench) -> None:
    bench.put("there", b"")

    with pytest.raises(DependencyFailed, match="has no such file") as refused:
        bench.stage({"x": f"s3://{BUCKET}/{bench.prefix}/missing"})

    assert refused.value.code == "dependency_not_found"


@pytest.mark.parametrize("same", [True, False])
def test_an_upload_and_a_path_in_one_place_have_to_be_the_same(bench: Bench, same: bool) -> None:
    path = bench.put("a.csv", b"one" if same else b"two")
    inputs = {"x": f"{path},{bench.keep('a.csv', b'one')}"}
    if same:
        assert found(bench.stage(inputs, {"x/a.csv": b"one"})[0]) == {"x/a.csv": b"one"}
        return

    with pytest.raises(Conflict) as refused:
        bench.stage(inputs, {"x/a.csv": b"one"})

    assert refused.value.code == "dependency_conflict"
    assert refused.value.message == f"inputs/x/a.csv comes from the uploaded file a.csv and from {path}"


def test_dependencies_and_a_job_in_one_place_are_both_named(bench: Bench) -> None:
    zipped = make_zip({"inputs/x/m.pth": b"other"})

    with pytest.raises(Conflict) as refused:
        bench.stage({"x": f"job:{JOB}"}, {"x/m.pth": b"m"}, zipped=zipped)

    expected = f"inputs/x/m.pth comes from inputs/x/m.pth in deps.zip and from job {JOB}"
    assert refused.value.message == expected


def test_a_file_in_the_place_of_an_input_s_directory_is_named(bench: Bench) -> None:
    zipped = make_zip({"inputs/x/deep": b"a file"})

    with pytest.raises(Conflict, match=re.escape("inputs/x/deep comes from inputs/x/deep in deps.zip and")):
        bench.stage({"x": f"job:{JOB}"}, {"x/deep/er/m.pth": b"m"}, zipped=zipped)


def test_a_dependency_path_and_an_input_in_one_place_are_both_named(bench: Bench) -> None:
    beside, given = bench.put("inputs/x/a.csv", b"one"), bench.put("a.csv", b"more")

    with pytest.raises(Conflict) as refused:
        bench.stage({"x": given}, paths=beside.removesuffix("x/a.csv"))

    assert refused.value.message == f"inputs/x/a.csv comes from {beside} and from {given}"


def test_many_small_files_come_together(bench: Bench) -> None:
    files = {f"x/{number}.txt": str(number).encode() for number in range(50)}

    directory, told = bench.stage({"x": f"job:{JOB}"}, files)

    assert found(directory) == files
    assert told[1:] == [f"inputs/x (50 files of job {JOB})"]
    # The script and the bundle.
    assert sum("/blobs" in path for _, path in bench.platform.requests) == 2
