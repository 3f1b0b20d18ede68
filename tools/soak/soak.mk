# The long run of the node; included by the Makefile.

HOURS ?= 1
MINUTES ?=
# As root, `NICE="nice -n -10"` keeps the soak's processes before others of the machine.
NICE ?=
SOAK_ARGUMENTS ?=

.PHONY: soak
soak: OUT = soak
soak: ros ## lets the node work for HOURS=1 or MINUTES=; judges memory, latency and why plans were late (OUT=soak)
	$(ENV) $(RELEASE)
	$(ENV) $(NICE) python3 tools/soak/soak.py --out $(OUT) --node $(TARGET)/release/trm_node \
	  --minutes $(or $(MINUTES),$$(awk 'BEGIN { print 60 * $(HOURS) }')) $(SOAK_ARGUMENTS)
