# The two commands that a user needs are `make demo` and `make test`; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The tests over DDS measure rates: nothing runs beside them.
.NOTPARALLEL:

# It would replace the flags of .cargo/config.toml, by which programs find the ROS 2 in .ros/.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

TARGET := $(or $(CARGO_TARGET_DIR),target)
# The programs. That one test makes Cargo choose the features of dependencies as `cargo test --workspace` does; else tract,
# which takes minutes, would be built twice.
BUILD := cargo build --workspace --bins --test parameters
# What robots run, and what is measured.
RELEASE := cargo build --release --workspace --bins --features trm/onnxruntime
# With no ROS 2 sourced this turns on the one in .ros/. Its python3 is the one that has rclpy.
ENV := . tools/ros/env.sh &&

# What `make eval-paths` and `make peers` plan on, and how many queries of the former on each map.
MAPS ?= tests/maps
QUERIES ?= 200
# How many threads work side by side in `make eval` and `make simulate`.
JOBS ?= 1

include models/models.mk
include deploy/deploy.mk
include tests/simulate.mk
include tools/soak/soak.mk
include tools/tpcap/tpcap.mk
include tests/campaigns.mk
include tests/strangers/strangers.mk
include tests/closed_loop/closed_loop.mk
include tools/gazebo/gazebo.mk

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# disc, forklift or car.
ROBOT ?= disc

.PHONY: demo
demo: ros ## drive a simulated robot over DDS; writes demo.png and demo.json (ROBOT=disc, forklift or car; BUNDLE=nav_d32)
	$(ENV) $(BUILD)
	$(ENV) python3 tools/demo/run.py --robot $(ROBOT) --bundle models/bundles/$(BUNDLE)

.PHONY: test
test: test-rust test-dds test-realtime test-chaos test-closed-loop test-paths ## every test, those over DDS included

# `cargo test` alone tests the crates that need no ROS.
.PHONY: test-rust
test-rust: ros ## unit, property, golden and command line tests
	$(ENV) cargo test --workspace

.PHONY: test-dds
test-dds: ros ## rclpy against the node, over DDS
	$(ENV) $(BUILD)
	$(ENV) python3 -m pytest tests/dds

# Debug assertions and unoptimised code would hide what these look for.
.PHONY: test-realtime
test-realtime: ros ## the control loop of the release: no page fault, no allocation, priority, locked memory, idle CPU
	$(ENV) $(RELEASE)
	$(ENV) TRM_NODE=$(TARGET)/release/trm_node python3 -m pytest tests/dds/test_realtime.py tests/dds/test_idle.py

CHAOS := $(ENV) TRM_NODE=$(TARGET)/release/trm_node

# With time enough however busy the machine is: what is lost, or blind, stays so for longer.
.PHONY: test-chaos
test-chaos: ros ## attacks on the release over DDS, each path checked against what had been published
	$(ENV) $(RELEASE)
	$(CHAOS) CHAOS_BOUND_MS=1500 CHAOS_EXIT_MS=1500 python3 -m pytest tests/chaos

# tests/chaos/limits.py says how it is made longer: CHAOS_ROUNDS, CHAOS_SECONDS.
.PHONY: chaos
chaos: ros ## the same attacks against the bounds of the release on a quiet machine: 50 ms, SIGINT within 200 ms
	$(ENV) $(RELEASE)
	$(CHAOS) python3 -m pytest tests/chaos

CHECK_PATHS := $(ENV) python3 tests/check_paths.py --trm $(TARGET)/debug/trm

# With time enough every query has a path, however busy the machine is.
.PHONY: test-paths
test-paths: ros ## plans on the maps of the repository, each path checked by another program
	$(ENV) $(BUILD)
	$(CHECK_PATHS) --maps tests/maps --queries 20 --generated-yaw --deadline-ms 1000 --least-success 1

.PHONY: eval-paths
eval-paths: ros ## success, length and time of plans on maps, within 20 ms (MAPS=tests/maps QUERIES=200)
	$(ENV) $(BUILD)
	$(CHECK_PATHS) --maps $(MAPS) --queries $(QUERIES)

# The robots of docs/footprint_eval.json: NAME|motion model|turning radius|footprint.
FOOTPRINT_ROBOTS := \
  'rectangle|diff|0.4|[[0.45, 0.31], [-0.45, 0.31], [-0.45, -0.31], [0.45, -0.31]]' \
  'car|car|0.5|[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]' \
  'forklift|car|1.5|[[2.0, 0.6], [-0.4, 0.6], [-0.4, -0.6], [2.0, -0.6]]'
FOOTPRINT_OUT ?= docs/footprint_eval.json

.PHONY: eval-footprints
eval-footprints: QUERIES := 1500
eval-footprints: ros ## plans of three robots with a footprint among table legs, into docs/footprint_eval.json (MAPS=tests/maps QUERIES=1500)
	$(ENV) $(RELEASE)
	out=$$(mktemp -d); for robot in $(FOOTPRINT_ROBOTS); do IFS='|' read -r name model radius footprint <<< "$$robot"; \
	  nice -n 10 $(TARGET)/release/trm eval --bundle models/bundles/$(BUNDLE) --maps $(MAPS) --queries $(QUERIES) --motion-model $$model --minimum-turning-radius $$radius \
	    --footprint "$$footprint" --json $$out/$$name.json; done; \
	python3 -c 'import json, pathlib, sys; print(json.dumps({p.stem: json.loads(p.read_text()) for p in sorted(pathlib.Path(sys.argv[1]).iterdir())}, indent=2))' \
	  $$out > $(FOOTPRINT_OUT)

EVAL = nice -n 10 $(TARGET)/debug/trm eval --bundle models/bundles/$(BUNDLE)
EVAL_OUT = models/bundles/$(BUNDLE)/eval
HELD_OUT := --maps tests/maps-held-out

