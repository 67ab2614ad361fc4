"""What is written down of a claimed attempt: everything but its secrets."""

from pathlib import Path

from torchyard.contracts.runner import ClaimedAttempt
from torchyard_worker import spooling


def test_a_claim_is_written_down_with_stars_for_its_secrets(tmp_path: Path) -> None:
    claimed = ClaimedAttempt.model_validate(
        {
            "attempt_id": "attempt-1",
            "job_id": "job-1",
            "number": 1,
            "spec": {
                "name": "a job",
                "runtime": "test",
                "script": {"sha256": "0" * 64, "name": "main.py"},
                "environment": {"TOKEN": "${secrets.KEY}"},
            },
            "environment": {"TOKEN": "canary-of-the-secret"},
            "storage": [
                {
                    "name": "lab",
                    "kind": "s3",
                    "region": "us-east-1",
                    "addressing": "path",
                    "access_key_id": "KEY",
                    "allowed": ["data"],
                    "secret_access_key": "canary-of-the-key",
                }
            ],
        }
    )

    directory = spooling.create(tmp_path / "attempt-1", claimed)

    written = [path.read_text() for path in (tmp_path / "attempt-1").rglob("*") if path.is_file()]
    assert written
    assert "canary" not in "".join(written)
    assert directory.claimed().spec == claimed.spec
