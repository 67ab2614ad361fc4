"""Everything on one machine with one command: Valkey, the platform and a worker."""

from torchyard.embedded.machine import up

__all__ = ["up"]