# Times are measured only where one thread plans. A query that fails runs all its steps: large windows take long.
.PHONY: eval
eval: ros ## measures a bundle and writes it into its card (BUNDLE=nav_d32 QUERIES=200 JOBS=1)
	$(ENV) $(BUILD)
	mkdir -p $(EVAL_OUT)
	$(EVAL) $(HELD_OUT) --window 64 --queries $$((25 * $(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/maps_64.json
	$(EVAL) $(HELD_OUT) --window 128 --queries $$((25 * $(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/maps_128.json
	$(EVAL) --generated 64 --queries $$((10 * $(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/generated_64.json
	$(EVAL) --generated 128 --queries $$((5 * $(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/generated_128.json
	$(EVAL) --generated 256 --queries $$(($(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/generated_256.json
	$(EVAL) --mazes 30 --queries $$((5 * $(QUERIES))) --jobs $(JOBS) --json $(EVAL_OUT)/mazes_30.json
	@for case in "maps_64 $(HELD_OUT)" "generated_64 --generated 64" "mazes_30 --mazes 30"; do read -r name source <<< "$$case"; \
	  $(EVAL) $$source --queries $(QUERIES) --seed 2 --steps 32 --anytime --json $(EVAL_OUT)/anytime_$$name.json \
	    --png $(EVAL_OUT)/anytime_$$name.png; done
	cd models && python3 -m trm_train.card bundles/$(BUNDLE)

# Only its library is wanted, so any Python's wheel will do.
ONNXRUNTIME := onnxruntime==1.23.2
ONNXRUNTIME_DIR := .bench/$(subst ==,-,$(ONNXRUNTIME))

OUT ?= bench
PROFILE ?= short
BENCH_MAP ?= tests/maps/pal_office/map.yaml
RATE ?= 50
DEADLINE_MS ?= 10
WINDOW ?= 64
LOAD ?= cpu,memory
# Seconds of each case over DDS, and of the loop in process.
SECONDS_short := --idle 12 --loaded 6 --large 4
SECONDS_full := --idle 1200 --loaded 200 --large 60
DURATION_short := 5
DURATION_full := 60

$(ONNXRUNTIME_DIR):
	$(ENV) python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
	  --target $@.part $(ONNXRUNTIME) && mv $@.part $@ || echo "no onnxruntime to compare with"

.PHONY: bench
bench: ros $(ONNXRUNTIME_DIR) ## measures the node over DDS and the planner in process (OUT=bench PROFILE=short or full PEER=planner_server); see README
	$(ENV) $(RELEASE)
	rm -f $(OUT)/node_*.jsonl
	$(ENV) python3 tools/bench/run.py --node $(TARGET)/release/trm_node --trm $(TARGET)/release/trm --out $(OUT) --map $(BENCH_MAP) --rate $(RATE) --deadline-ms $(DEADLINE_MS) \
	  --window $(WINDOW) --load "$(LOAD)" $(SECONDS_$(PROFILE))
	ORT_DYLIB_PATH=$$(echo $(ONNXRUNTIME_DIR)/onnxruntime/capi/libonnxruntime.so.*) $(TARGET)/release/trm bench $(BENCH_MAP) \
	  --duration $(DURATION_$(PROFILE)) --rate $(RATE) --deadline-ms $(DEADLINE_MS) --window $(WINDOW) $$(printf -- '--node %s ' $(OUT)/node_*.jsonl) --out $(OUT)
	$(if $(PEER),$(ENV) TRM_NODE=$(TARGET)/release/trm_node python3 tools/bench/planner_servers.py --peer $(PEER) --map $(BENCH_MAP) --json $(OUT)/servers.json)

.PHONY: bench-large-maps
bench-large-maps: ros ## a map that grows and new goals on maps of up to 6000 x 6000 cells, over DDS (OUT=bench)
	$(ENV) $(RELEASE)
	$(ENV) python3 tools/bench/large_maps.py --out $(OUT)

.PHONY: bench-live
bench-live: ros ## the CPU share of each thread on a costmap that changes 5 and 20 times a second, over DDS (SECONDS=30)
	$(ENV) $(RELEASE)
	$(ENV) python3 tools/bench/live_costmap.py --seconds $(or $(SECONDS),30)

.PHONY: peers
peers: ros ## the model beside A*, weighted A* and Dijkstra's algorithm on each map (MAPS=tests/maps)
	$(ENV) $(RELEASE)
	$(TARGET)/release/trm bench $$(find $(MAPS) -name '*.yaml' | LC_ALL=C sort) --parts peers --duration 120 --out $(OUT)/peers

.PHONY: test-aarch64
test-aarch64: ## the network's tests built for ARM, run under emulation (needs root and debootstrap)
	tools/aarch64/test.sh

.PHONY: loom
loom: ## model-checks the wake-up and the rings of trm_rt, in every order that threads can take
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(TARGET)/loom cargo test -p trm_rt --lib loom
.PHONY: memory-check
memory-check: ## the kernel and the queues under Miri where it is installed, else under AddressSanitizer
	tools/memory_check.sh

.PHONY: lint
lint: ros ## formatting, and clippy with warnings as errors
	cargo fmt --check
	$(ENV) cargo clippy --workspace --all-targets -- -D warnings

.PHONY: docs
docs: ros ## the code's documentation, with warnings as errors
	$(ENV) RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps

.PHONY: parameters
parameters: ## writes config/trm_node.yaml and the README's table from the list of parameters
	TRM_UPDATE=1 cargo test -p trm --test parameters

.PHONY: ros
ros: ## makes a ROS 2 in .ros/ when none is sourced, and checks what is needed
	@tools/ros/setup.sh
