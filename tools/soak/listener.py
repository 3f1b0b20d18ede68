"""Listens to every topic around the node, as bytes, and does nothing with them, until SIGINT."""

import sys

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rcl_interfaces.msg import Log, ParameterEvent
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from tf2_msgs.msg import TFMessage
from trm_msgs.msg import PlannerState, PlanStatus

TOPICS = {
    "plan": Path, "trm_node/status": PlanStatus, "trm_node/state": PlannerState, "/diagnostics": DiagnosticArray,
    "map": OccupancyGrid,
    "map_updates": OccupancyGridUpdate, "goal_pose": PoseStamped, "/tf": TFMessage, "odom": Odometry, "/rosout": Log,
    "/parameter_events": ParameterEvent,
}
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def listener() -> Node:
    node = Node("listener")
    for topic, kind in TOPICS.items():
        node.create_subscription(kind, topic, lambda _: None, LATCHED if topic == "map" else 10, raw=True)
    node.create_subscription(TFMessage, "/tf_static", lambda _: None, LATCHED, raw=True)
    return node


if __name__ == "__main__":
    import pathlib
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "demo"))
    import processes
    processes.spin_until_stopped(listener)
