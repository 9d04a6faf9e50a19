# Everything needs only Python >= 3.11 with venv, and make. `make help` lists the targets.

VENV   ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
            if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
            then echo $$p; break; fi; done)
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready
SCRATCH = build/run

# Tests start the programs hundreds of times: compiled once, whatever the caller's environment says.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help run demo test lint types pytest test-slow test-services bench bench-incident bench-vm clean deb test-vm

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "watchdog-oom needs Python 3.11 or newer; none of python3.13, python3.12, python3.11, python3 is" \
	  "(Debian and Ubuntu: apt-get install python3 python3-venv; or name one: make PYTHON=/path/to/python3.11)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module" \
	  "(Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(READY)  ## run the daemon in the foreground on the built-in default policy
	@mkdir -p $(SCRATCH)/policies
	@if [ "$$(id -u)" = 0 ]; then exec $(BIN)/watchdog-oomd --policies $(SCRATCH)/policies; else \
	  mkdir -p -m 700 $(SCRATCH)/state $(SCRATCH)/log $(SCRATCH)/runtime; \
	  echo "not root: ask it with $(BIN)/watchdog-oom status --runtime $(SCRATCH)/runtime"; \
	  exec $(BIN)/watchdog-oomd --policies $(SCRATCH)/policies --state $(SCRATCH)/state --log $(SCRATCH)/log \
	    --runtime $(SCRATCH)/runtime; fi

demo: $(READY)  ## the incident in miniature, recovered live, in two minutes
	@$(BIN)/python -m tests.demo

test: lint types pytest  ## lint, type check and all fast tests

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(READY)  ## the slow tests, and every property with all its examples (ten minutes)
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile thorough \
	  -m "(slow or hypothesis) and not vm and not services"

test-services: $(READY)  ## recoveries of this host's real cron and mariadb (root; they are installed and restarted)
	$(BIN)/python -m pytest -m services

bench: $(READY)  ## side by side with the peers that are installed
	$(BIN)/python -m bench $(BENCH)

deb:  ## the Debian package, into build/ (Debian: apt-get install dpkg-dev debhelper dh-python fakeroot)
	@packaging/build-deb

bench-vm: $(READY)  ## reaction and starvation in emulated machines, side by side (root; half an hour)
	$(BIN)/python -m bench.vm $(BENCH)

bench-incident: $(READY)  ## that night in an emulated mail server: without a watchdog, with each peer, with us (root; four hours)
	$(BIN)/python -m bench.incident $(BENCH)

test-vm: $(READY)  ## the package in a real Debian with systemd, swap and MariaDB, under qemu (root; a quarter of an hour)
	$(BIN)/python -m pytest -m vm tests/vm

clean:  ## remove what make made
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
