.POSIX:
.SUFFIXES:
.PHONY: help run demo test test-one bench bench-scale security-timing check format lock migrate migration pictures clean

# Options for the program a target starts:  make run ARGS="--port 9000"
ARGS =
# Test processes; empty means as many as there are cores, at most eight
JOBS =
# One test or folder:  make test-one T=tests/test_machines.py
T =
# What a new migration does:  make migration M="add invitations"
M =

PYTHON = .venv/bin/python
INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES = backend bench tests tools

help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  make %-15s  %s\n", $$1, $$2 }' Makefile

run: .venv/runtime ## set everything up and serve on http://127.0.0.1:8000 (ARGS="--port 9000")
	@exec $(PYTHON) -m backend serve $(ARGS)

demo: .venv/runtime ## fill an installation with invented people, to look around (ARGS="--people 100")
	@$(PYTHON) -m backend demo $(ARGS)

test: .venv/development ## set everything up and run the whole suite on SQLite and PostgreSQL
	@$(PYTHON) -m tools.prepare_tests
	@$(PYTHON) -m pytest -n "$${JOBS:-logical}" --maxprocesses 8 --dist worksteal $(ARGS)

test-one: .venv/development ## run some tests in one process (T=tests/… ARGS="-k word")
	@test -n "$(T)" || { echo 'Say which: make test-one T=tests/test_machines.py' >&2; exit 2; }
	@$(PYTHON) -m tools.prepare_tests
	@$(PYTHON) -m pytest $(T) $(ARGS)

check: .venv/development ## lint, types, layers, dependencies, spelling, templates: in seconds
	@sh tools/check.sh $(SOURCES)

bench: .venv/runtime build/peers/made ## compare the speed with peers, in four minutes (ARGS="--quick")
	@$(PYTHON) -m tools.prepare_tests postgresql
	@$(PYTHON) -m bench $(ARGS)

bench-scale: .venv/runtime ## compare a thousand accounts with a million, in ten minutes (ARGS="--quick")
	@$(PYTHON) -m tools.prepare_tests postgresql
	@$(PYTHON) -m bench.scale $(ARGS)

security-timing: .venv/development ## whether times tell who has an account, in five minutes (ARGS="--quick")
	@$(PYTHON) -m tools.prepare_tests postgresql
	@$(PYTHON) -m bench.timing $(ARGS)

format: .venv/development ## put code and templates into the house's format
	@.venv/bin/ruff check --quiet --fix-only $(SOURCES)
	@.venv/bin/ruff format --quiet $(SOURCES)
	@test ! -d backend/templates || .venv/bin/djlint --quiet --reformat backend/templates >/dev/null || true

lock: .venv/development ## resolve the newest allowed versions into constraints.txt
	@sh tools/lock.sh

migrate: .venv/runtime ## bring the configured database to the newest migration
	@$(PYTHON) -m backend migrate $(ARGS)

migration: .venv/development ## write a migration from the models (M="add invitations")
	@test -n "$(M)" || { echo 'Say what it does: make migration M="add invitations"' >&2; exit 2; }
	@.venv/bin/alembic revision --autogenerate -m "$(M)"

pictures: .venv/development ## photograph every page into one contact sheet, and the README's pictures
	@$(PYTHON) -m tools.prepare_tests chromium
	@$(PYTHON) -m tools.fetch_fonts
	@XDG_DATA_HOME="$$PWD/build/letters" $(PYTHON) -m tests.browser.showcase
	@XDG_DATA_HOME="$$PWD/build/letters" $(PYTHON) -m tests.browser.contact_sheet $(ARGS)

clean: ## remove what make and the tools made; graph_data stays
	@rm -rf .venv build .grimp_cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.venv/made:
	@sh tools/make_venv.sh
	@touch $@

.venv/runtime: .venv/made requirements.txt constraints.txt
	@echo 'Installing what Vestibule needs …'
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	@echo 'Installing what working on Vestibule needs …'
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch $@

build/peers/made: .venv/runtime bench/requirements.txt
	@echo 'Installing what the peers need …'
	@$(INSTALL) --no-deps --upgrade --target build/peers -r bench/requirements.txt
	@touch $@
