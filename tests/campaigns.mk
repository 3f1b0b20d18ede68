# Long searches for faults: random bytes for everything that parses, random worlds for the planner, drives among people. The
# first two go on where they were stopped.

.PHONY: fuzz
fuzz: SECONDS ?= 60
fuzz: ROUNDS ?= 1
fuzz: ## fuzz what parses (SECONDS=60 for each target, ROUNDS=1; needs: cargo install cargo-fuzz)
	nice -n 19 python3 tests/fuzz/run.py --seconds $(SECONDS) --rounds $(ROUNDS)

.PHONY: worlds
worlds: N ?= 1000000
worlds: SEED ?= 1
worlds: STATE ?= docs/worlds.json
worlds: ros ## plan in N random worlds and judge each result (N=1000000 SEED=1 JOBS=1); goes on from docs/worlds.json
	$(ENV) $(BUILD)
	nice -n 15 $(TARGET)/debug/trm worlds --count $(N) --seed $(SEED) --state $(STATE) --jobs $(JOBS)

.PHONY: worlds-footprints
worlds-footprints: N ?= 1000000
worlds-footprints: SEED ?= 1
worlds-footprints: STATE ?= docs/worlds_footprints.json
worlds-footprints: ros ## the same for robots with a footprint (N=1000000 SEED=1 JOBS=1); goes on from docs/worlds_footprints.json
	$(ENV) $(BUILD)
	nice -n 15 $(TARGET)/debug/trm worlds --footprints --count $(N) --seed $(SEED) --state $(STATE) --jobs $(JOBS)

.PHONY: ends
ends: COUNT ?= 1000
ends: SEED ?= 1
ends: ros ## plan from and to COUNT awkward places of each kind on maps and judge each result (MAPS=tests/maps COUNT=1000 SEED=1)
	$(ENV) $(BUILD)
	nice -n 15 $(TARGET)/debug/trm ends --maps $(MAPS) --count $(COUNT) --seed $(SEED)

.PHONY: drive
drive: GOALS ?= 200
drive: CLOSING ?= 200
drive: SEED ?= 1
drive: ## drive among people in simulated time with five policies, then obstacles that appear; docs/drive.json (GOALS=200 CLOSING=200 SEED=1 JOBS=1)
	cargo build --release -p trm
	nice -n 15 $(TARGET)/release/trm drive --maps $(MAPS) --goals $(GOALS) --seed $(SEED) --jobs $(JOBS) --json docs/drive.json
	nice -n 15 $(TARGET)/release/trm drive --maps $(MAPS) --closing $(CLOSING) --seed $(SEED) --jobs $(JOBS) --json docs/drive_closing.json
