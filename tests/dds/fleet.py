#!/usr/bin/env python3
"""Several robots in one domain, each with a planner in a namespace of its own, on one `/map` and one `/tf`.

Their frames have prefixes (`robot1/base_link`). As a program it lets them drive to random goals and prints what each
planner needed; exit code 0 when no plan was another robot's.
"""

import argparse
import collections
import contextlib
import dataclasses
import math
import pathlib
import sys
import tempfile
import time

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Path
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

import worlds
from peer import LATCHED
from process import BINARY, NodeProcess

sys.path += [str(worlds.ROOT / "tools/demo"), str(worlds.ROOT / "tools/bench")]
import path_bytes  # noqa: E402
import plan_status  # noqa: E402
import scene  # noqa: E402
import usage  # noqa: E402
from robot import ODOM_IN_MAP, in_frame, transform  # noqa: E402

TICK = 0.02
SPEED = 0.7
# Goals are at least so far away, in metres.
DISTANCE = 3.0
REACHED = 0.1
# How old the pose may be that a plan starts at, in seconds, and how far a plan may begin and end from where it should,
# in metres: two cells, and `tolerance` with one.
RECENT, OFF_START, OFF_GOAL = 0.5, 0.1, 0.55


@dataclasses.dataclass
class Robot:
    """One of the fleet: it follows its plans exactly."""

    name: str
    place: np.ndarray
    yaw: float = 0.0
    path: np.ndarray | None = None
    goal: np.ndarray | None = None
    # (time, point), newest last.
    trail: collections.deque = dataclasses.field(default_factory=lambda: collections.deque(maxlen=200))
    goals: collections.deque = dataclasses.field(default_factory=lambda: collections.deque(maxlen=2))
    plans: int = 0
    reached: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)
    statuses: list[plan_status.Status] = dataclasses.field(default_factory=list)

    def step(self, dt: float) -> None:
        left = SPEED * dt
        while self.path is not None and len(self.path) and left > 0.0:
            way = self.path[0] - self.place
            length = math.hypot(*way)
            if length > left:
                self.place, self.yaw, left = self.place + way * left / length, math.atan2(way[1], way[0]), 0.0
            else:
                self.place, self.path, left = self.path[0], self.path[1:], left - length
        self.trail.append((time.time(), self.place))

    def take(self, stamp: float, path: np.ndarray, frame: str) -> None:
        """Follows the plan, and says whose it is if it isn't this robot's."""
        if len(path) < 2 or self.goal is None:
            return
        self.plans += 1
        recent = [point for when, point in self.trail if stamp - RECENT <= when]
        off = min((math.dist(path[0], point) for point in recent), default=0.0)
        # One that was under way when the goal changed is for the goal before.
        goals = [goal for when, goal in self.goals if when <= stamp]
        missed = min((math.dist(path[-1], goal) for goal in goals), default=0.0)
        if off > OFF_START or missed > OFF_GOAL or frame != "map":
            self.faults.append(f"a plan of {self.name} in frame {frame} begins {off:.2f} m from it and ends "
                               f"{missed:.2f} m from its goal")
        if goals and math.dist(path[-1], self.goal) <= OFF_GOAL:
            # The robot went on since the plan was made.
            nearest = int(np.hypot(*(path - self.place).T).argmin())
            self.path = path[min(nearest + 1, len(path) - 1):]


