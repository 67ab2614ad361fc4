# The platform: API, scheduler and logs.
#
#   docker build -t torchyard-platform .
#   docker run -p 127.0.0.1:8000:8000 -v torchyard:/var/lib/torchyard -e TORCHYARD_BROKER_URL=redis://… torchyard-platform
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1
WORKDIR /opt/torchyard

COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install -q -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY platform platform
COPY worker worker
RUN .venv/bin/pip install -q --no-deps --no-build-isolation . \
 && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/torchyard torchyard \
 && install -d -m 0700 -o torchyard /var/lib/torchyard /var/lib/torchyard-join

ENV PATH=/opt/torchyard/.venv/bin:$PATH TORCHYARD_HOME=/var/lib/torchyard TORCHYARD_HOST=0.0.0.0
VOLUME /var/lib/torchyard
EXPOSE 8000
USER torchyard
WORKDIR /var/lib/torchyard
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "-m", "torchyard.main"]
