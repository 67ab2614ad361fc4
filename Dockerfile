# The platform: API, scheduler and logs. How to build and run it: platform/README.md, "With containers".
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}
# Where pip looks; left out, PyPI. No passwords here: they would stay in the image's history.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
WORKDIR /opt/torchyard

RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/torchyard --shell /usr/sbin/nologin torchyard \
 && install -d -m 0700 -o torchyard -g torchyard /var/lib/torchyard /var/lib/torchyard-join
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install -q -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY platform platform
COPY worker worker
RUN .venv/bin/pip install -q --no-deps --no-build-isolation .

ENV PATH=/opt/torchyard/.venv/bin:$PATH TORCHYARD_HOME=/var/lib/torchyard TORCHYARD_HOST=0.0.0.0 TORCHYARD_PORT=8000
# The home, and the join token where workers beside it get a volume of that alone (docker-compose.yml).
VOLUME /var/lib/torchyard
EXPOSE 8000
USER 10001
WORKDIR /var/lib/torchyard
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-IS", "-c", "\
import os, sys, http.client; \
platform = http.client.HTTPConnection('127.0.0.1', int(os.environ['TORCHYARD_PORT']), timeout=4); \
platform.request('GET', '/readyz'); \
sys.exit(platform.getresponse().status != 200)"]
CMD ["python", "-m", "torchyard.main"]
