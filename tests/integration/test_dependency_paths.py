"""Data that a script finds because its job named where in S3 it lies."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.s3_proxy import Held, Request, S3Proxy, proxied
from tests.servers import S3Server
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

BUCKET = "integration"
ENDED = {"succeeded", "failed", "cancelled"}


class Lab:
    """A connection to a storage, and what lies in its bucket."""

    def __init__(self, stack: Stack, s3: S3Server, proxy: S3Proxy) -> None:
        self.stack = stack
        self.server = s3
        self.proxy = proxy
        self.s3 = s3.client()
        self.prefix = os.urandom(8).hex()

    def connect(self, **changes: Any) -> None:
        settings = {
            "endpoint": self.proxy.url,
            "access_key_id": self.server.access_key_id,
            "secret_access_key": self.server.secret_access_key,
            "allowed": [f"{BUCKET}/{self.prefix}/"],
            **changes,
        }
        with self.stack.api() as api:
            answer = api.put(f"/connections/lab-{self.prefix}", json=settings)
            assert answer.is_success, answer.text

    def put(self, key: str, content: bytes | str) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}", Body=content)
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://{BUCKET}/{self.prefix}/{key}"

    def submit(self, script: str, *paths: str, **inputs: str) -> str:
        spec = {"dependency_paths": ",".join(paths), "inputs": inputs}
        files = {"script": ("main.py", script.encode())}
        with self.stack.api() as api:
            answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

    def job(self, job_id: str) -> Any:
        with self.stack.api() as api:
            return api.get(f"/jobs/{job_id}").json()

    def ended(self, job_id: str) -> Any:
        return eventually(
            lambda: job if (job := self.job(job_id))["state"] in ENDED else None, seconds=PATIENCE
        )

    def log(self, job_id: str, name: str) -> str:
        with self.stack.api() as api:
            return api.get(f"/jobs/{job_id}/logs/{name}").text

    def run(self, script: str, *paths: str, **inputs: str) -> tuple[Any, str, str]:
        job_id = self.submit(script, *paths, **inputs)
        return self.ended(job_id), self.log(job_id, "stdout.log"), self.log(job_id, "system.log")


@pytest.fixture
def lab(stack: Stack, s3_server: S3Server) -> Iterator[Lab]:
    with proxied(s3_server.endpoint) as proxy:
        made = Lab(stack, s3_server, proxy)
        if BUCKET not in {bucket["Name"] for bucket in made.s3.list_buckets()["Buckets"]}:
            made.s3.create_bucket(Bucket=BUCKET)
        made.connect()
        yield made
        with stack.api() as api:
            api.delete(f"/connections/lab-{made.prefix}")
        made.s3.close()


def test_the_second_job_fetches_nothing_and_has_files_of_its_own(lab: Lab) -> None:
    path = lab.put("data.txt", "data")
    look = "print(open('data.txt').read())\n"

    runs = [lab.run(look, path) for _ in range(2)]
    assert len(lab.proxy.read()) == 1
    assert "1 of them from the cache" in runs[1][2]

    runs += [lab.run(f"{look}open('data.txt', 'w').write('changed')", path), lab.run(look, path)]
    assert [(job["state"], printed) for job, printed, _ in runs] == [("succeeded", "data\n")] * 4


def test_nothing_of_the_credentials_reaches_the_script_or_the_disk(lab: Lab) -> None:
    path = lab.put("data.txt", "data")
    script = (
        "import os\n"
        "print(sorted(name for name in os.environ if name.startswith('AWS')))\n"
        f"secret = {lab.server.secret_access_key[::-1]!r}[::-1]\n"
        "print([value for value in os.environ.values() if secret in value])\n"
        "found = []\n"
        "for folder, _, names in os.walk('../../../..'):\n"
        "    for path in (os.path.join(folder, name) for name in names):\n"
        "        if os.path.isfile(path) and secret.encode() in open(path, 'rb').read():\n"
        "            found.append(path)\n"
        "print(found)\n"
    )

    job, printed, told = lab.run(script, path)

    assert (job["state"], printed) == ("succeeded", "['AWS_EC2_METADATA_DISABLED']\n[]\n[]\n")
    assert lab.server.secret_access_key not in told
    assert lab.server.secret_access_key not in lab.stack.log_of("worker")
    assert lab.server.secret_access_key not in lab.stack.log_of("platform")


def test_what_is_missing_forbidden_or_clashes_fails_the_job_with_its_reason(lab: Lab) -> None:
    for key in ("one/main.py", "two/data"):
        lab.put(key, "content")

    missing, _, _ = lab.run("print(1)", lab.uri("nowhere"))
    assert (missing["state"], missing["reason"]) == ("failed", "dependency_not_found")
    assert lab.uri("nowhere") in missing["sentence"]

    clash, _, _ = lab.run("print(1)", lab.uri("one/main.py"))
    assert (clash["state"], clash["reason"]) == ("failed", "dependency_conflict")
    assert lab.uri("one/main.py") in clash["sentence"]
    assert "the script" in clash["sentence"]

    lab.connect(access_key_id=lab.server.powerless[0], secret_access_key=lab.server.powerless[1])
    forbidden, _, _ = lab.run("print(1)", lab.uri("two/data"))
    assert (forbidden["state"], forbidden["reason"]) == ("failed", "dependency_forbidden")
    assert lab.uri("two/data") in forbidden["sentence"]


def test_a_job_that_fetches_says_how_far_it_is_and_can_be_cancelled(lab: Lab) -> None:
    for name in ("first", "second"):
        lab.put(f"data/{name}", name)
    held = threading.Event()

    def hold(request: Request) -> Held | None:
        return Held(held) if request.reads and request.path.endswith("second") else None

    lab.proxy.fault = hold
    job_id = lab.submit("print(1)", lab.uri("data/"))
    progress = eventually(lambda: lab.job(job_id)["progress"], seconds=PATIENCE)
    assert (progress["bytes_total"], progress["files_total"]) == (11, 2)
    eventually(lambda: lab.job(job_id)["progress"]["files_done"] == 1, seconds=PATIENCE)
    assert lab.job(job_id)["state"] == "staging"

    with lab.stack.api() as api:
        api.post(f"/jobs/{job_id}/cancel")
    job = eventually(lambda: lab.job(job_id) if lab.job(job_id)["state"] in ENDED else None, seconds=20)
    held.set()

    assert (job["state"], job["progress"]) == ("cancelled", None)


def test_inputs_come_from_storages_too(lab: Lab) -> None:
    table, folder = lab.put("table.csv", "1,2"), lab.put("tree/a", "a").removesuffix("a")
    look = (
        "import os\nprint(open('inputs/one/table.csv').read(), os.listdir('inputs/two/tree'), os.listdir())"
    )

    job, printed, told = lab.run(look, one=table, two=f"{folder},{table}")

    assert job["state"] == "succeeded", told
    assert printed.startswith("1,2 ['a'] ")
    assert "table.csv" not in printed
    assert "fetching 3 files (7 B)" in told
    with lab.stack.api() as api:
        spec = json.dumps({"inputs": {"x": "s3://elsewhere/data"}})
        answer = api.post("/jobs", files={"script": ("main.py", b"print(1)")}, data={"spec": spec})
    assert (answer.status_code, answer.json()["code"]) == (403, "s3_bucket_not_allowed")


def test_a_path_that_no_connection_allows_is_refused_at_submit(lab: Lab) -> None:
    with lab.stack.api() as api:
        for paths, status, code in (
            ("s3://elsewhere/data", 403, "s3_bucket_not_allowed"),
            (f"cos://{BUCKET}/{lab.prefix}/x", 403, "s3_bucket_not_allowed"),
            ("s3://bucket/../x", 422, "s3_uri_invalid"),
            ("/etc/passwd", 422, "s3_uri_invalid"),
        ):
            spec = json.dumps({"dependency_paths": paths})
            answer = api.post("/jobs", files={"script": ("main.py", b"print(1)")}, data={"spec": spec})
            assert (answer.status_code, answer.json()["code"]) == (status, code), paths
