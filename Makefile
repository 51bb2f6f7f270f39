# Two commands on a fresh machine do all the set-up: `make demo` and `make test`. Nothing is installed outside the project
# but caches (uv's, Go's and fogbank's own).

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := .venv/bin
JOBS ?= 2
# Imports are most of a short command's time.
export UV_COMPILE_BYTECODE := 1

.PHONY: help setup demo test check bench clean

help:                               ## this list
	@grep -E '^[a-z]+: .*##|^[a-z]+:  *##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: .venv/.synced                ## the environment in .venv

.tools/uv/bin/uv:
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)

.venv/.synced: pyproject.toml uv.lock $(filter .tools/uv/bin/uv,$(UV))
	$(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $@

demo: setup                         ## the whole main job on the local cloud, ending in a report
	@$(RUN)/fogbank demo

test: setup                         ## every test
	@$(RUN)/pytest -n $(JOBS)

check: setup                        ## format, lint, types, imports: what CI runs before the tests
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

bench: setup                        ## the measurements in benchmarks/
	@for script in benchmarks/bench_*.py; do $(RUN)/python $$script || exit 1; done

clean:                              ## remove what the project made, the local cloud's state too
	-@test -x $(RUN)/fogbank && $(RUN)/fogbank cloud stop 2>/dev/null
	rm -rf .venv .tools .fogbank .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
