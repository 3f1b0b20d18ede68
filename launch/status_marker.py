#!/usr/bin/env python3
"""Shows in RViz what `planner_server/status` says of the newest plan: a text above the robot with source, result
and time."""

import signal
import sys
import threading

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from trm_msgs.msg import PlanStatus
from visualization_msgs.msg import Marker

# The parameter `frame`, and how the text looks: metres above it and in height, and its colour by the level.
FRAME, ABOVE, HEIGHT = "base_link", 0.8, 0.22
COLOURS = {PlanStatus.LEVEL_OK: (0.1, 0.5, 0.2), PlanStatus.LEVEL_WARN: (0.8, 0.5, 0.0),
           PlanStatus.LEVEL_ERROR: (0.8, 0.1, 0.1)}
SOURCES = {value: name.removeprefix("SOURCE_").lower() for name, value in vars(PlanStatus).items()
           if name.startswith("SOURCE_")}
# Seconds after which a text that nothing renews goes away.
LIFETIME = 2


def words(status: PlanStatus) -> str:
    late = ", late" if status.missed else ""
    return f"{SOURCES[status.source]}: {status.message}\n{status.total_ms:.1f} of {status.deadline_ms:.0f} ms{late}"


class StatusMarker(Node):
    def __init__(self) -> None:
        super().__init__("status_marker")
        self.frame = self.declare_parameter("frame", FRAME).value
        self.marker = self.create_publisher(Marker, "status_marker", 1)
        self.create_subscription(PlanStatus, "planner_server/status", self.on_status, 10)

    def on_status(self, status: PlanStatus) -> None:
        marker = Marker(ns="status", type=Marker.TEXT_VIEW_FACING, action=Marker.ADD, text=words(status))
        # Without a stamp RViz takes the newest transform.
        marker.header.frame_id = self.frame
        marker.pose.position.z, marker.pose.orientation.w, marker.scale.z = ABOVE, 1.0, HEIGHT
        marker.color.r, marker.color.g, marker.color.b = COLOURS[status.level]
        marker.color.a = 1.0
        marker.lifetime.sec = LIFETIME
        self.marker.publish(marker)


def main() -> int:
    # Signals only end the loop: an exception of theirs in the midst of rclpy's work would come out as another one.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = StatusMarker()
    while not stop.is_set():
        rclpy.spin_once(node, timeout_sec=0.1)
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
