# The folder with the cases of the TPCAP benchmark; tools/tpcap/run.py says where they are to be had.
CASES ?= cases

.PHONY: tpcap
tpcap: ros ## plans on the parking cases of the TPCAP benchmark (CASES=folder)
	$(ENV) $(RELEASE)
	$(ENV) python3 tools/tpcap/run.py $(CASES) --trm $(TARGET)/release/trm --json docs/tpcap.json
