"""What the node does while guidance over a large map isn't there yet, over DDS: a map that grows under way, as with SLAM,
and new goals. Prints a line for each map and each goal; writes the figures as JSON."""

import argparse
import dataclasses
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("TRM_NODE", str(ROOT / "target/release/trm_node"))
sys.path.insert(0, str(ROOT / "tests/dds"))

import numpy as np  # noqa: E402
import rclpy  # noqa: E402

import worlds  # noqa: E402
from peer import Peer  # noqa: E402
from plan_status import Status  # noqa: E402
from process import NodeProcess  # noqa: E402

ROOM = 100  # cells per side
DOOR = 24
DEADLINE_MS = 30.0
# Cells that a map of 2000 cells grows by on the whole, and where the old one lies in it; the last one at a fraction.
GROWTH = [(40, 0.0), (80, 0.0), (100, 20.0), (140, 20.4)]
SHOWN = 4.0  # seconds after each change


def building(side: int, seed: int = 1) -> worlds.Map:
    """Rooms with a door to each side, most of them."""
    random = np.random.default_rng(seed)
    state = np.full((side, side), worlds.FREE, np.uint8)
    rooms = side // ROOM
    for at in [*range(0, side, ROOM), side - 2]:
        state[at:at + 2, :] = state[:, at:at + 2] = worlds.OCCUPIED
    for wall in range(1, rooms):
        for room in range(rooms):
            door = room * ROOM + random.integers(20, ROOM - 40)
            state[wall * ROOM:wall * ROOM + 2, door:door + DOOR] = worlds.FREE
            if random.random() < 0.8:
                door = room * ROOM + random.integers(20, ROOM - 40)
                state[door:door + DOOR, wall * ROOM:wall * ROOM + 2] = worlds.FREE
    return worlds.Map(pathlib.Path("building"), state, worlds.RESOLUTION, (0.0, 0.0, 0.0))


class Bench:
    """A node and its peer, which doesn't listen to paths: thousands of poses keep Python busy."""

    def __init__(self, context, side: int):
        self.peer = Peer(context)
        self.node = NodeProcess(pathlib.Path(tempfile.mkdtemp()), {"deadline_ms": DEADLINE_MS})
        self.peer.connect(self.node)
        for subscription in list(self.peer.node.subscriptions):
            if subscription.topic_name == "/plan":
                self.peer.node.destroy_subscription(subscription)
        self.grid = building(side)
        self.peer.pose = (2.5, 2.5, 0.0)
        self.peer.publish_map(self.grid)
        self.peer.spin(2.0 + side / 1000)

    def memory_mb(self) -> tuple[float, float]:
        """Resident now, and at most so far."""
        lines = pathlib.Path(f"/proc/{self.node.process.pid}/status").read_text().splitlines()
        values = dict(line.split(":", 1) for line in lines)
        rss, most = (int(values[key].split()[0]) * 1024 / 1e6 for key in ("VmRSS", "VmHWM"))
        return rss, most

    def plans(self, action) -> tuple[float, list[Status]]:
        """Does something, and gives the time and the plans after it."""
        mark, seen = self.peer.now(), len(self.peer.statuses)
        action()
        self.peer.spin(SHOWN + self.grid.state.shape[0] / 2000)
        return mark, [s for s in self.peer.statuses[seen:] if s.is_plan and s.stamp > mark]

    def close(self) -> None:
        self.node.stop()
        self.peer.close()


def grow(bench: Bench, cells: int, shift: float) -> dict:
    side, at = bench.grid.state.shape[0], int(shift)
    state = np.full((side + cells, side + cells), worlds.UNKNOWN, np.uint8)
    state[at:at + side, at:at + side] = bench.grid.state
    origin = -shift * worlds.RESOLUTION
    grown = dataclasses.replace(bench.grid, state=state, origin=(origin, origin, 0.0))
    message = worlds.grid_message(grown, bench.peer.stamp())
    bench.peer.spin(0.3)
    _, plans = bench.plans(lambda: bench.peer.map.publish(message))
    times = [plan.stamp for plan in plans if plan.has_path]
    gap = float(np.diff(times).max()) if len(times) > 1 else float("inf")
    without = len(plans) - len(times)
    print(f"{side} cells grow by {cells}, the old ones lie at {shift}: {len(plans)} plans, {without} without a path, "
          f"at most {gap * 1e3:.0f} ms from path to path")
    return {"side": side, "grown": cells, "shift": shift, "plans": len(plans), "without": without, "gap_ms": gap * 1e3}


def go(bench: Bench, goal: worlds.Pose) -> dict:
    mark, plans = bench.plans(lambda: bench.peer.send_goal(goal))
    first = next((plan for plan in plans if plan.has_path), None)
    whole = next((plan for plan in plans if plan.guidance == "classical"), None)
    rss, most = bench.memory_mb()
    after = (first.stamp - mark) * 1e3 if first else float("inf")
    print(f"{bench.grid.state.shape[0]} cells, new goal: first path after {after:.0f} ms "
          f"({first.guidance if first else '-'}); guidance over the whole map took "
          f"{whole.guidance_ms if whole else '-'} ms; memory {rss:.0f} MB, at most {most:.0f}")
    return {"side": bench.grid.state.shape[0], "first_path_ms": after, "guidance": first and first.guidance,
            "whole_guidance_ms": whole.guidance_ms if whole else None, "rss_mb": rss, "most_mb": most}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench")
    arguments = parser.parse_args()
    context = rclpy.Context()
    rclpy.init(context=context)
    figures: dict[str, list] = {"growth": [], "goals": []}
    bench = Bench(context, 2000)
    end = 2000 * worlds.RESOLUTION - 3.0
    bench.plans(lambda: bench.peer.send_goal((end, end, 0.0)))
    figures["growth"] = [grow(bench, cells, shift) for cells, shift in GROWTH]
    bench.close()
    for side in (4000, 6000):
        bench = Bench(context, side)
        end = side * worlds.RESOLUTION - 3.0
        figures["goals"] += [go(bench, goal) for goal in [(end, end, 0.0), (end, 3.0, 0.0), (end / 2, 3.0, 0.0)]]
        bench.close()
    context.shutdown()
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "large_maps.json"
    file.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"written: {file}")


if __name__ == "__main__":
    main()
