"""The worker: takes attempts from the platform and runs them on this machine."""
