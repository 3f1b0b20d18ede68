"""A user of trm_node: sends goals and changes of the map, and knows from `/diagnostics` what the node is missing."""

import math

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Point32, PolygonStamped, PoseStamped
from map_msgs.msg import OccupancyGridUpdate
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from scene import Pose


def yaw_of(orientation) -> float:
    return 2.0 * math.atan2(orientation.z, orientation.w)


class User(Node):
    def __init__(self, name: str):
        super().__init__(name)
        self.inputs = "no /diagnostics of the node"  # what the node is missing, by its own words
        self.robot: Pose | None = None  # the true one
        self.executor_ = SingleThreadedExecutor()
        self.executor_.add_node(self)
        latched = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE,
                             durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.goal = self.create_publisher(PoseStamped, "goal_pose", 10)
        self.footprint = self.create_publisher(PolygonStamped, "footprint", 1)
        self.updates = self.create_publisher(OccupancyGridUpdate, "map_updates", latched)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.on_diagnostics, 10)
        self.create_subscription(PoseStamped, "ground_truth", self.on_truth, 1000)

    def on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.endswith(": inputs"):
                self.inputs = "" if status.level == DiagnosticStatus.OK else status.message

    def on_truth(self, msg: PoseStamped) -> None:
        self.robot = (msg.pose.position.x, msg.pose.position.y, yaw_of(msg.pose.orientation))

    def spin(self, seconds: float) -> None:
        self.executor_.spin_once(timeout_sec=seconds)

    def graph_complete(self) -> bool:
        """Whether everybody is there and connected, and the node has a map and knows where the robot is."""
        return (self.robot is not None and not self.inputs and self.goal.get_subscription_count() > 0
                and self.updates.get_subscription_count() > 0
                and self.count_publishers("plan") > 0 and self.count_subscribers("plan") > 1
                and self.count_publishers("map") > 0)

    def send_goal(self, pose: Pose) -> None:
        msg = PoseStamped()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.pose.position.x, msg.pose.position.y = pose[:2]
        msg.pose.orientation.z, msg.pose.orientation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
        self.goal.publish(msg)

    def send_update(self, col: int, row: int, width: int, height: int, values: bytes) -> None:
        """Changes a rectangle of the map; `values` are row-major."""
        msg = OccupancyGridUpdate()
        msg.header.frame_id, msg.header.stamp = "map", self.get_clock().now().to_msg()
        msg.x, msg.y, msg.width, msg.height = col, row, width, height
        msg.data.frombytes(values)
        self.updates.publish(msg)

    def send_footprint(self, corners) -> None:
        msg = PolygonStamped()
        msg.header.frame_id, msg.header.stamp = "base_link", self.get_clock().now().to_msg()
        msg.polygon.points = [Point32(x=x, y=y) for x, y in corners]
        self.footprint.publish(msg)

    def close(self) -> None:
        self.executor_.shutdown()
        self.destroy_node()
