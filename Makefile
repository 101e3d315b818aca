# Verbs of the project. `make` builds .venv by itself; nothing needs to be activated.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
unexport PYTHONDONTWRITEBYTECODE  # where it is set, each of hundreds of processes compiles everything anew

help: ## show the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: requirements.txt
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing what the engine runs on (hash-checked) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "installing what the checks need (hash-checked) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.run ## install what the engine runs on into .venv

demo: setup ## real cases on a real Temporal server; KEEP=1 leaves the stack up
	@$(RUN) -m examples.demo $(if $(KEEP),--keep)

demo-desk: setup ## a day at the desks: people check, sign, upload, decide; KEEP=1 as above
	@$(RUN) -m examples.desk_day $(if $(KEEP),--keep)

up: setup ## local stack in the foreground: Temporal, Web UI, simulators, worker
	@$(RUN) starter.py up

down: setup ## stop a local stack that was left up
	@$(RUN) starter.py down

N ?= 20990
CITY ?= 3674
FAULTS ?= 0.01
LISTS := .local/lists

generate: setup ## a synthetic list for `starter.py import`: N=20990 CITY=3674 FAULTS=0.01
	@$(RUN) -m examples.generate --rows $(N) --city $(CITY) --faults $(FAULTS) --out $(LISTS)/$(CITY)-$(N).csv

lint: $(VENV)/.dev ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: $(VENV)/.dev ## every check: lint, and beside it all tests that are not slow
	@$(MAKE) --no-print-directory -j2 lint quick-tests

quick-tests: $(VENV)/.dev
	@REAKTIVASI_CORE=-1 $(RUN) -m pytest -n 4 --dist loadfile --no-loadscope-reorder  # stacks side by side: no worker has a core of its own

test-slow: $(VENV)/.dev ## the long tests only
	@$(RUN) -m pytest -m slow

record: $(VENV)/.dev ## record the histories and fingerprints of a version that is not released yet
	@$(RUN) -m tests.replay.record

bench: $(VENV)/.dev ## cases per second beside a bare-Temporal floor, in one run
	@$(RUN) -m benchmarks.cases_per_second

bench-timers: $(VENV)/.dev ## how late 5,000 deadlines of one minute are noticed, beside bare Temporal
	@$(RUN) -m benchmarks.timer_lateness

bench-list: $(VENV)/.dev ## a list of 20,990 rows imported and worked off: CPU, memory, queries
	@$(RUN) -m benchmarks.whole_list

bench-urgent: $(VENV)/.dev ## how long an emergency takes behind a list of 20,000
	@$(RUN) -m benchmarks.urgent_first

sbom: $(VENV)/.dev ## what the engine is made of, as CycloneDX: .local/sbom.json
	@mkdir -p .local
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o .local/sbom.json requirements.txt
	@echo "written: .local/sbom.json"

audit-deps: $(VENV)/.dev ## known holes in what the engine is made of (asks the advisory data base on the network; AUDIT="..." for more options)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt $(AUDIT)

lock: ## renew the hash-pinned requirements from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.PHONY: help setup demo demo-desk up down generate lint test quick-tests test-slow record bench bench-list bench-timers bench-urgent sbom audit-deps lock
