"""What a planner costs on a live costmap, over DDS: a robot drives in a building of 600 x 600 cells, and a rectangle around
it changes all the time, as a sensor changes a costmap. Prints the CPU share of each thread; writes the figures as JSON."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("TRM_NODE", str(ROOT / "target/release/trm_node"))
sys.path.insert(0, str(ROOT / "tests/dds"))

import numpy as np  # noqa: E402
import rclpy  # noqa: E402
from map_msgs.msg import OccupancyGridUpdate  # noqa: E402

import worlds  # noqa: E402
from fleet import Fleet  # noqa: E402
from large_maps import building  # noqa: E402
from usage import TICK  # noqa: E402

SIDE = 600
RECTANGLE = 60
RADIUS = 0.25
# Obstacles of this many cells stand in the rectangle, so many, and none so near to the robot.
LEG, LEGS, CLEAR = 2, 12, 9
PLANS_PER_S = 20.0


def threads(pid: int) -> dict[str, float]:
    """Seconds of CPU of each thread, by name; those of one name together (proc(5))."""
    seconds: dict[str, float] = {}
    for task in (pathlib.Path("/proc") / str(pid) / "task").iterdir():
        with contextlib.suppress(OSError):
            head, _, tail = (task / "stat").read_text().rpartition(")")
            used = tail.split()
            name = head.partition("(")[2]
            seconds[name] = seconds.get(name, 0.0) + (int(used[11]) + int(used[12])) / TICK
    return seconds


class Costmap:
    """Publishes the rectangle around the robot with other obstacles in it each time."""

    def __init__(self, fleet: Fleet, rate: float, seed: int = 1):
        self.fleet, self.rng = fleet, np.random.default_rng(seed)
        self.clear = np.where(fleet.grid.state == worlds.OCCUPIED, 100, 0).astype(np.int8)
        self.publisher = fleet.node.create_publisher(OccupancyGridUpdate, "/map_updates", 10)
        self.before: tuple[int, int] | None = None
        self.sent = 0
        if rate > 0.0:
            self.timer = fleet.node.create_timer(1.0 / rate, self._publish)

    def _publish(self) -> None:
        robot = self.fleet.robots[0]
        col, row = (int(v / worlds.RESOLUTION) for v in robot.place)
        left, low = (min(max(v - RECTANGLE // 2, 0), SIDE - RECTANGLE) for v in (col, row))
        # What was seen elsewhere is forgotten, as a rolling window forgets it.
        if self.before is not None:
            self._send(*self.before, self._part(*self.before))
        values = self._part(left, low)
        for _ in range(LEGS):
            c, r = self.rng.integers(0, RECTANGLE - LEG, 2)
            if max(abs(left + c - col), abs(low + r - row)) > CLEAR:
                values[r:r + LEG, c:c + LEG] = 100
        self._send(left, low, values)
        self.before = (left, low)
        self.sent += 1

    def _part(self, left: int, low: int) -> np.ndarray:
        return self.clear[low:low + RECTANGLE, left:left + RECTANGLE].copy()

    def _send(self, left: int, low: int, values: np.ndarray) -> None:
        self.publisher.publish(worlds.update_message(left, low, values, self.fleet.node.get_clock().now().to_msg()))


def measure(context, rate: float, seconds: float) -> dict:
    """One drive with so many changes a second."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        parameters = {"robot_radius": RADIUS, "planner_frequency": PLANS_PER_S}
        fleet = Fleet(context, pathlib.Path(folder), building(SIDE), 1, parameters)
        stack.callback(fleet.close)
        fleet.begin()
        costmap = Costmap(fleet, rate)
        fleet.spin(3.0)
        node, costmap.sent = fleet.nodes[0], 0
        first, began = threads(node.pid), time.monotonic()
        row = fleet.measure(seconds)[0]
        took = time.monotonic() - began
        last = threads(node.pid)
        share = {name: round(100 * (last[name] - first.get(name, 0.0)) / took, 2) for name in sorted(last)}
        stops = [status.stop for status in fleet.robots[0].statuses]
        return {"changes_per_s": rate, "changes": costmap.sent, "plans": len(stops), "unchanged": stops.count("unchanged"),
                "missed": row["missed"], "plan_p50_ms": row["p50_ms"], "plan_p99_ms": row["p99_ms"],
                "cpu_percent": row["cpu_percent"], "threads_percent": {k: v for k, v in share.items() if v > 0.0}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/live_costmap.json")
    arguments = parser.parse_args()
    context = rclpy.Context()
    rclpy.init(context=context)
    rows = []
    for rate in (0.0, 5.0, 20.0):
        row = measure(context, rate, arguments.seconds)
        rows.append(row)
        print(f"{rate:4g} changes/s: {row['cpu_percent']} % of a core; {row['plans']} plans, {row['unchanged']} unchanged, "
              f"p50 {row['plan_p50_ms']} p99 {row['plan_p99_ms']} ms, {row['missed']} missed; " +
              ", ".join(f"{name} {share}" for name, share in row["threads_percent"].items()))
    context.try_shutdown()
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    arguments.out.write_text(json.dumps({"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
                                         "seconds": arguments.seconds, "map": f"{SIDE} x {SIDE}",
                                         "rectangle": f"{RECTANGLE} x {RECTANGLE}", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
