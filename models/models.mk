# Targets of models/, for the Makefile above it.

BUNDLE ?= nav_d32
FRESH ?=
# What the network is trained on, cpu or cuda; and in how many processes, one for each GPU.
DEVICE ?= cpu
PROCESSES ?= 1
# Processes that draw samples for each size of window; with none the training draws them itself.
WORKERS ?=

VENV_PYTHON := nice -n 10 .venv/bin/python
BUNDLE_CONFIG := models/configs/$(BUNDLE).yaml
TORCHRUN := $(if $(filter-out 1,$(PROCESSES)),-m torch.distributed.run --standalone --nproc-per-node $(PROCESSES))

.PHONY: models-env
models-env: ## makes .venv/ with PyTorch for the targets of models/ (5.7 GB)
	@models/setup.sh

.PHONY: train
train: models-env ## trains a bundle, goes on where it stopped (BUNDLE=nav_d32 FRESH= DEVICE=cpu PROCESSES=1 WORKERS=)
	$(VENV_PYTHON) $(TORCHRUN) -m trm_train.train $(BUNDLE_CONFIG) --device $(DEVICE) $(if $(WORKERS),--workers $(WORKERS)) $(if $(FRESH),--fresh)

# trm with the features that it has in $(BUILD), without the node and so without ROS.
.PHONY: bundle
bundle: models-env ## exports trained weights to models/bundles if all backends agree with PyTorch, draws the training's curves
	cargo build --workspace --bin trm --test parameters
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
