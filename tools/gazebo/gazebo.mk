# A robot in Gazebo; included by the Makefile. TRM_GAZEBO names the folder that Gazebo is put into, if not .gazebo/.

WORLD ?= worlds/hall.sdf
# 1: no map, the robot maps while it drives.
SLAM ?=
# planner_frequency in Hz. More than one: a drive with each, to the same goals.
FREQUENCIES ?= 20
# More of tools/gazebo/run.py: --goals, --seed.
GAZEBO_ARGUMENTS ?=

# Gazebo is fetched while the node is built.
.PHONY: gazebo
gazebo: ros ## a robot drives in Gazebo among people; writes gazebo/ (SLAM=1: without a map; needs root)
	tools/gazebo/prepare.sh check
	tools/gazebo/prepare.sh & preparing=$$!; status=0; { $(ENV) $(BUILD); } || status=$$?; wait $$preparing; exit $$status
	$(ENV) python3 tools/gazebo/run.py --world $(WORLD) --out gazebo $(if $(filter-out 0,$(SLAM)),--slam) \
	  --frequencies $(FREQUENCIES) $(GAZEBO_ARGUMENTS)

.PHONY: gazebo-smoothness
gazebo-smoothness: FREQUENCIES = 20 1
gazebo-smoothness: gazebo ## the same goals at 20 Hz and at Nav2's 1 Hz: jerk, stops, and time to goal beside each other
