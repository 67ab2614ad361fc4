# Everything is done through these targets, by people and by CI alike; `make help` lists them.
# Needed: GNU make, git, and Python 3.11 or newer with its venv module.

# The Python that .venv is made with: the system's own where it will do, else the first on PATH.
FIT    := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell /usr/bin/python3 -c '$(FIT)' 2>/dev/null && echo /usr/bin/python3 || echo python3)

BIN      := .venv/bin
PIP      := $(BIN)/python -m pip --disable-pip-version-check --no-input
RUNTIME  ?= torch-2.13-cpu
# Where the tests' runtime is built, and where the tests look for it; `make run` uses the same one.
RUNTIMES := $(or $(TORCHYARD_TEST_RUNTIMES),$(CURDIR)/.torchyard/runtimes)
# The web app's page, its packages, and the Node that both are made with.
WEB          := platform/torchyard/web/index.html
SAID         := web/src/i18n/en/said.json
NODE_MODULES := web/node_modules/.installed
NPM          := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --silent --prefix web
# Further arguments: `make run ARGS=--help`, `make test ARGS='-k logs -x'`.
ARGS     ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format bench bench-peers fuzz-archives web web-api web-tests screenshots soak setup setup-dev runtime lock lock-runtimes clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

run: .venv/.run $(WEB) ## Start everything on this machine, until Ctrl-C
	@exec $(BIN)/torchyard up $(ARGS)

test: .venv/.dev runtime $(WEB) ## Run the tests; they start the servers they need
	@$(NPM) test
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m pytest $(ARGS)

check: .venv/.dev $(NODE_MODULES) ## Check format, lint, types, import layers, and the web app's client
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check
	@$(call api-schema,build/schema.ts) && cmp -s build/schema.ts web/src/api/schema.ts \
	  && $(BIN)/python -m torchyard.api said | cmp -s - $(SAID) \
	  || { echo "the API has changed: run make web-api" >&2; exit 1; }

format: .venv/.dev $(NODE_MODULES) ## Format the code and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(NPM) run format

bench: .venv/.dev runtime $(WEB) ## Measure latency, throughput and memory; prints a table, writes JSON
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m tests.benchmarks $(ARGS)

bench-peers: .venv/.dev runtime $(WEB) build/peers/.installed ## Run the same scripts through Ray Jobs; prints both sides' figures
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m tests.benchmarks.peers

fuzz-archives: .venv/.dev ## Judge 10,000 mutated zips; ARGS='--count 500 --seed 7' for others
	@$(BIN)/python -m tests.fuzzing $(ARGS)

web: $(WEB) ## Build the web app

web-api: .venv/.dev $(NODE_MODULES) ## Generate the web app's client, and the API's sentences, from the API
	@$(call api-schema,web/src/api/schema.ts)
	@$(BIN)/python -m torchyard.api said > $(SAID)

web-tests: .venv/.dev runtime $(WEB) ## Drive the web app in Chromium, with the tests that take long too
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m pytest tests/web -m '' $(ARGS)

screenshots: .venv/.dev runtime $(WEB) ## Take a picture of every page, to be looked at, in build/screenshots
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m tests.web $(ARGS)

soak: .venv/.dev runtime ## Kill the platform in the middle of runs; ARGS='--nodes 30 --times 10'
	@TORCHYARD_TEST_RUNTIMES='$(RUNTIMES)' $(BIN)/python -m tests.soak $(ARGS)

setup: .venv/.run ## Make .venv with what `make run` needs

setup-dev: .venv/.dev ## Make .venv with the development tools too

runtime: .venv/.run ## Build the default runtime, in which scripts run
	@$(BIN)/python -m torchyard_worker.runtimes build $(RUNTIME) --into '$(RUNTIMES)'

lock: ## Pin the newest versions that pyproject.toml allows in requirements*.lock
	@$(call lock-venv) && $(LOCK_PIP) install -qq . hatchling editables && $(call freeze,requirements.lock) \
	  && $(LOCK_PIP) install -qq --group dev && $(call freeze,requirements-dev.lock)
	@rm -rf build/lock

lock-runtimes: ## Pin the newest versions that each runtime's requirements.in allows
	@for recipe in worker/runtimes/*/; do \
	  $(call lock-venv) && $(LOCK_PIP) install -qq -r "$${recipe}requirements.in" \
	  && $(call freeze,"$${recipe}requirements.lock") || exit 1; \
	done
	@rm -rf build/lock

clean: ## Remove what these targets made; jobs and logs (.torchyard) stay
	rm -rf .venv build dist web/node_modules platform/torchyard/web .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find platform worker tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A lock is what pip really installs into an empty venv: exact pins, without local parts such as +cpu, so
# that any index may serve them.
LOCK_PIP  := build/lock/bin/python -m pip
lock-venv  = rm -rf build/lock && $(PYTHON) -m venv build/lock && $(LOCK_PIP) install -qq --upgrade pip \
  && $(LOCK_PIP) uninstall -qqy setuptools
freeze     = { echo "\# Written by make $@: edit what it is made from, not this."; \
  $(LOCK_PIP) freeze --all --exclude pip --exclude torchyard | sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f; } > $(1)

not-installed = { echo "the packages that $(1) names can't be installed: pip's package index lacks the one above, or can't be reached, or the disk is full" >&2; exit 1; }

# .venv in two steps, each done again only when its lock or pyproject.toml changed.
.venv/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c '$(FIT)' 2>/dev/null || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1 || echo missing): Torchyard needs Python 3.11 or newer with its venv module" \
	    "(Debian: apt install python3-venv); choose another with make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/pip || { echo "making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv .venv; }
	@echo "installing what the platform and the worker need into .venv"
	@$(PIP) install -qq -r requirements.lock || $(call not-installed,requirements.lock)
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	@echo "installing the development tools into .venv"
	@$(PIP) install -qq -r requirements-dev.lock || $(call not-installed,requirements-dev.lock)
	@touch $@

build/peers/.installed: tests/benchmarks/peers.txt
	@echo "installing what Torchyard is compared with into build/peers"
	@$(PYTHON) -m venv --clear build/peers
	@build/peers/bin/python -m pip --disable-pip-version-check --no-input install -qq -r $< || $(call not-installed,$<)
	@touch $@

.venv/.node: requirements-web.lock .venv/.run
	@$(PIP) install -qq -r requirements-web.lock || $(call not-installed,requirements-web.lock)
	@touch $@

$(NODE_MODULES): web/package.json web/package-lock.json .venv/.node
	@echo "installing what the web app is made of"
	@$(NPM) install
	@touch $@

$(WEB): $(NODE_MODULES) $(shell find web -path web/node_modules -prune -o -type f -print)
	@echo "building the web app"
	@mkdir -p build
	@$(NPM) run build >build/web.log 2>&1 || { cat build/web.log >&2; exit 1; }
	@touch $@

api-schema = mkdir -p build && $(BIN)/python -m torchyard.api > build/openapi.json \
  && PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --silent --prefix web exec -- openapi-typescript build/openapi.json -o $(1) >/dev/null
