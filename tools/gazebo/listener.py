"""The run's own end of the graph: it manages the planner, sends goals, and hears and records what everybody says."""

import math

import imports  # noqa: F401, I001

import numpy as np
from geometry_msgs.msg import PoseStamped, Twist
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Path
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import LaserScan
from std_msgs.msg import UInt8MultiArray
from tf2_msgs.msg import TFMessage
from trm_msgs.msg import PlannerState, PlanStatus

import path_bytes
from drive import Pose
from peer import LATCHED, seconds
from plan_status import Status
from recording import Recording

PLANNER = "trm_node"
# So many messages are taken before Gazebo is heard again.
AT_ONCE = 4
# Topics, their types, how they are heard, and the least time between two that are recorded, in seconds.
TOPICS = [
    ("map", OccupancyGrid, LATCHED, 1.0),
    ("map_updates", OccupancyGridUpdate, QoSProfile(depth=100), 0.0),
    ("plan", Path, QoSProfile(depth=100), 0.25),
    (f"{PLANNER}/status", PlanStatus, QoSProfile(depth=1000), 0.0),
    (f"{PLANNER}/state", PlannerState, LATCHED, 0.0),
    # Of a node with record_plans: all entries since it started.
    (f"{PLANNER}/plan_log", UInt8MultiArray, QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL), 0.0),
    ("goal_pose", PoseStamped, QoSProfile(depth=10), 0.0),
    ("scan", LaserScan, qos_profile_sensor_data, 1.0),
    ("cmd_vel", Twist, QoSProfile(depth=10), 0.1),
    ("/tf", TFMessage, QoSProfile(depth=100), 0.1),
    ("/tf_static", TFMessage, LATCHED, 0.0),
]


class Listener(Node):
    def __init__(self, recording: Recording):
        super().__init__("gazebo_run")
        self.recording = recording
        self.now = 0.0  # in the world
        self.plans: list[tuple[float, np.ndarray]] = []  # stamp, poses; not yet looked at
        self.statuses: list[Status] = []  # not yet looked at
        self.rectangles: list[tuple[float, int, int, np.ndarray]] = []  # published of the map, not yet looked at
        self.grid: OccupancyGrid | None = None
        self.state: PlannerState | None = None
        self.maps: list[tuple[float, int, int, float, float]] = []  # stamp, width, height, origin, of each other size
        self.executor_ = SingleThreadedExecutor()
        self.executor_.add_node(self)
        self.goal = self.create_publisher(PoseStamped, "goal_pose", 10)
        self.lifecycle = self.create_client(ChangeState, f"{PLANNER}/change_state")
        for topic, kind, profile, period in TOPICS:
            self.create_subscription(kind, topic, self._taker(topic, kind, period), profile, raw=True)

    def close(self) -> None:
        self.executor_.shutdown()
        self.destroy_node()

    def spin(self) -> None:
        """Waits a little for what others say, and takes some more of it if it has piled up."""
        for number in range(AT_ONCE):
            self.executor_.spin_once(timeout_sec=0.0 if number else 0.004)

    def _taker(self, topic: str, kind: type, period: float):
        full_name = topic if topic[0] == "/" else f"/{topic}"
        package, name = kind.__module__.partition(".")[0], kind.__name__
        handle = {OccupancyGrid: self._on_grid, OccupancyGridUpdate: self._on_update, Path: self._on_plan,
                  PlanStatus: self._on_status, PlannerState: self._on_state}.get(kind)

        def take(raw: bytes) -> None:
            self.recording.take(full_name, f"{package}/msg/{name}", raw, self.now, period)
            if handle:
                handle(raw)
        return take

    def _on_grid(self, raw: bytes) -> None:
        grid = self.grid = deserialize_message(raw, OccupancyGrid)
        info, stamp = grid.info, seconds(grid.header.stamp)
        place = info.width, info.height, info.origin.position.x, info.origin.position.y
        if not self.maps or self.maps[-1][1:] != place:
            self.maps.append((stamp, *place))
        self.rectangles.append((stamp, 0, 0, np.array(grid.data, np.int8).reshape(info.height, info.width)))

    def _on_update(self, raw: bytes) -> None:
        update = deserialize_message(raw, OccupancyGridUpdate)
        values = np.array(update.data, np.int8).reshape(update.height, update.width)
        self.rectangles.append((seconds(update.header.stamp), update.x, update.y, values))

    def _on_plan(self, raw: bytes) -> None:
        self.plans.append(path_bytes.parse(raw))

    def _on_status(self, raw: bytes) -> None:
        self.statuses.append(Status(deserialize_message(raw, PlanStatus)))

    def _on_state(self, raw: bytes) -> None:
        self.state = deserialize_message(raw, PlannerState)

    def missing(self) -> str:
        """What is still missing before anything can be planned."""
        if self.state is None:
            return f"{PLANNER} has told nothing of its state"
        if self.state.lifecycle_state != PlannerState.ACTIVE:
            return f"{PLANNER} isn't active"
        return "; ".join(self.state.missing)

    def ask_for(self, transition: int):
        """The future answer of the planner's lifecycle to a transition."""
        return self.lifecycle.call_async(ChangeState.Request(transition=Transition(id=transition)))

    def send_goal(self, pose: Pose) -> None:
        message = PoseStamped()
        message.header.frame_id = "map"
        sec, nanosec = divmod(round(self.now * 1e9), 10**9)
        message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
        message.pose.position.x, message.pose.position.y = pose[:2]
        message.pose.orientation.z, message.pose.orientation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
        self.goal.publish(message)
