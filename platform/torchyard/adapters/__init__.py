"""The ports on real things: directories, Celery, Redis."""
