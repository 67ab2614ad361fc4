"""The Python SDK: submit jobs, follow them, fetch what they left.

    from torchyard import Client

    with Client() as client:
        job = client.submit("train.py", dependencies="src/", arguments=["--epochs", "3"])
        for piece in client.logs(job.id, follow=True):
            print(piece.text, end="")
        print(client.wait(job.id).state)

Everything it raises is a `torchyard.errors.TorchyardError`; its values are those of `torchyard.contracts`.
"""

from torchyard.client.client import Client
from torchyard.client.pieces import LogPiece
from torchyard.client.uploading import Progress
from torchyard.contracts.workers import OfferedRuntime, Worker

__all__ = ["Client", "LogPiece", "OfferedRuntime", "Progress", "Worker"]
