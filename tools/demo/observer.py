"""The demo's own end of the graph: sends goals and the obstacle, and records plans, statuses and the robot's way."""

import dataclasses
import math
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import Path
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from scene import Obstacle, Pose


@dataclasses.dataclass
class Plan:
    """A published path. `received` is on this process's monotonic clock."""

    received: float
    poses: np.ndarray

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.poses[:, :2], axis=0).T).sum())


@dataclasses.dataclass
class Status:
    """What the node says of one plan: all values as text."""

    received: float
    values: dict[str, str]

    def number(self, key: str) -> float:
        return float(self.values[key])

    @property
    def is_path(self) -> bool:
        return self.values["result"] == "SUCCEEDED"


def yaw_of(orientation) -> float:
    return 2.0 * math.atan2(orientation.z, orientation.w)


class Observer(Node):
    def __init__(self, planner: str):
        """`planner` is the node's name, below which its `~/status` is."""
        super().__init__("demo")
        self.plans: list[Plan] = []
        self.statuses: list[Status] = []
        self.inputs = "no /diagnostics of the node"  # what the node is missing, by its own words
        self.way: list[tuple[float, float, float, float]] = []  # received, x, y, yaw
        self.executor_ = SingleThreadedExecutor()
        self.executor_.add_node(self)
        latched = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE,
                             durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.goal = self.create_publisher(PoseStamped, "goal_pose", 10)
        self.updates = self.create_publisher(OccupancyGridUpdate, "map_updates", latched)
        self.create_subscription(Path, "plan", self.on_plan, 100)
        self.create_subscription(DiagnosticArray, f"{planner}/status", self.on_status, 1000)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.on_diagnostics, 10)
        self.create_subscription(PoseStamped, "ground_truth", self.on_truth, 1000)

    def on_plan(self, msg: Path) -> None:
        poses = [(p.pose.position.x, p.pose.position.y, yaw_of(p.pose.orientation)) for p in msg.poses]
        self.plans.append(Plan(time.monotonic(), np.array(poses)))

    def on_status(self, msg: DiagnosticArray) -> None:
        values = {value.key: value.value for value in msg.status[0].values}
        # Without a number: news of a goal, not of a plan.
        if values["plan_id"] != "0":
            self.statuses.append(Status(time.monotonic(), values))

    def on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.endswith(": inputs"):
                self.inputs = "" if status.level == DiagnosticStatus.OK else status.message

    def on_truth(self, msg: PoseStamped) -> None:
        self.way.append((time.monotonic(), msg.pose.position.x, msg.pose.position.y, yaw_of(msg.pose.orientation)))

    def plans_with_sources(self) -> list[tuple[Plan, str]]:
        """Plans and statuses come in the same order, one status with a path for each plan."""
        return list(zip(self.plans, (s.values["source"] for s in self.statuses if s.is_path)))

    @property
    def robot(self) -> Pose:
        return self.way[-1][1:]

    def last_word(self) -> str:
        """What the node is missing, or how its last plan went."""
        return self.inputs or (self.statuses[-1].values["result"] if self.statuses else "nothing")

    def spin(self, seconds: float) -> None:
        self.executor_.spin_once(timeout_sec=seconds)

    def graph_complete(self) -> bool:
        """Whether everybody is there and connected, and the node has a map and knows where the robot is."""
        return (bool(self.way) and not self.inputs and self.goal.get_subscription_count() > 0
                and self.updates.get_subscription_count() > 0
                and self.count_publishers("plan") > 0 and self.count_subscribers("plan") > 1
                and self.count_publishers("map") > 0)

    def send_goal(self, pose: Pose) -> None:
        msg = PoseStamped()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.pose.position.x, msg.pose.position.y = pose[:2]
        msg.pose.orientation.z, msg.pose.orientation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
        self.goal.publish(msg)

    def drop(self, obstacle: Obstacle) -> float:
        """Puts the obstacle on the map and gives the moment."""
        msg = OccupancyGridUpdate()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.x, msg.y, msg.width, msg.height = obstacle.col, obstacle.row, obstacle.side, obstacle.side
        msg.data = [100] * obstacle.side ** 2
        now = time.monotonic()
        self.updates.publish(msg)
        return now

    def close(self) -> None:
        self.executor_.shutdown()
        self.destroy_node()
