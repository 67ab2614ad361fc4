"""One that goes on until it is stopped."""

import signal

print("waiting", flush=True)
signal.pause()
