"""Listens to a topic with paths and does nothing with them: python3 listener.py NAMESPACE."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools/demo"))

import rclpy  # noqa: E402
from nav_msgs.msg import Path  # noqa: E402
from processes import spin_until_stopped  # noqa: E402


def listener() -> rclpy.node.Node:
    node = rclpy.create_node("listener", namespace=sys.argv[1])
    # As bytes: it shall take no time from the node.
    node.create_subscription(Path, "plan", lambda data: None, 10, raw=True)
    return node


if __name__ == "__main__":
    spin_until_stopped(listener)
