# Two commands on a fresh machine do all the set-up: `make demo` and `make test`. Nothing is installed outside the project
# but caches (uv's, Go's and fogbank's own).

PYTHON ?= python3
UV_VERSION := 0.13.9
PRE_COMMIT_VERSION := 4.7.0
MKDOCS := --from mkdocs==1.6.1 --with mkdocs-material==9.8.2
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := .venv/bin
JOBS ?= 2
# Unit tests wait more than they compute.
UNIT_JOBS ?= 4
# `make test ROOM=cloud` runs one room's tests: its units, and the suites of the wires that it stands at. `ARGS` goes to pytest.
ROOM ?=
ARGS ?=
SUITES_check := tests/contracts/check
SUITES_cli := tests/contracts/cli
SUITES_cloud := tests/contracts/aws tests/contracts/clients tests/contracts/jobs tests/contracts/moto tests/contracts/test_fakes.py tests/contracts/image/test_runtime.py
SUITES_components := tests/contracts/test_carriers.py tests/contracts/test_declaration.py tests/contracts/test_programs.py tests/contracts/test_programs_services.py tests/contracts/test_programs_teams.py tests/contracts/test_programs_ten.py tests/contracts/test_account.py tests/contracts/test_account_updates.py tests/contracts/test_endpoints.py tests/contracts/test_endpoint_kinds.py tests/contracts/test_sequences.py tests/contracts/test_failures.py tests/contracts/test_operations.py tests/contracts/test_monitor_kinds.py tests/contracts/test_batch_monitors.py tests/contracts/test_arrivals.py tests/contracts/test_batches.py tests/contracts/test_model_registry.py tests/contracts/test_http_api.py tests/contracts/test_roles.py tests/contracts/test_retraining.py
SUITES_direct := tests/contracts/direct tests/contracts/engines
SUITES_engine := tests/contracts/engine
SUITES_ground := tests/contracts/ground
SUITES_image := tests/contracts/image
SUITES_monitor := tests/contracts/monitor
SUITES_pack := tests/contracts/pack tests/contracts/frameworks
SUITES_project := tests/contracts/project
SUITES_provider := tests/contracts/provider tests/contracts/test_standin.py tests/contracts/test_standin_services.py tests/contracts/image/test_resource.py
SUITES_scoring := tests/contracts/answers
SUITES_serve := tests/contracts/serve tests/contracts/container
SUITES_trust := tests/contracts/trust
TESTS = $(if $(ROOM),$(wildcard tests/unit/$(ROOM)) $(SUITES_$(ROOM)))
# The suite starts some thousand processes of fogbank's, whose own sources are compiled once where they may be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo unit test test-account drawn frameworks engines soak conformance check pythons docs fix hooks bench changes clean

help:                               ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: .venv/.synced                ## the environment in .venv

.tools/uv/bin/uv:
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)

# Imports are most of a short command's time: bytecode is made here; tests that install elsewhere compile what they import.
.venv/.synced: pyproject.toml uv.lock $(filter .tools/uv/bin/uv,$(UV))
	UV_COMPILE_BYTECODE=1 $(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $@

demo: setup                         ## the whole main job on the local cloud, ending in a report
	@$(RUN)/fogbank demo

unit: setup                         ## the unit tests, with few drawn examples each; `make test` draws them all
	@$(RUN)/python tools/units.py $(UNIT_JOBS) --hypothesis-profile=few $(ARGS)

test: setup                         ## every test, or with ROOM=cloud one room's; ARGS="-k name" goes to pytest
	@$(if $(ROOM),$(if $(strip $(TESTS)),,echo "no tests of a room $(ROOM)"; exit 2))
	@$(RUN)/pytest -n $(JOBS) --dist worksteal --durations=60 $(TESTS) $(ARGS)

drawn: setup                        ## models drawn at random, packed and served, beside themselves: 2000 (DRAWN=2000)
	@FOGBANK_DRAWN=$(or $(DRAWN),2000) $(RUN)/pytest -q -n $(JOBS) tests/contracts/answers/test_drawn.py tests/contracts/answers/test_drawn_frames.py $(ARGS)

frameworks: setup                   ## the examples of frameworks, each in its own environment; NAMES="keras mlflow" for some
	@FOGBANK_FRAMEWORKS="$(or $(NAMES),$(notdir $(wildcard examples/frameworks/*)))" $(RUN)/pytest -s tests/contracts/frameworks $(ARGS)

engines: setup                      ## batch scoring on Spark and Ray, each in its own environment; Spark needs a Java
	@FOGBANK_ENGINES="spark ray" $(RUN)/pytest -s tests/contracts/engines $(ARGS)

soak: setup                         ## the tests that take as long as they are given: an hour (SOAK_S=3600)
	@SOAK_S=$(or $(SOAK_S),3600) $(RUN)/pytest -s tests/soak $(ARGS)

conformance: setup                  ## moto's own tests on the local cloud beside moto's own server; SERVICES="sqs iam", ARGS=--write
	@$(RUN)/python -m tools.moto.conformance $(SERVICES) $(ARGS)

test-account: setup                 ## one bounded, priced run on a real account: STACK=aws
	@$(RUN)/fogbank verify-account -s $(or $(STACK),aws) --yes

check: setup                        ## format, lint, types, imports: what CI runs before the tests
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

pythons: setup                      ## the core's tests and the demo under each Python that is found here; VERSIONS="3.12 3.13" for some
	@$(RUN)/python tools/pythons.py $(VERSIONS)

docs: setup                         ## the docs as a site in .fogbank/site, in an environment of its own; a dead link is an error
	@NO_MKDOCS_2_WARNING=1 $(UV) tool run --quiet $(MKDOCS) mkdocs build --quiet --strict

fix: setup                          ## format, and mend what lint can mend
	@$(RUN)/ruff check --fix-only --quiet .
	@$(RUN)/ruff format .

hooks: setup                        ## let git run the checks before each commit (pre-commit, from its registry)
	@$(UV) tool run --quiet pre-commit@$(PRE_COMMIT_VERSION) install

bench: setup                        ## the measurements in benchmarks/; with AGAINST=main side by side with another revision
	@$(if $(AGAINST),$(RUN)/python benchmarks/against.py $(AGAINST) $(ARGS),\
		for script in benchmarks/bench_*.py; do $(RUN)/python $$script || exit 1; done)

changes: setup                      ## what the next release changes; with VERSION=0.2.0 it goes into CHANGELOG.md
	@$(RUN)/python tools/changes/collect.py $(VERSION)

clean:                              ## remove what the project made, the local cloud's state too
	-@test -x $(RUN)/fogbank && $(RUN)/fogbank cloud stop 2>/dev/null
	rm -rf .venv .tools .fogbank .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
