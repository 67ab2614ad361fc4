from torchyard.client import Client as Client

__version__: str
