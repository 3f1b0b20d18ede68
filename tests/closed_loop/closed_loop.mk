# A robot among people with the planner in the loop, and a fleet. Both on the release, in real time.

CLOSED_LOOP := $(ENV) TRM_NODE=$(TARGET)/release/trm_node

.PHONY: test-closed-loop
test-closed-loop: ros ## a simulated robot drives to 8 goals among people with the release in the loop, and is judged
	$(ENV) $(RELEASE)
	$(CLOSED_LOOP) python3 -m pytest tests/closed_loop

.PHONY: closed-loop
closed-loop: GOALS ?= 100
closed-loop: ros ## the same on all maps, with figures in docs/closed_loop.json (GOALS=100 MAPS=tests/maps)
	$(ENV) $(RELEASE)
	$(CLOSED_LOOP) python3 tests/closed_loop/closed_loop.py --maps $(MAPS) --goals $(GOALS) --out docs/closed_loop.json

.PHONY: fleet
fleet: FLEET_MINUTES ?= 10
fleet: ros ## four robots with a planner each in one domain: CPU, misses, and whose plan is whose (FLEET_MINUTES=10)
	$(ENV) $(RELEASE)
	$(CLOSED_LOOP) python3 tests/dds/fleet.py --minutes $(FLEET_MINUTES)
