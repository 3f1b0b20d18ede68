"""The bench's end of the graph: sends goals and moving obstacles, and records what the node says of each plan."""

import collections
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

import path_bytes
from scene import Pose

STAGES = ("encode", "recurse", "decode", "verify", "smooth", "fallback", "publish")


def number(values: dict[str, str], key: str) -> float:
    """A number of the node's; 0 for what it doesn't know."""
    return float(values.get(key) or 0.0)


def tick(values: dict[str, str], received_us: float | None) -> dict:
    """One plan as `trm bench` knows it, from the values of `~/status`."""
    whole = lambda key: int(number(values, key))  # noqa: E731
    return {
        "id": whole("plan_id"), "result": values["result"], "source": values["source"], "stop": values["stop"],
        "steps": whole("steps"), "applications": whole("applications"), "warm": values["warm"] == "true",
        "share": number(values, "share"), "total_us": round(1e3 * number(values, "total_ms"), 1),
        "margin_us": round(1e3 * number(values, "margin_ms"), 1),
        "stages_us": {stage: number(values, f"{stage}_us") for stage in STAGES},
        "wake_us": number(values, "wake_us"), "page_faults": whole("page_faults"), "allocations": whole("allocations"),
        "voluntary_switches": whole("voluntary_switches"), "involuntary_switches": whole("involuntary_switches"),
        "received_us": received_us, "length_m": number(values, "length_m"),
    }


class Recorder(Node):
    def __init__(self, planner: str):
        """`planner` is the node's name, below which its `~/status` is."""
        super().__init__("bench")
        self.robot: Pose | None = None
        self.inputs = "no /diagnostics of the node"  # what the node is missing, by its own words
        self.overruns = 0
        self.last_result = "nothing"
        self.goal_reached = False
        self.path: np.ndarray | None = None
        self.path_received = -math.inf
        self.ticks: list[dict] = []
        self.recording = False
        # Of each plan by its stamp: when it came, in ROS time. Plan and status come on two topics.
        self.arrivals: collections.OrderedDict[int, float] = collections.OrderedDict()
        self.executor_ = SingleThreadedExecutor()
        self.executor_.add_node(self)
        latched = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE,
                             durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.goal = self.create_publisher(PoseStamped, "goal_pose", 10)
        self.updates = self.create_publisher(OccupancyGridUpdate, "map_updates", latched)
        self.create_subscription(Path, "plan", self.on_plan, 100, raw=True)
        self.create_subscription(DiagnosticArray, f"{planner}/status", self.on_status, 1000)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.on_diagnostics, 10)
        self.create_subscription(PoseStamped, "ground_truth", self.on_truth, 10)

    def on_plan(self, raw: bytes) -> None:
        now = self.get_clock().now().nanoseconds
        stamp, self.path = path_bytes.parse(raw)
        self.path_received = time.monotonic()
        self.arrivals[round(stamp * 1e6)] = (now - stamp * 1e9) / 1e3
        if len(self.arrivals) > 1000:
            self.arrivals.popitem(last=False)

    def on_status(self, msg: DiagnosticArray) -> None:
        values = {value.key: value.value for value in msg.status[0].values}
        self.last_result = values["result"]
        if values["plan_id"] == "0":
            # News of a goal, not of a plan.
            self.goal_reached |= values["result"] == "GOAL_REACHED"
        elif self.recording:
            stamp = msg.header.stamp
            after = self.arrivals.get(round((stamp.sec + stamp.nanosec * 1e-9) * 1e6))
            before = 1e3 * number(values, "total_ms") - number(values, "publish_us")
            self.ticks.append(tick(values, None if after is None else round(before + after, 1)))

    def on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            values = {value.key: value.value for value in status.values}
            if status.name.endswith(": inputs"):
                self.inputs = "" if status.level == DiagnosticStatus.OK else status.message
            elif status.name.endswith(": planner"):
                self.overruns = int(values["overruns"])

    def on_truth(self, msg: PoseStamped) -> None:
        orientation = msg.pose.orientation
        self.robot = (msg.pose.position.x, msg.pose.position.y, 2.0 * math.atan2(orientation.z, orientation.w))

    def graph_complete(self) -> bool:
        """Whether everybody is there and connected, and the node has a map and knows where the robot is."""
        return (self.robot is not None and not self.inputs and self.goal.get_subscription_count() > 0
                and self.updates.get_subscription_count() > 0 and self.count_publishers("plan") > 0
                and self.count_subscribers("plan") > 1 and self.count_publishers("map") > 0)

    def send_goal(self, pose: Pose) -> None:
        self.goal_reached = False
        msg = PoseStamped()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.pose.position.x, msg.pose.position.y = pose[:2]
        msg.pose.orientation.z, msg.pose.orientation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
        self.goal.publish(msg)

    def send_update(self, col: int, row: int, width: int, height: int, values: bytes) -> None:
        msg = OccupancyGridUpdate()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.x, msg.y, msg.width, msg.height = col, row, width, height
        msg.data.frombytes(values)
        self.updates.publish(msg)

    def spin(self, seconds: float) -> None:
        self.executor_.spin_once(timeout_sec=seconds)

    def close(self) -> None:
        self.executor_.shutdown()
        self.destroy_node()
