"""Lets the modules of tests, tests/dds and tools/demo be imported, and has this run's own corner of the graph."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/dds"), str(ROOT / "tools/demo")]

# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
