# Two commands do everything: `make run` executes the notebooks, `make test` passes the tests.
# Both create the environment in .venv first, and reinstall only when what they install from has changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTS   = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal tests --ignore=tests/benchmarks --ignore=tests/browser

.PHONY: run test test-all test-browser lint lab app book bench findings notebooks readme front-ends clean help

run: $(STAMP)  ## execute every notebook (demo profile) into build/notebooks, as .ipynb and .html
	@$(BIN)/lossconditioning run --profile demo

test: lint  ## ruff, and the tests of the package and the notebooks
	@$(TESTS) -m "not thorough"

test-all: lint  ## the same, and the tests that take minutes
	@$(TESTS)

test-browser: $(STAMP)  ## the tests in a real browser, then latency, alone; needs Chromium or Chrome
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/browser --ignore=tests/browser/test_latency.py -n 2
	@$(BIN)/python -m pytest tests/browser/test_latency.py -rP --show-capture=stdout

lab: $(STAMP)  ## open JupyterLab on the welcome notebook; LAB holds options for it
	@case "$$(id -u) $(LAB)" in 0\ *--allow-root*|[1-9]*) ;; *) \
	    echo "You are root, and whoever gets into JupyterLab would be, too. Run it as another user; where there is none," >&2; \
	    echo "as in a container: make lab LAB=--allow-root" >&2; exit 1;; esac
	@$(BIN)/jupyter lab $(LAB) notebooks/00_welcome.ipynb

app: $(STAMP)  ## serve the notebooks' play panels as apps, without the code (Voilà); APP holds options
	@$(BIN)/lossconditioning app $(APP)

book: $(STAMP)  ## a static site of the notebooks as they are saved, with search, into build/book
	@rm -rf build/book build/book-src && mkdir -p build/book-src
	@$(BIN)/sphinx-build -q -W --keep-going -d build/book-doctrees -c book build/book-src build/book
	@echo "Open build/book/index.html"

bench: $(STAMP)  ## speeds as ratios, measured side by side (nothing else should run beside them)
	@$(BIN)/python -m pytest tests/benchmarks --benchmark-columns=median,stddev,rounds --benchmark-sort=name

findings: $(STAMP)  ## run every script in findings, and fail if one does
	@failed=; \
	for f in findings/[a-z]*.sh; do \
	    echo "$$f"; PATH="$(abspath $(BIN)):$$PATH" bash "$$f" || failed="$$failed $$f"; \
	done; \
	if [ "$$failed" ]; then echo "Failed:$$failed"; exit 1; fi; echo "All findings hold."

lint: $(STAMP)  ## ruff alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

notebooks: $(STAMP)  ## for authors: re-execute the committed notebooks in place, cleaned, with fresh records
	@$(BIN)/lossconditioning run --profile demo --update

readme: $(STAMP)  ## for authors: rewrite the README's generated tables from the records and cards
	@$(BIN)/lossconditioning scoreboard --update README.md

front-ends: $(STAMP)  ## for authors: record what the last test runs found about front ends, for the README
	@$(BIN)/lossconditioning scoreboard --front-ends build/front_ends.json --update README.md

clean:  ## remove what `make run` and `make test` wrote (the environment stays)
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .benchmarks

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once; torch is the large part)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=23.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
