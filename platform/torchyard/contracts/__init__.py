"""Values that cross a process border: shared with the worker, the clients and the web."""
