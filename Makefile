# make run, make test, make check, make torture, make benchmark, make clean, make audit, make backends, make lowest.
# Everything goes into .venv (backends and lowest into .venv-backends and .venv-lowest); nothing else on the machine is
# touched, but for a browser and a PostgreSQL server that `make test` may fetch (and an S3 server, into .venv).
# PYTHON=/path/to/python chooses the interpreter, PYTEST_ARGS adds options, TEST_PROCESSES says how many processes share
# the tests (0: none but this one), BENCHMARKS which benchmarks are run.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check torture benchmark audit backends lowest clean

BIN := .venv/bin
# Much of a test's time is waiting; the tests of a file share what they wait for, and stay together. By itself xdist begins
# with the files of many tests; those of few are the long ones here, and begin first (tests/conftest.py).
TEST_PROCESSES ?= 2
XDIST := -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

help:
	@echo "make run     start the program (the first time, this installs what it needs into .venv)"
	@echo "make test    run the tests"
	@echo "make check   run ruff and mypy"
	@echo "make torture   kill, starve, damage and feed nonsense to the program, for twenty minutes at most"
	@echo "make benchmark   measure its speed, beside bare Keras and PyTorch (an hour or two)"
	@echo "make backends   run the tests of the networks on TensorFlow, JAX and PyTorch, which it installs apart"
	@echo "make audit   ask whether an advisory is known for a package"
	@echo "make lowest   run the tests with the oldest packages that the program may be installed with, which it installs apart"
	@echo "make clean   remove .venv and the caches; your runs stay"

# Two heaps for all threads: Streamlit runs every script in one of its own, and each would keep a heap.
run: .venv/.run
	@MALLOC_ARENA_MAX=2 $(BIN)/python -m streamlit run app.py

# The browser's tests come by themselves: beside others that take all cores they would wait in vain. Beside each other they
# fill each other's waiting: each process has its own servers and its own browser.
test: .venv/.dev
	@bash tools/ensure_browser.sh
	@bash tools/ensure_postgres.sh
	@bash tools/ensure_objects.sh
ifdef PYTEST_ARGS
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@status=0; \
	$(BIN)/python -m pytest $(XDIST) --ignore=tests/browser || status=1; \
	$(BIN)/python -m pytest $(XDIST) tests/browser || status=1; \
	exit $$status
endif

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The tests of tests/torture are among all tests too, where they do little. TORTURE_SEED=8 draws other harm.
torture: .venv/.dev
	@bash tools/ensure_browser.sh
	@bash tools/ensure_postgres.sh
	@TORTURE=full timeout 1200 $(BIN)/python -m pytest --timeout 900 $(XDIST) tests/torture $(PYTEST_ARGS)

# An environment of its own: the program needs neither JAX nor PyTorch.
backends: .venv-backends/.backends
	@status=0; for backend in tensorflow jax torch; do \
	  echo "Keras on $$backend"; \
	  KERAS_BACKEND=$$backend .venv-backends/bin/python -m pytest tests/keras_side $(PYTEST_ARGS) || status=1; \
	done; exit $$status

audit: .venv/.dev
	@$(BIN)/python tools/audit.py

# The lower bounds of the requirements, each as low as it says.
lowest: .venv-lowest/.lowest
	@.venv-lowest/bin/python -m pytest $(XDIST) --ignore=tests/browser $(PYTEST_ARGS)

benchmark: .venv/.benchmark
	@bash tools/ensure_browser.sh
	@$(BIN)/python -m benchmarks $(BENCHMARKS)

clean:
	@rm -rf .venv .venv-backends .venv-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './runs/*' -prune -exec rm -rf {} +

# The stamps: packages are installed again only when the list of them is newer.
.venv/.run: requirements.txt | .venv/bin/python
	@echo "Installing what the program needs (TensorFlow is large; some minutes the first time) ..."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt requirements-objects.txt requirements-postgres.txt requirements-ray.txt requirements-sweep.txt requirements.txt | .venv/bin/python
	@echo "Installing what the tests need ..."
	@# Python compiles what it imports by itself, and most of this is never imported.
	@$(PIP) install --no-compile -r requirements-dev.txt
	@touch $@ .venv/.run

.venv-backends/.backends: requirements-backends.txt requirements-dev.txt requirements.txt
	@bash tools/make_venv.sh .venv-backends "$(PYTHON)"
	@echo "Installing what the tests need, JAX and PyTorch ..."
	@.venv-backends/bin/python -m pip --disable-pip-version-check --quiet --quiet install -r requirements-backends.txt
	@touch $@

.venv-lowest/.lowest: requirements-dev.txt requirements-mlflow.txt requirements-objects.txt requirements-sweep.txt requirements.txt
	@bash tools/make_venv.sh .venv-lowest "$(PYTHON)"
	@echo "Installing the oldest packages ..."
	@.venv-lowest/bin/python -m pip --disable-pip-version-check --quiet --quiet install uv
	@.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct -r requirements-dev.txt
	@touch $@

.venv/.benchmark: requirements-benchmark.txt .venv/.dev
	@echo "Installing what the program is compared with (PyTorch is large) ..."
	@$(PIP) install -r requirements-benchmark.txt
	@touch $@

.venv/bin/python:
	@bash tools/make_venv.sh .venv "$(PYTHON)"
