# What strangers bring (parameter files, profiles, map files, frames), judged by rclpy and by the map server's rules. Each
# case is a line; one that differs fails.

.PHONY: strangers
strangers: ONLY ?=
strangers: ros ## a table of cases as others have them, each judged by another program (ONLY="map_files frames")
	$(ENV) $(BUILD)
	$(ENV) nice -n 10 python3 tests/strangers/run.py $(if $(ONLY),--only $(ONLY))
