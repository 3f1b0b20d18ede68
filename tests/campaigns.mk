# Long searches for faults: random bytes for everything that parses, random worlds for the planner. Both go on where they
# were stopped.

FUZZ_TARGETS := builder bundle grid manifest map_image map_yaml parameters recording tegrastats text
# Seconds for each target. The campaign is SECONDS=3600.
SECONDS := 60
# Safe Rust needs no sanitizer to show its faults: panics, overflows, too much memory, too much time.
FUZZ := RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$(CURDIR)/tests/fuzz/target nice -n 19 cargo fuzz

.PHONY: fuzz
fuzz: ## fuzz what parses (SECONDS=60 for each target; needs: cargo install cargo-fuzz)
	@for target in $(FUZZ_TARGETS); do mkdir -p tests/fuzz/corpus/$$target; \
	  $(FUZZ) run --fuzz-dir tests/fuzz -s none -O $$target tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target \
	    -- -max_total_time=$(SECONDS) -rss_limit_mb=3000 -timeout=20 -print_final_stats=1; done

# Number and seed of the worlds, and where their counts are kept.
N ?= 1000000
SEED ?= 1
WORLDS_STATE ?= docs/worlds.json

.PHONY: worlds
worlds: ros ## plan in N random worlds and judge each result (N=1000000 SEED=1 JOBS=1); goes on from docs/worlds.json
	$(ENV) $(BUILD)
	nice -n 19 $(TARGET)/debug/trm worlds --count $(N) --seed $(SEED) --state $(WORLDS_STATE) --jobs $(JOBS)
