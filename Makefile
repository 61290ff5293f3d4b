# Everything a fresh clone needs is make and a Python of at least 3.11; all else goes into .venv.
.DEFAULT_GOAL := help
.PHONY: help install demo test lint audit lock bench soak
SHELL := /bin/sh
UV ?= uv
VENV := .venv
# Compiled modules are kept, whatever the environment says: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

help:
	@echo "make install | demo | test | lint | audit | lock | bench | soak"

# python3 unless it is too old, then the newest one that is not
$(VENV)/bin/python:
	@for p in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do \
	  if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$p -c 'import ensurepip, venv' 2>/dev/null \
	      || { echo "error: $$p lacks the venv module; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }; \
	    exec $$p -m venv $(VENV); \
	  fi; \
	done; \
	echo "error: syncd needs Python 3.11 or newer and found none (set PYTHON=/path/to/python3)" >&2; exit 1

# A stamp per lock file: installing runs again only when the lock file or pyproject.toml has changed.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed

demo: $(VENV)/.installed
	$(VENV)/bin/syncd demo

test: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS)

# 100,000 random worlds, which go on where they were stopped, and then the long forms of the other tests.
soak: $(VENV)/.installed-dev
	$(VENV)/bin/python -m tests.simulation soak $(ARGS)
	$(VENV)/bin/python -m pytest -m soak --timeout 0

# make bench PART=throughput: one part only
bench: $(VENV)/.installed-dev
	$(VENV)/bin/python -m benchmarks $(if $(PART),--part $(PART)) $(ARGS)

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bandit --quiet --recursive --configfile pyproject.toml config.py mappers scripts services syncd
	@$(MAKE) --no-print-directory audit

# Known vulnerabilities of what is locked. Where the advisory service does not answer (3) that is told, and no failure.
audit: $(VENV)/.installed-dev
	@$(VENV)/bin/python -m scripts.audit $(ARGS) || test $$? -eq 3

# Newer versions: make lock ARGS=--upgrade. The lock files hold versions and hashes for every platform, and no host.
lock:
	@command -v $(UV) >/dev/null 2>&1 || { echo "error: make lock needs uv (https://docs.astral.sh/uv), or set UV=/path/to/uv" >&2; exit 1; }
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --extra build $(ARGS) pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --extra build --extra dev -c requirements.lock $(ARGS) pyproject.toml -o requirements-dev.lock
