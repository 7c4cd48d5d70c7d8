# Everything runs in a virtual environment of its own; the first target that needs it makes it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= synthetic

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is older than Python 3.11; name another: make PYTHON=python3.12 ..." >&2; exit 4; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[synth,tensorboard]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

.PHONY: install
install: $(VENV)/.runtime ## make the virtual environment and install the program into it

.PHONY: train
train: $(VENV)/.runtime ## train v2 on the synthetic corpus, or on DATA=place
	$(BIN)/audiomnist train --version v2 --data $(DATA)

SPEECH_COMMANDS ?= data/speech_commands
FSDD ?= data/fsdd
NOISE := $(SPEECH_COMMANDS)/_background_noise_
NOISES := $(NOISE)/doing_the_dishes.flac $(NOISE)/exercise_bike.flac $(NOISE)/pink_noise.flac $(NOISE)/white_noise.flac
COMMA := ,
EMPTY :=

.PHONY: model
model: export OMP_NUM_THREADS = 1
model: $(VENV)/.dev ## make the model that ships anew, from SPEECH_COMMANDS=folder and FSDD=folder; needs flite
	$(BIN)/audiomnist synth --speakers 48 --repetitions 5 --engine espeak --engine flite --out build/voices
	$(BIN)/python benchmarks/other_words.py --out build/words
	$(BIN)/audiomnist train --config configs/digits.yaml --device cpu --run build/digits \
		--data $(SPEECH_COMMANDS)/digits.csv --extra-data $(FSDD) --extra-data build/voices \
		--no-digit-data $(SPEECH_COMMANDS)/words.csv --no-digit-data build/words $(addprefix --no-digit-data ,$(NOISES)) \
		--set "augment.noise_data=[$(subst $(EMPTY) $(EMPTY),$(COMMA),$(NOISES))]"
	$(BIN)/python benchmarks/digits.py build/digits --speech-commands $(SPEECH_COMMANDS) --ship

.PHONY: kfold
kfold: $(VENV)/.runtime ## cross-validate v2 in five folds
	$(BIN)/audiomnist kfold --folds 5 --version v2 --data $(DATA)

.PHONY: test
test: $(VENV)/.dev ## run the tests, but those that take long
	$(BIN)/pytest -n auto --dist loadfile -m 'not slow'

.PHONY: test-all
test-all: $(VENV)/.dev ## run all tests
	$(BIN)/pytest -n auto --dist loadfile

.PHONY: coverage
coverage: $(VENV)/.dev ## run the tests, and print which lines of the package none of them reaches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: torture
torture: $(VENV)/.dev ## kill each verb at 30 points of its writing and at random moments, finish it, compare bit for bit
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture

MINUTES ?= 10
.PHONY: fuzz
fuzz: $(VENV)/.dev ## give every reader of files changed ones, MINUTES=10 each
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --minutes $(MINUTES)

.PHONY: mutation
mutation: $(VENV)/.dev ## make small faults in scores, splits and training, and count those that the tests notice
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutation

.PHONY: test-runtime
test-runtime: $(VENV)/.dev ## use a model in a fresh environment without PyTorch
	rm -rf build/runtime
	$(PYTHON) -m venv build/runtime
	build/runtime/bin/python -m pip install --quiet ./runtime
	AUDIOMNIST_RUNTIME=$(CURDIR)/build/runtime/bin/python $(BIN)/pytest -q tests/inference/test_runtime.py

LOWEST := $(CURDIR)/build/lowest
.PHONY: test-lowest
test-lowest: ## run the tests with the lowest versions of all dependencies, but those against torchaudio
	rm -rf $(LOWEST)
	$(PYTHON) -m venv $(LOWEST)
	$(PYTHON) tests/lowest.py > $(LOWEST)/versions.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/versions.txt --editable '.[explain,export,hub,synth,tensorboard]' \
		hypothesis playwright pytest pytest-xdist
	$(LOWEST)/bin/pytest -n auto --dist loadfile --ignore tests/features/test_mel.py --ignore tests/training/test_transforms.py

.PHONY: check
check: $(VENV)/.dev ## lint, types, formatting, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(VENV)/.runtime ## measure speed; prints a table
	$(BIN)/python benchmarks/bench.py

.PHONY: build
build: $(VENV)/.dev ## build the wheels, the source distribution and a bill of materials into dist/
	$(BIN)/python -m build
	$(BIN)/python -m build --wheel --outdir dist runtime
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-file dist/audiomnist.cdx.json

.PHONY: docs
docs: $(VENV)/.dev ## build the documentation into build/site
	$(BIN)/mkdocs build --quiet

.PHONY: clean
clean: ## remove the virtual environment and what tools left; data/ and runs/ stay
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
