"""Connections and secrets from the terminal to the script, and where they are not found."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.servers import S3Server
from tests.stack import Stack
from tests.terminal import torchyard

VALUE = "canary-of-the-secret"


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
    )
    client.create_bucket(Bucket="terminal")
    for key in ("data/a.csv", "data/sub/b.csv", "private/c"):
        client.put_object(Bucket="terminal", Key=key, Body=b"1,2,3")
    return "terminal"


def set_up(stack: Stack, server: S3Server, name: str, secret: str, allow: str) -> Any:
    words = ("--endpoint", server.endpoint, "--key-id", server.access_key_id, "--allow", allow, "--json")
    return json.loads(torchyard(stack, "connections", "set", name, *words, stdin=f"{secret}\n").stdout)


def test_a_connection_is_set_up_looked_through_and_removed(
    stack: Stack, s3_server: S3Server, bucket: str
) -> None:
    made = set_up(stack, s3_server, "lab", s3_server.secret_access_key, f"{bucket}/data/")

    listed = torchyard(stack, "connections", "list").stdout
    checked = json.loads(
        torchyard(stack, "connections", "check", "lab", f"s3://{bucket}/data/", "--json").stdout
    )
    browsed = torchyard(stack, "connections", "browse", "lab", f"s3://{bucket}/data").stdout
    missing = torchyard(stack, "connections", "check", "lab", f"s3://{bucket}/data/none", code=2)
    refused = torchyard(stack, "connections", "browse", "lab", f"s3://{bucket}/private/", code=2)
    set_up(stack, s3_server, "lab", "wrong", f"{bucket}/data/")
    forbidden = torchyard(stack, "connections", "check", "lab", f"s3://{bucket}/data/", code=2)
    torchyard(stack, "connections", "rm", "lab")

    assert (made["addressing"], made["allowed"]) == ("path", [f"{bucket}/data/"])
    assert "lab" in listed
    assert (checked["type"], checked["files"], checked["size"]) == ("directory", 2, 10)
    assert f"s3://{bucket}/data/sub/" in browsed
    assert f"s3://{bucket}/data/a.csv" in browsed
    assert f"there is nothing at s3://{bucket}/data/none" in missing.stderr
    assert "does not allow to read" in refused.stderr
    assert "does not let the connection read" in forbidden.stderr
    assert json.loads(torchyard(stack, "connections", "list", "--json").stdout) == []
    for told in (json.dumps(made), listed, browsed, missing.stderr, refused.stderr, forbidden.stderr):
        assert s3_server.secret_access_key not in told


def test_a_script_has_its_secret_and_nobody_else_sees_it(stack: Stack, tmp_path: Path) -> None:
    script = tmp_path / "needy.py"
    script.write_text(
        "import os\n"
        "token = os.environ['TOKEN']\n"
        "print('given', token)\n"
        "open('outputs/length', 'w').write(str(len(token)))\n"
        "raise ValueError(token)\n"
    )
    unknown = torchyard(stack, "run", str(script), "--env", "TOKEN=${secrets.NEEDY}", code=2)
    torchyard(stack, "secrets", "set", "NEEDY", stdin=f"{VALUE}\n")

    ran = torchyard(stack, "run", str(script), "--env", "TOKEN=${secrets.NEEDY}", "--json", code=1)
    job = json.loads(ran.stdout)
    listed = torchyard(stack, "secrets", "list").stdout
    shown = torchyard(stack, "show", job["id"]).stdout
    system = torchyard(stack, "logs", job["id"], "system.log").stdout
    rotated = json.loads(torchyard(stack, "secrets", "rotate", "--json").stdout)
    torchyard(stack, "secrets", "rm", "NEEDY")

    assert "there is no secret 'NEEDY'" in unknown.stderr
    assert f"given {'*' * len(VALUE)}\n" in ran.stderr
    assert job["sentence"].startswith(f"The script raised ValueError: {'*' * len(VALUE)} at line 5")
    assert job["spec"]["environment"] == {"TOKEN": "${secrets.NEEDY}"}
    assert (rotated["secrets"], rotated["unreadable"]) == (1, [])
    assert "NEEDY" in listed
    for told in (unknown.stdout, ran.stdout, ran.stderr, listed, shown, system, *_files(stack.home)):
        assert VALUE not in told


def _files(home: Path) -> list[str]:
    """All that lies in the home, but for the log that the script wrote itself."""
    return [
        path.read_bytes().decode(errors="replace")
        for path in home.rglob("*")
        if path.is_file() and not path.is_relative_to(home / "logs")
    ]


def test_the_key_of_the_secrets_is_readable_by_its_owner_alone(stack: Stack) -> None:
    assert (stack.home / "secret-key").stat().st_mode & 0o777 == 0o600
