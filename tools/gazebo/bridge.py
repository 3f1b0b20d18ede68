#!/usr/bin/env python3
"""Between Gazebo Classic and ROS, as ros_gz_bridge is for its successor: /clock, scan, odom and /tf out, cmd_vel in.

The odometry is where the robot is in the world: what a localisation would find. A robot whose commands stay away is
stopped.
"""

import argparse
import math
import sys
import threading
import time

import imports  # noqa: F401, I001

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan
from tf2_msgs.msg import TFMessage

import processes
from drive import Pose, angle
from framing import TransportError
from robot import transform
from transport import Publisher, Transport
from user import yaw_of

# Without a command for so long, in seconds of the world, it stops.
COMMAND_AGE = 0.5
# A busy Gazebo takes so long to hear of a new topic, in seconds.
PATIENCE = 20.0


def seconds(moment) -> float:
    """Of Gazebo's time."""
    return moment.sec + moment.nsec * 1e-9


def stamp(moment) -> Time:
    return Time(sec=moment.sec, nanosec=moment.nsec)


def pose_of(pose) -> Pose:
    """x, y and yaw of Gazebo's pose."""
    return pose.position.x, pose.position.y, yaw_of(pose.orientation)


def velocity(before: Pose, after: Pose, dt: float) -> tuple[float, float]:
    """Forward speed and turn that lead from one pose to another."""
    middle = before[2] + angle(after[2] - before[2]) / 2
    forward = (after[0] - before[0]) * math.cos(middle) + (after[1] - before[1]) * math.sin(middle)
    return forward / dt, angle(after[2] - before[2]) / dt


def wheels_of(gazebo: Transport, robot: str) -> Publisher:
    """Where its commands go, once it takes them."""
    wheels = gazebo.advertise(f"~/{robot}/vel_cmd", "Pose")
    end = time.monotonic() + PATIENCE
    while not wheels.has_subscribers:
        if time.monotonic() > end:
            raise TransportError(f"the model {robot} takes no commands on ~/{robot}/vel_cmd: it needs "
                                 "libDiffDrivePlugin.so, as in worlds/robot.sdf")
        time.sleep(0.05)
    return wheels


class Bridge(Node):
    def __init__(self, gazebo: Transport, robot: str, wheels: Publisher):
        super().__init__("gazebo_bridge")
        self.gazebo, self.robot = gazebo, robot
        self.pose: tuple[float, Pose] | None = None
        self.commanded = -math.inf
        self.now = 0.0
        self.lock = threading.Lock()
        self.clock = self.create_publisher(Clock, "/clock", QoSProfile(depth=10))
        self.scan = self.create_publisher(LaserScan, "scan", qos_profile_sensor_data)
        self.odometry = self.create_publisher(Odometry, "odom", 10)
        self.transforms = self.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.create_subscription(Twist, "cmd_vel", self.on_command, 1)
        self.wheels = wheels
        gazebo.subscribe("~/pose/info", "PosesStamped", self.on_poses)
        gazebo.subscribe(f"~/{robot}/base_link/scan_classic/scan", "LaserScanStamped", self.on_scan)

    # --- From Gazebo, in the transport's thread ---

    def on_poses(self, message) -> None:
        now = seconds(message.time)
        if now <= self.now:
            return
        self.now = now
        self.clock.publish(Clock(clock=stamp(message.time)))
        for pose in message.pose:
            if pose.name == self.robot:
                self.on_pose(now, pose_of(pose), stamp(message.time))
        if now - self.commanded > COMMAND_AGE:
            self.steer(0.0, 0.0)

    def on_pose(self, now: float, pose: Pose, at: Time) -> None:
        moved = transform("odom", "base_link", pose, at)
        self.transforms.publish(TFMessage(transforms=[moved]))
        odometry = Odometry()
        odometry.header, odometry.child_frame_id = moved.header, "base_link"
        odometry.pose.pose.position.x, odometry.pose.pose.position.y = pose[:2]
        odometry.pose.pose.orientation = moved.transform.rotation
        if self.pose:
            speed, turn = velocity(self.pose[1], pose, now - self.pose[0])
            odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = speed, turn
        self.pose = now, pose
        self.odometry.publish(odometry)

    def on_scan(self, message) -> None:
        scan = LaserScan()
        scan.header.stamp, scan.header.frame_id = stamp(message.time), "base_link"
        seen = message.scan
        scan.angle_min, scan.angle_max, scan.angle_increment = seen.angle_min, seen.angle_max, seen.angle_step
        scan.range_min, scan.range_max = seen.range_min, seen.range_max
        scan.ranges = list(seen.ranges)
        self.scan.publish(scan)

    # --- To Gazebo ---

    def on_command(self, message: Twist) -> None:
        self.commanded = self.now
        self.steer(message.linear.x, message.angular.z)

    def steer(self, speed: float, turn: float) -> None:
        command = self.gazebo.message("Pose")
        command.position.x, command.position.y, command.position.z = speed, 0.0, 0.0
        # Gazebo's plugin turns to the right where the yaw is positive (DiffDrivePlugin::OnVelMsg), REP-103 to the left.
        command.orientation.x = command.orientation.y = 0.0
        command.orientation.z, command.orientation.w = math.sin(-turn / 2), math.cos(turn / 2)
        with self.lock:
            self.wheels.publish(command)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=11345, help="of Gazebo's master on this machine")
    parser.add_argument("--robot", default="robot", help="name of the model")
    arguments = parser.parse_args()
    try:
        gazebo = Transport(imports.FOLDER / "messages.desc", arguments.port)
        wheels = wheels_of(gazebo, arguments.robot)
    except (OSError, TransportError) as error:
        sys.exit(f"bridge.py: {error}")
    try:
        stopped = processes.spin_until_stopped(lambda: Bridge(gazebo, arguments.robot, wheels), gazebo.lost.is_set)
    finally:
        gazebo.close()
    if not stopped:
        sys.exit(f"bridge.py: the connection to Gazebo is gone: {gazebo.error or 'it ended'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
