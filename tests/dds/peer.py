"""The other end of the graph: a robot's map server, localisation and user, in rclpy."""

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TransformStamped
from lifecycle_msgs.srv import GetState
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from tf2_msgs.msg import TFMessage
from trm_msgs.msg import PlannerState, PlanStatus

import worlds
from plan_status import RESULTS, Status
from process import NodeProcess
from worlds import Pose

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Waiting ends at once when what is waited for comes; this long a busy machine may take.
PATIENCE = 30.0


@dataclasses.dataclass
class Plan:
    msg: Path
    stamp: float  # seconds of ROS time
    poses: np.ndarray  # [n, 3]: x, y, yaw

    def ends_at(self, goal: Pose) -> bool:
        return math.dist(self.poses[-1, :2], goal[:2]) < 1e-6

    def starts_near(self, pose: Pose) -> bool:
        return math.dist(self.poses[0, :2], pose[:2]) <= worlds.RESOLUTION

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.poses[:, :2], axis=0).T).sum())


def seconds(stamp) -> float:
    return stamp.sec + stamp.nanosec * 1e-9


class Peer:
    """Publishes what the node needs, collects what it says. Spins only while it waits."""

    def __init__(self, context, namespace: str = "", planner: str = "trm_node", remaps: dict[str, str] | None = None):
        name = lambda topic: (remaps or {}).get(topic, topic)  # noqa: E731
        self.node = rclpy.create_node("peer", namespace=namespace, context=context)
        self.planner = f"{namespace}/{planner}"
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.plans: list[Plan] = []
        self.statuses: list[Status] = []
        self.states: list[PlannerState] = []
        self.diagnostics: list[tuple[float, DiagnosticStatus]] = []
        # What the 50 Hz timer publishes: the robot's pose on TF, or on `odom`, or nothing.
        self.pose: Pose | None = None
        self.pose_on = "tf"
        self.pose_age = 0.0
        publish = self.node.create_publisher
        self.map = publish(OccupancyGrid, name("map"), LATCHED)
        self.map_updates = publish(OccupancyGridUpdate, name("map_updates"), 10)
        self.costmap = publish(OccupancyGrid, name("costmap"), LATCHED)
        self.costmap_updates = publish(OccupancyGridUpdate, name("costmap_updates"), LATCHED)
        self.goal = publish(PoseStamped, name("goal_pose"), 10)
        # Nav2 remaps a robot's /tf into its namespace.
        self.tf = publish(TFMessage, "tf" if namespace else "/tf", 100)
        self.odom = publish(Odometry, name("odom"), 10)
        listen = self.node.create_subscription
        listen(Path, name("plan"), self._on_plan, 100)
        listen(PlanStatus, f"{self.planner}/status", lambda msg: self.statuses.append(Status(msg)), 1000)
        listen(PlannerState, f"{self.planner}/state", self.states.append, LATCHED)
        listen(DiagnosticArray, "/diagnostics", self._on_diagnostics, 1000)
        self.timer = self.node.create_timer(0.02, self._publish_pose)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()

    # --- Time ---

    def now(self) -> float:
        return self.node.get_clock().now().nanoseconds * 1e-9

    def stamp(self, age: float = 0.0):
        return Time(nanoseconds=self.node.get_clock().now().nanoseconds - round(age * 1e9)).to_msg()

    def spin(self, duration: float) -> None:
        """Lets time pass; never longer than needed to see that something doesn't happen."""
        end = time.monotonic() + duration
        while (left := end - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=min(left, 0.05))

    def wait(self, condition: Callable[[], object], what: str, patience: float = PATIENCE):
        """Spins until the condition gives something true, and gives that."""
        end = time.monotonic() + patience
        while not (found := condition()):
            if time.monotonic() > end:
                last = self.statuses[-1] if self.statuses else None
                raise AssertionError(f"waited {patience} s for {what}; {len(self.plans)} plans, last status: {last}")
            self.executor.spin_once(timeout_sec=0.05)
        return found

    # --- What comes in ---

    def _on_plan(self, msg: Path) -> None:
        poses = [(p.pose.position.x, p.pose.position.y, worlds.yaw_of(p.pose.orientation)) for p in msg.poses]
        self.plans.append(Plan(msg, seconds(msg.header.stamp), np.array(poses).reshape(-1, 3)))

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        self.diagnostics += [(seconds(msg.header.stamp), status) for status in msg.status]

    # --- What goes out ---

    def _publish_pose(self) -> None:
        if self.pose is None:
            return
        x, y, yaw = self.pose
        if self.pose_on == "tf":
            self.publish_tf("map", "base_link", self.pose, self.pose_age)
        else:
            msg = Odometry()
            msg.header.frame_id, msg.header.stamp, msg.child_frame_id = "map", self.stamp(self.pose_age), "base_link"
            msg.pose.pose.position.x, msg.pose.pose.position.y = x, y
            msg.pose.pose.orientation = worlds.quaternion(yaw)
            self.odom.publish(msg)

    def publish_tf(self, parent: str, child: str, pose: Pose, age: float = 0.0, stamp=None) -> None:
        msg = TransformStamped()
        msg.header.frame_id, msg.header.stamp, msg.child_frame_id = parent, stamp or self.stamp(age), child
        msg.transform.translation.x, msg.transform.translation.y = pose[:2]
        msg.transform.rotation = worlds.quaternion(pose[2])
        self.tf.publish(TFMessage(transforms=[msg]))

    def publish_map(self, grid: worlds.Map) -> None:
        self.map.publish(worlds.grid_message(grid, self.stamp()))

    def send_goal(self, pose: Pose, frame: str = "map", age: float | None = 0.0) -> float:
        """With a stamp of so many seconds ago; None for a stamp of zero. Returns the stamp."""
        msg = PoseStamped()
        msg.header.frame_id = frame
        if age is not None:
            msg.header.stamp = self.stamp(age)
        msg.pose.position.x, msg.pose.position.y = pose[:2]
        msg.pose.orientation = worlds.quaternion(pose[2])
        self.goal.publish(msg)
        return seconds(msg.header.stamp)

    def ask(self, pose: Pose, goal: Pose) -> None:
        """The robot is at `pose` and shall go to `goal`."""
        self.pose = pose
        self._publish_pose()
        self.send_goal(goal)

    # --- What is waited for ---

    def connect(self, node: NodeProcess) -> None:
        """Waits until the node is there with all its ends of the topics, and knows those of this peer."""
        listened = [s.topic_name for s in self.node.subscriptions]

        def connected() -> bool:
            assert node.is_running, f"the node ended with exit code {node.process.returncode}:\n{node.log}"
            # The goal is the one that is sent once and not kept for late listeners.
            return self.goal.get_subscription_count() > 0 and all(self.node.count_publishers(t) for t in listened)
        self.wait(connected, "the node's topics")
        # What the node says before it knows who listens is lost. It learns of the ends of this process in the order in which
        # they were made, so an answer to the last one tells that it knows them all.
        last = self.node.create_client(GetState, f"{self.planner}/get_state")
        self.wait(last.service_is_ready, "the service get_state")
        answer = last.call_async(GetState.Request())
        self.wait(answer.done, "an answer of get_state")
        self.node.destroy_client(last)

    def plan_to(self, pose: Pose, goal: Pose, count: int = 1) -> list[Plan]:
        """Asks, and waits for so many plans from there to there."""
        mark = self.now()
        self.ask(pose, goal)
        return self.plans_after(mark, lambda p: p.ends_at(goal) and p.starts_near(pose), count)

    def plans_after(self, mark: float, fits: Callable[[Plan], bool], count: int = 1) -> list[Plan]:
        def found() -> list[Plan] | None:
            fitting = [p for p in self.plans if p.stamp >= mark and fits(p)]
            return fitting if len(fitting) >= count else None
        return self.wait(found, f"{count} plans")

    def status_after(self, mark: float, fits: Callable[[Status], bool], what: str) -> Status:
        return self.wait(lambda: next((s for s in self.statuses if s.stamp >= mark and fits(s)), None), what)

    def result(self, name: str, mark: float) -> Status:
        """Waits for a status with this result."""
        assert name in RESULTS.values()
        return self.status_after(mark, lambda s: s.result == name, f"a status with result {name}")

    def expect_no_plan(self, since: float, more: int = 4) -> None:
        """Watches the next few statuses: none comes with a path since then."""
        count = len(self.statuses)
        self.wait(lambda: len(self.statuses) >= count + more, f"{more} more statuses")
        late = [p for p in self.plans if p.stamp > since]
        assert not late, f"{len(late)} plans in spite of {self.statuses[-1]}"

    def inputs(self, text: str, mark: float) -> DiagnosticStatus:
        """Waits until the diagnostics of the node's inputs say this, in the message or in a value."""
        def found() -> DiagnosticStatus | None:
            for stamp, status in self.diagnostics:
                whole = " | ".join([status.message, *(f"{v.key}: {v.value}" for v in status.values)])
                if stamp >= mark and status.name == f"{self.planner}: inputs" and text in whole:
                    return status
            return None
        return self.wait(found, f"diagnostics of the inputs with \"{text}\"")
