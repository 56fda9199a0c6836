# Two commands: `make demo` shows it working, `make test` shows that it works.
# Both set themselves up in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test test-compiled lint bench bench-quick bench-scaling faults clean
.DELETE_ON_ERROR:

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sluicegate needs Python 3.11 or newer: run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,reference]'
	touch $@

demo: $(VENV)/ready
	$(BIN)/python -m examples.fleet $(ARGS)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

# The same with the hot path compiled; needs a C compiler. docs/decisions/0009-compiled.md
COMPILED := $(VENV)-compiled

$(COMPILED)/ready: pyproject.toml hatch_build.py $(wildcard domain/*.py handlers/*.py handlers/*/*.py state/*.py stream/*.py)
	$(PYTHON) -m venv $(COMPILED)
	SLUICEGATE_COMPILE=1 $(COMPILED)/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,reference]'
	cd $(COMPILED) && bin/python -c 'from handlers import fills; assert not fills.__file__.endswith(".py"), fills.__file__'
	touch $@

# In a folder without the sources, so that what is installed is what is tested.
test-compiled: $(COMPILED)/ready
	rm -rf $(COMPILED)/tests && mkdir $(COMPILED)/tests && cp -r tests examples docs pyproject.toml $(COMPILED)/tests
	cd $(COMPILED)/tests && ../bin/python -m pytest -n 2 --dist worksteal $(or $(ARGS),tests/unit/domain tests/unit/handlers tests/unit/state tests/unit/stream tests/property tests/contract tests/simulation)

# Everything that can fail, at length: a quarter of an hour on two cores.
faults: $(VENV)/ready-dev
	$(BIN)/pytest -n 2 --dist worksteal -rP -m "slow or long or not long" tests/faults $(ARGS)
	$(BIN)/pytest -n 2 --dist worksteal -rP -m long tests/integration $(ARGS)
	SIMULATION_SEEDS=10000 $(BIN)/pytest -n 2 -rP tests/simulation $(ARGS)
	MUTANTS=1000000 $(BIN)/pytest -n 2 -rP tests/property/test_mutants.py $(ARGS)

$(VENV)/ready-bench: $(VENV)/ready-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

# Everything that docs/performance.md tells, and written there: a quarter of an hour on a quiet machine.
bench: $(VENV)/ready-bench $(COMPILED)/ready
	SLUICEGATE_BENCH_WORKER=$(COMPILED)/bin/sluicegate $(BIN)/python -m benchmarks $(ARGS)

# A glance at it: two minutes, and nothing is written.
bench-quick: $(VENV)/ready-bench $(COMPILED)/ready
	SLUICEGATE_BENCH_WORKER=$(COMPILED)/bin/sluicegate $(BIN)/python -m benchmarks --quick $(ARGS)

# What a deployment of more workers and primaries takes, and whether that holds here; writes docs/scaling.md.
bench-scaling: $(VENV)/ready-dev $(COMPILED)/ready
	SLUICEGATE_BENCH_WORKER=$(COMPILED)/bin/sluicegate $(BIN)/python -m benchmarks.scaling $(ARGS)

clean:
	rm -rf $(VENV) $(COMPILED) dist .pytest_cache .mypy_cache .ruff_cache