class Fleet:
    def __init__(self, context, folder: pathlib.Path, grid: worlds.Map, count: int = 4, parameters: dict | None = None,
                 seed: int = 1):
        self.rng, self.grid = np.random.default_rng(seed), grid
        radius = (parameters or {}).get("robot_radius", worlds.RADIUS)
        free = scene.largest_room(worlds.inflate(grid, radius)) & worlds.inflate(grid, radius + 0.1)
        self.points = np.array([grid.to_metres(col + 0.5, row + 0.5) for row, col in np.argwhere(free)])
        self.node = rclpy.create_node("fleet", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.tf = self.node.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.map = self.node.create_publisher(OccupancyGrid, "/map", LATCHED)
        self.robots: list[Robot] = []
        self.nodes: list[NodeProcess] = []
        self.goal_topics = {}
        shared = {"map": "/map", "map_updates": "/map_updates", "/tf": "/tf", "/tf_static": "/tf_static"}
        for number in range(1, count + 1):
            robot = Robot(f"robot{number}", self.points[self.rng.integers(len(self.points))])
            self._connect(robot)
            (folder / robot.name).mkdir()
            own = (parameters or {}) | {"robot_base_frame": f"{robot.name}/base_link"}
            self.nodes.append(NodeProcess(folder / robot.name, own, f"/{robot.name}", remaps=shared))
            self.robots.append(robot)
        self.timer = self.node.create_timer(TICK, self._tick)

    def _connect(self, robot: Robot) -> None:
        def on_plan(raw: bytes) -> None:
            stamp, poses = path_bytes.parse(raw)
            robot.take(stamp, poses[:, :2], "map" if raw[12:20] == b"\x04\0\0\0map\0" else "another")
        self.node.create_subscription(Path, f"/{robot.name}/plan", on_plan, 100, raw=True)
        plan_status.listen(self.node, f"/{robot.name}/trm_node", lambda status: self._on_status(robot, status))
        self.goal_topics[robot.name] = self.node.create_publisher(PoseStamped, f"/{robot.name}/goal_pose", 10)

    def _on_status(self, robot: Robot, status: plan_status.Status) -> None:
        if status.is_plan:
            robot.statuses.append(status)

    def _tick(self) -> None:
        stamp = self.node.get_clock().now().to_msg()
        transforms = []
        for robot in self.robots:
            robot.step(TICK)
            local = in_frame(ODOM_IN_MAP, (*robot.place, robot.yaw))
            transforms += [transform("map", f"{robot.name}/odom", ODOM_IN_MAP, stamp),
                           transform(f"{robot.name}/odom", f"{robot.name}/base_link", local, stamp)]
            if robot.goal is not None and math.dist(robot.place, robot.goal) < REACHED:
                robot.reached += 1
                self.send_goal(robot)
        self.tf.publish(TFMessage(transforms=transforms))

    def send_goal(self, robot: Robot) -> None:
        far = self.points[np.hypot(*(self.points - robot.place).T) > DISTANCE]
        robot.goal = far[self.rng.integers(len(far))]
        msg = PoseStamped()
        msg.header.frame_id, msg.header.stamp = "map", self.node.get_clock().now().to_msg()
        msg.pose.position.x, msg.pose.position.y = (float(v) for v in robot.goal)
        msg.pose.orientation.w = 1.0
        robot.goals.append((time.time(), robot.goal))
        robot.path = None
        self.goal_topics[robot.name].publish(msg)

    def spin(self, seconds: float, done=lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)
            if done():
                return True
        return False

    def begin(self) -> None:
        """Everybody is there, knows the map, and has a goal."""
        everybody = lambda: (self.map.get_subscription_count() >= len(self.robots)  # noqa: E731
                             and all(p.get_subscription_count() for p in self.goal_topics.values()))
        assert self.spin(60.0, everybody), "the planners didn't come"
        self.map.publish(worlds.grid_message(self.grid, self.node.get_clock().now().to_msg()))
        for robot in self.robots:
            self.send_goal(robot)
        assert self.spin(30.0, lambda: all(r.plans for r in self.robots)), f"no plan for {self.without_plan()}"

    def without_plan(self) -> list[str]:
        return [robot.name for robot in self.robots if not robot.plans]

    def close(self) -> None:
        """Ends all; every node has to end cleanly."""
        with contextlib.ExitStack() as all_of_them:
            all_of_them.callback(self.node.destroy_node)
            all_of_them.callback(self.executor.shutdown)
            for node in self.nodes:
                all_of_them.callback(end, node)

    def measure(self, seconds: float) -> list[dict]:
        """Drives for so long; gives what each planner did and needed meanwhile."""
        before = [usage.read(node.pid) for node in self.nodes]
        for robot in self.robots:
            robot.plans, robot.reached = 0, 0
            robot.statuses.clear()
        self.spin(seconds)
        return [figures(robot, seconds) | usage.between(first, usage.read(node.pid))
                for robot, node, first in zip(self.robots, self.nodes, before)]


def figures(robot: Robot, seconds: float) -> dict:
    total = sorted(status.total_ms for status in robot.statuses) or [math.nan]
    sources = collections.Counter(status.source for status in robot.statuses)
    return {"robot": robot.name, "plans_per_s": round(len(robot.statuses) / seconds, 1), "paths": robot.plans,
            "goals_reached": robot.reached, "foreign": len(robot.faults), "fallback": sources["fallback"],
            "none": sources["NONE"], "missed": sum(status.missed for status in robot.statuses),
            "p50_ms": round(total[len(total) // 2], 2), "p99_ms": round(total[int(0.99 * (len(total) - 1))], 2)}


def end(node: NodeProcess) -> None:
    code = node.stop()
    assert code == 0, f"exit code {code} after SIGINT; the node's log:\n{node.log}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=pathlib.Path, default=worlds.ROOT / "tests/maps/pal_office/map.yaml")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--robots", type=int, default=4)
    arguments = parser.parse_args()
    context = rclpy.Context()
    rclpy.init(context=context)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        grid = worlds.load(arguments.map)
        fleet = Fleet(context, pathlib.Path(folder), grid, arguments.robots, {"robot_radius": 0.3})
        stack.callback(fleet.close)
        fleet.begin()
        rows = fleet.measure(60.0 * arguments.minutes)
        faults = [fault for robot in fleet.robots for fault in robot.faults]
    context.try_shutdown()
    print(f"{arguments.robots} robots, {BINARY.parent.name} node, {arguments.minutes:g} minutes")
    columns = [name for name in rows[0] if "switches" not in name]
    for line in (columns, *([row[name] for name in columns] for row in rows)):
        print("  ".join(f"{str(value):>13}" for value in line))
    for fault in faults[:10]:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
