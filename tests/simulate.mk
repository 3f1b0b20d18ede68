# The whole node in simulated time. SECONDS simulated seconds of each seed, from the first SEED on; without SEED, from where
# the tally stands. WALL is the real time in seconds after which no further seed begins. JOBS threads simulate side by side.
SIMULATION := tests/simulation.json
SEEDS ?= 1000000000
WALL ?= 600
simulate: SECONDS := 360

.PHONY: simulate
simulate: ros ## simulates the whole node with everything that can go wrong (SECONDS=360 SEED= WALL=600 JOBS=1)
	$(ENV) $(BUILD)
	nice -n 15 $(TARGET)/debug/trm simulate --seconds $(SECONDS) $(if $(SEED),--seed $(SEED),--tally $(SIMULATION)) \
	  --seeds $(SEEDS) --wall-seconds $(WALL) --jobs $(JOBS)
