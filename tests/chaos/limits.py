"""What the node is held to, and how long it is attacked. All of it can be set by environment variables.

CHAOS_BOUND_MS   how long a path may still cross what was published as lethal before it (50; 250 for a debug build)
CHAOS_EXIT_MS    how long the node may take to end after SIGINT under load (200; 1000 for a debug build)
CHAOS_ROUNDS     rounds of every scenario that has rounds, and starts of those that start nodes (default: a few of each)
CHAOS_SECONDS    duration of every scenario that floods the node, in seconds (default: 2 to 10 s each)
"""

import os

from process import BINARY

IS_DEBUG = "debug" in BINARY.parts
BOUND_MS = float(os.environ.get("CHAOS_BOUND_MS", 250 if IS_DEBUG else 50))
EXIT_MS = float(os.environ.get("CHAOS_EXIT_MS", 1000 if IS_DEBUG else 200))
# `max_map_lag_ms` by default: a whole map of megabytes may take so long, and the node need not say so.
MAP_LAG_MS = 200.0
# What a message on a topic for people, and all that the log gains in an attack, may be long.
WORDS = 64 << 10
# The side of a large map, in cells: one of megabytes, where the node isn't a debug build.
LARGE = 500 if IS_DEBUG else 2000


def rounds(usual: int) -> int:
    return int(os.environ.get("CHAOS_ROUNDS", usual))


def seconds(usual: float) -> float:
    return float(os.environ.get("CHAOS_SECONDS", usual))
