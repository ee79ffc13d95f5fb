# Tallyhouse: what a person types. Works with GNU make 3.81 (macOS) and later.
#   make demo         the whole stack on this machine, one run through it, a summary; stays until Ctrl-C
#   make demo ONCE=1  the same, but ends after the summary
#   make help         all targets

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
ONCE ?=
ROLE ?=
BENCH ?= ingest load backfill
COMPILE := uv pip compile --quiet --universal --python-version 3.11

# Where `tallyhouse` is, as in Airflow; a PYTHONPATH of the caller's own comes after it.
export PYTHONPATH := $(CURDIR)/plugins$(if $(PYTHONPATH),:$(PYTHONPATH))

.PHONY: help demo down psql env test lint bench docs requirements clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(STAMP) ## run everything here: PostgreSQL, simulated Stripe, Airflow (ONCE=1: end after the summary)
	@$(PY) -m demo $(if $(filter-out 0 no false,$(ONCE)),--once)

down: ## stop a demo that runs here, or that was left behind
	@if [ -x $(PY) ]; then $(PY) -m demo down; else echo "Nothing to stop: there is no $(VENV)."; fi

psql: $(STAMP) ## open psql on the warehouse as an analyst (ROLE=pii, ROLE=loader: as these)
	@$(PY) -m demo psql $(if $(ROLE),--role $(ROLE))

env: ## write .env for docker compose, with random secrets
	@docker/make-env.sh

# Each worker has servers of its own: more than four would only wait for one another.
test: $(STAMP) ## run the tests (TESTS=tests/demo for a part)
	$(PY) -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup $(TESTS)

lint: $(STAMP) ## ruff, mypy, sqlfluff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m sqlfluff lint --disable-progress-bar include/sql

bench: $(STAMP) ## measure speed and memory, print tables (BENCH=load for one)
	@for name in $(BENCH); do \
	  echo "== python -m bench.$$name"; $(PY) -m bench.$$name || exit 1; \
	done

docs: $(STAMP) ## write docs/data-model.md from the database's own comments
	$(PY) -m docs.data_model

requirements: ## compile each requirements*.in into the .txt beside it
	@command -v uv >/dev/null || { echo "make requirements needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-airflow.in -c requirements.txt -o requirements-airflow.txt
	$(COMPILE) requirements-image.in -c requirements.txt -o requirements-image.txt

clean: down ## stop the demo, remove its data, the environment and caches
	rm -rf .local $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Reinstalled when requirements.txt changes. An environment of an unfit Python is made anew.
$(STAMP): requirements.txt
	@python=; \
	for name in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  if $$name -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	has_uv=; if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then has_uv=1; fi; \
	if [ -z "$$python" ] && [ -z "$$has_uv" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed, and none of python3.13, python3.12, python3.11, python3 is one."; \
	  echo "Install one (https://www.python.org/downloads/, or your system's packages),"; \
	  echo "or uv, which brings its own (https://docs.astral.sh/uv/), or say PYTHON=/path/to/python."; \
	  exit 1; \
	fi; \
	if [ -x $(PY) ] && ! $(PY) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))'; \
	then rm -rf $(VENV); fi; \
	if [ -n "$$has_uv" ]; then \
	  echo "Installing packages into $(VENV) with uv ..."; \
	  { [ -x $(PY) ] || uv venv --quiet --python "$${python:-3.13}" $(VENV); } && \
	  VIRTUAL_ENV=$(VENV) uv pip install --quiet --compile-bytecode --python $(PY) -r requirements.txt || exit 1; \
	else \
	  echo "Installing packages into $(VENV) with pip (some minutes) ..."; \
	  if [ ! -x $(PY) ]; then \
	    "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	      echo "$$python has no venv module: install it (Debian, Ubuntu: apt install python3-venv)."; exit 1; }; \
	  fi; \
	  $(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt || exit 1; \
	fi
	@touch $(STAMP)
