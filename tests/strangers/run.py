"""Everybody else's inputs: a table of cases, each judged by another program or by its rules, and by trm_node. One line a
case: the public report that it comes from, what is tried, what is expected, what came, and whether that is the same. The
exit code is 1 when one differs.

    python3 tests/strangers/run.py [--only sections overrides qos_pairs map_files resolutions frames]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "dds")]

import rclpy  # noqa: E402

import frames  # noqa: E402
import map_files  # noqa: E402
import overrides  # noqa: E402
import qos_pairs  # noqa: E402
import resolutions  # noqa: E402
import sections  # noqa: E402
from bench import Bench  # noqa: E402
from case import Case  # noqa: E402

TABLES = {module.__name__: module for module in (sections, overrides, qos_pairs, map_files, resolutions, frames)}


def cases(name: str, bench: Bench) -> Iterator[Case]:
    """Of a table. One that breaks off, because a program doesn't start, is a difference, and the others go on."""
    try:
        yield from TABLES[name].cases(bench)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        yield Case("own", f"the rest of {name}", "an answer", str(error))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="these tables alone")
    arguments = parser.parse_args()
    count = different = 0
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name in arguments.only:
                for case in cases(name, Bench(context, pathlib.Path(folder))):
                    print(case, flush=True)
                    count, different = count + 1, different + (not case.is_same)
    finally:
        context.try_shutdown()
    print(f"{count} cases, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
