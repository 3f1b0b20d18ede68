"""Listens to a topic with paths and does nothing with them: python3 listener.py NAMESPACE."""

import contextlib
import sys

import rclpy
from nav_msgs.msg import Path
from rclpy.executors import ExternalShutdownException


def main() -> None:
    rclpy.init()
    node = rclpy.create_node("listener", namespace=sys.argv[1])
    # As bytes: it shall take no time from the node.
    node.create_subscription(Path, "plan", lambda data: None, 10, raw=True)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
