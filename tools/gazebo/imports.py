"""Lets the modules of tests/closed_loop, tests/dds, tests and tools/demo be imported, and those that `make gazebo`
fetched.

The graph is the user's where ROS_DOMAIN_ID says so, so that RViz and Foxglove can look on; else one of this run's
own.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where prepare.sh puts Gazebo and what else it fetches.
FOLDER = pathlib.Path(os.environ.get("TRM_GAZEBO") or ROOT / ".gazebo").resolve()
DOMAIN = os.environ.get("ROS_DOMAIN_ID")

sys.path.insert(1, str(ROOT / "tests/closed_loop"))
sys.path.append(str(FOLDER / "python"))
import places  # noqa: E402, F401

if DOMAIN:
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
