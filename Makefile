# Everything a fresh clone needs: `make app` starts the app, `make test` checks the code. `make help` lists the rest.

HOST ?= localhost
PORT ?= 8501
# More words for Streamlit, pytest or the bench, for example: make app ARGS="--server.maxUploadSize=100"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
CERTIFICATE := $(VENV)/certificate
# The stamps lie inside .venv, so that removing it forgets them too.
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
TRAINING := $(VENV)/.training-installed
NODE_TOOLS := tests/tools/node_modules/.installed
STREAMLIT := $(BIN)/streamlit run app.py --server.port=$(PORT)

.DEFAULT_GOAL := help
.PHONY: help app share install install-train test test-slow check fix bench clean system-app system-test

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24
	@echo "  HOST=$(HOST) PORT=$(PORT); 'make app HOST=0.0.0.0' lets other devices in, 'make share' does so over HTTPS"

app: install ## Start the app on http://localhost:8501
	$(STREAMLIT) --server.address=$(HOST) $(ARGS)

share: install $(CERTIFICATE).pem ## Start the app over HTTPS for other devices: a phone gives its camera to HTTPS alone
	$(STREAMLIT) --server.address=0.0.0.0 --server.sslCertFile=$(CERTIFICATE).pem --server.sslKeyFile=$(CERTIFICATE).key $(ARGS)

install: system-app $(RUNTIME) ## Make .venv and install what the app needs

install-train: $(TRAINING) ## Also install what training needs (torch, a CPU build)

test: system-test check ## Check the code and run every test but the slow ones
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: system-test $(DEVELOPMENT) $(NODE_TOOLS) ## Run the tests that take minutes
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(DEVELOPMENT) $(NODE_TOOLS) ## Lint, formatting and types, without tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(DEVELOPMENT) ## Repair lint and formatting where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Measure speed and memory on this machine
	$(BIN)/python -m core bench $(ARGS)

clean: ## Remove .venv and every cache; rigs and models stay
	rm -rf $(VENV) tests/tools/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

system-app:
	@.ci/system-packages app

system-test:
	@.ci/system-packages test

# pyenv and the like put names on the path that do not run, so each candidate is asked for its version.
$(BIN)/python:
	@for candidate in $(PYTHON) python3.12 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$candidate --version)"; \
	    rm -rf $(VENV) && $$candidate -m venv $(VENV) && exit 0; exit 1; \
	  fi; \
	done; \
	echo "Live Avatar needs Python 3.11 or 3.12, and neither is here. Install one, or name it: make app PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(RUNTIME): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(TRAINING): requirements-train.txt $(RUNTIME)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-train.txt \
	  --extra-index-url https://download.pytorch.org/whl/cpu
	@touch $@

# The tests of the browser viewer and of exported files use small Node tools; without Node they say what is missing.
$(NODE_TOOLS): $(wildcard tests/tools/package-lock.json) | $(BIN)/python
	@if [ -f tests/tools/package-lock.json ] && command -v npm >/dev/null; then \
	  npm ci --prefix tests/tools --no-audit --no-fund --silent && touch $@; \
	elif [ -f tests/tools/package-lock.json ]; then \
	  echo "Note: npm is not here, so the tests that need Node tools cannot run. Install Node.js 18 or later." >&2; \
	fi

$(CERTIFICATE).pem: | $(BIN)/python
	openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=Live Avatar" \
	  -keyout $(CERTIFICATE).key -out $(CERTIFICATE).pem 2>/dev/null
