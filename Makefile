# `make run` and `make test` are all the set-up there is: each makes .venv and installs by itself when requirements change.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
SCRIPTS := ui studio/splats/viewer
# make run TORCH=cpu: without the libraries of NVIDIA, 2 GB instead of 6, where PyTorch's index has the pinned pair.
INDEX = $(if $(filter cpu,$(TORCH)),--index-url https://download.pytorch.org/whl/cpu)
export OMP_WAIT_POLICY ?= PASSIVE
export MKL_CBWR ?= AUTO

# Files in the order of tests/conftest.py, each on one worker: what it shares is made once. A worker that dies ends the
# run: xdist 3.8 waits forever after it has replaced one.
WORKERS = --numprocesses $$($(PY) -m tests.parallel) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.PHONY: run extras test check bench soak fuzz train nats screenshots clean
.DELETE_ON_ERROR:

run: $(VENV)/.run  ## serve the page on 127.0.0.1:7860 (options: make run ARGS="--port 7861")
	$(PY) app.py $(ARGS)

extras: $(VENV)/.run  ## add what packs weights in 8 and 4 bits, so that large models fit on smaller cards (130 MB)
	$(PY) -m pip install --disable-pip-version-check -r requirements-extras.txt

test: $(VENV)/.dev $(VENV)/.browser  ## lint, types and every test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/oxlint $(SCRIPTS)
	@$(PY) -m pyright > $(VENV)/types.txt 2>&1 & types=$$!; \
		$(PY) -m pytest $(WORKERS) --durations 15 --durations-min 1 $(ARGS); tests=$$?; \
		wait $$types; types=$$?; cat $(VENV)/types.txt; exit $$((tests ? tests : types))

check: $(VENV)/.dev  ## lint and types alone
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/oxlint $(SCRIPTS)
	$(PY) -m pyright

bench: $(VENV)/.dev  ## side-by-side measurements, printed as tables
	$(PY) -m benchmarks $(ARGS)

soak: $(VENV)/.dev  ## the tests of load and of crashes at full size (an hour)
	$(PY) -m benchmarks.load --visitors 200 --jobs 50
	$(PY) -m benchmarks.load --visitors 20 --jobs 1000
	DIORAMA_CRASH_POINTS=100 $(PY) -m pytest -q tests/studio/scheduling/test_crash.py
	DIORAMA_STORM_ROUNDS=200 $(PY) -m pytest -q tests/workers/test_storm.py
	$(PY) -m benchmarks.opening

fuzz: $(VENV)/.dev  ## look for input that breaks what reads it (make fuzz SECONDS=1800: so long for each target)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	$(PY) -m tests.robustness.fuzz --seconds $(or $(SECONDS),60)
	DIORAMA_FUZZ_EXAMPLES=2000 $(PY) -m pytest -q tests/robustness/test_fuzz.py

nats: $(VENV)/.dev  ## a NATS server on 127.0.0.1:4222 that keeps its jobs in .nats (options: make nats ARGS="--addr 0.0.0.0")
	$(VENV)/bin/nats-server -js -sd .nats -a 127.0.0.1 $(ARGS)

train: $(VENV)/.run  ## train the bundled models again (hours on 2 cores; goes on where it stopped)
	$(PY) -m toybox.train $(ARGS)
	$(PY) -m toybox.klein.train_lora
	$(PY) -m toybox.sam.train
	$(PY) -m toybox.solid.train_views
	$(PY) -m toybox.solid.train_lgm
	$(PY) -m toybox.vqgan_clip.train_vqgan
	$(PY) -m toybox.vqgan_clip.train_clip

# torch and torchvision first, as one pair; then the rest without build isolation, so that the source build of sam2 uses
# the torch that is there instead of fetching a second one.
$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Diorama needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV): some minutes and $(if $(INDEX),2,6) GB, once."
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check setuptools wheel
	@$(PY) -m pip install --quiet --disable-pip-version-check $(INDEX) $$(grep -E '^(torch|torchvision)==' requirements.txt) || \
		{ echo "$(if $(INDEX),PyTorch's CPU-only index does not have these versions (yet): run make $(MAKECMDGOALS) without TORCH=cpu.)"; exit 1; }
	@SAM2_BUILD_CUDA=0 $(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-extras.txt $(VENV)/.run
	@SAM2_BUILD_CUDA=0 $(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation -r requirements-dev.txt
	@touch $@

# The browser tests use Debian's headless shell of Chromium, which root can install; else a Chromium or Chrome that is
# installed; else Playwright's own; else they skip.
$(VENV)/.browser: $(VENV)/.dev tests/browser.py
	@$(PY) -m tests.browser --install && touch $@ || true

screenshots: $(VENV)/.browser  ## take the pictures in the README and on the empty page again
	$(PY) -m tests.demo_tiles
	$(PY) -m tests.screenshots

clean:  ## remove what `make` installed
	rm -rf $(VENV)
