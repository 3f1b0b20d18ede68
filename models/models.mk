# Targets of models/, for the Makefile above it.

BUNDLE ?= nav_d32
FRESH ?=

VENV_PYTHON := nice -n 10 .venv/bin/python
BUNDLE_CONFIG := models/configs/$(BUNDLE).yaml

.PHONY: models-env
models-env: ## makes .venv/ with PyTorch for the targets of models/ (5.7 GB)
	@models/setup.sh

.PHONY: train
train: models-env ## trains a bundle on one core, goes on where it stopped (BUNDLE=nav_d32 FRESH=)
	$(VENV_PYTHON) -m trm_train.train $(BUNDLE_CONFIG) $(if $(FRESH),--fresh)

.PHONY: bundle
bundle: models-env ## exports trained weights to models/bundles, draws the curves of their training
	$(VENV_PYTHON) -m trm_train.curves models/runs/$(BUNDLE)
	$(VENV_PYTHON) -m trm_train.export $(BUNDLE_CONFIG)

.PHONY: ablations
ablations: models-env ## what each part of the recipe buys: 13 short trainings, 40 minutes of one core
	$(VENV_PYTHON) -m trm_train.ablate models/configs/ablations.yaml

.PHONY: golden
golden: models-env ## writes the PyTorch numbers that the Rust tests compare with
	$(VENV_PYTHON) -m trm_train.golden $(BUNDLE_CONFIG)

.PHONY: golden-worlds
golden-worlds: models-env ## writes the statistics of generated worlds that the generators in Rust are compared with
	$(VENV_PYTHON) -m trm_train.world_statistics

.PHONY: test-models
test-models: models-env ## tests of the training package
	OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -q models
