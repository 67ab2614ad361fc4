"""Curves without code, on the real runtime: what a script prints, what it uses, what it tells TensorBoard."""

from typing import Any

from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

SCRIPT = b"""
import time
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

start = time.time()
with SummaryWriter("outputs/runs") as writer:
    for epoch in range(1, 4):
        for step in tqdm(range(5), desc=f"Epoch {epoch}/3"):
            writer.add_scalar("loss/train", 1 / (epoch + step), (epoch - 1) * 5 + step)
        print(f"Epoch {epoch}/3 loss: {1 / epoch:.4f}, accuracy: {90 + epoch}%")
while time.time() < start + 3:
    sum(range(1000))
open("outputs/events.out.tfevents.0.broken", "wb").write(b"\\x00\\xff" * 999)
"""


def test_a_script_that_knows_nothing_of_us_has_curves(stack: Stack) -> None:
    with stack.api() as api:
        path = f"/jobs/{api.post('/jobs', files={'script': ('main.py', SCRIPT)}).json()['id']}"

        def ended() -> Any:
            job = api.get(path).json()
            return job if job["state"] in {"succeeded", "failed"} else None

        job = eventually(ended, seconds=PATIENCE)
        found = api.get(f"{path}/series").json()
        used = api.get(f"{path}/samples").json()
        log = api.get(f"{path}/logs/stdout.log").content
        artifacts = [one["path"] for one in api.get(f"{path}/artifacts").json()]

    assert job["state"] == "succeeded", job
    by_name = {one["name"]: one for one in found["series"]}
    assert set(by_name) == {"loss", "accuracy", "loss/train"}
    assert by_name["loss"]["steps"] == [1, 2, 3]
    assert by_name["accuracy"]["values"] == [91, 92, 93]
    assert all(log[offset:].startswith(b"Epoch ") for offset in by_name["loss"]["offsets"])
    assert all(by_name["loss"]["times"])
    assert (by_name["loss/train"]["source"], by_name["loss/train"]["total"]) == ("tensorboard", 15)
    assert (found["complete"], found["progress"]["fraction"], found["progress"]["seconds_left"]) == (
        True,
        1,
        0,
    )
    assert used["seconds"]
    assert max(used["cpu_cores"]) > 0
    assert max(used["memory_mb_max"]) > 50
    assert (used["gpus"], used["started_at"]) == ([], job["started_at"])
    # Nothing of ours lies among what the script left.
    assert all("tfevents" in name for name in artifacts)
