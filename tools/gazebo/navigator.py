#!/usr/bin/env python3
"""The rest of a robot beside the planner, in ROS: the costmap or the map from the scan, and the pursuit of `plan` to
`cmd_vel`.

With --map a known map is published once and changed where the scan shows something else (tests/closed_loop/costmap.py);
without one it is mapped (mapper.py). The frame `odom` is `map` here, since the odometry is true (bridge.py).
"""

import argparse
import collections
import pathlib
import sys

import imports  # noqa: F401, I001

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import LaserScan
from tf2_msgs.msg import TFMessage

import path_bytes
import processes
import raw_map
import worlds
from costmap import Costmap
from drive import Limits, Pose, angle, towards
from lidar import Lidar
from mapper import Mapper
from peer import LATCHED, seconds
from pursuit import RegulatedPurePursuit, Rules
from robot import transform
from user import yaw_of

# In seconds of the world.
COSTMAP, MAP = 0.2, 0.2
# Points of a scan that has seen nothing.
NOTHING = np.full((1, 2), np.inf)
# In m/s². People stop 0.3 m before the robot; at full speed it needs 0.11 m to stop, and so much again until a scan
# tells.
BRAKING = 3.0
LIMITS = Limits(Rules.speed, Rules.turn, 1.5, 6.0)


def pose_at(poses: collections.deque[tuple[float, Pose]], time: float) -> Pose | None:
    """Between the two poses around a time; None before the first and after the last."""
    for (t0, a), (t1, b) in zip(poses, list(poses)[1:]):
        if t0 <= time <= t1:
            part = (time - t0) / max(t1 - t0, 1e-9)
            return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * angle(b[2] - a[2])
    return None


class Navigator(Node):
    def __init__(self, grid: raw_map.Map | None, radius: float, longest_plan_age: float):
        super().__init__("navigator")
        self.grid = grid
        self.costmap = Costmap(Lidar(grid)) if grid else None
        self.mapper = Mapper() if grid is None else None
        self.pursuit = RegulatedPurePursuit(radius, Rules(longest_plan_age=longest_plan_age))
        self.poses: collections.deque[tuple[float, Pose]] = collections.deque(maxlen=60)
        self.scans: collections.deque[LaserScan] = collections.deque(maxlen=5)
        self.points = NOTHING
        self.speed = self.turn = 0.0
        self.time, self.next = None, 0.0
        self.map = self.create_publisher(OccupancyGrid, "map", LATCHED)
        self.updates = self.create_publisher(OccupancyGridUpdate, "map_updates", 100)
        self.command = self.create_publisher(Twist, "cmd_vel", 1)
        self.fixed = self.create_publisher(TFMessage, "/tf_static", LATCHED)
        self.create_subscription(Odometry, "odom", self.on_odometry, 10)
        self.create_subscription(LaserScan, "scan", self.on_scan, qos_profile_sensor_data)
        self.create_subscription(Path, "plan", self.on_plan, QoSProfile(depth=1), raw=True)

    def on_odometry(self, message: Odometry) -> None:
        time, position = seconds(message.header.stamp), message.pose.pose.position
        pose = position.x, position.y, yaw_of(message.pose.pose.orientation)
        if self.time is None:
            self.begin(message.header.stamp)
        dt = min(time - self.time, 0.1) if self.time else 0.0
        self.time = time
        self.poses.append((time, pose))
        while self.scans and (at := pose_at(self.poses, seconds(self.scans[0].header.stamp))):
            self.see(self.scans.popleft(), at)
        if time >= self.next:
            self.next = time + (COSTMAP if self.costmap else MAP)
            self.publish(message.header.stamp)
        speed, turn = self.pursuit.commands(pose, message.twist.twist.linear.x, self.points, time)
        rate = LIMITS.acceleration if abs(speed) >= abs(self.speed) else BRAKING
        self.speed = towards(self.speed, speed, rate * dt)
        self.turn = towards(self.turn, turn, LIMITS.turn_acceleration * dt)
        command = Twist()
        command.linear.x, command.angular.z = self.speed, self.turn
        self.command.publish(command)

    def begin(self, stamp: Time) -> None:
        self.fixed.publish(TFMessage(transforms=[transform("map", "odom", (0.0, 0.0, 0.0), stamp)]))
        if self.grid:
            self.map.publish(worlds.grid_message(self.grid, stamp))

    def on_scan(self, message: LaserScan) -> None:
        self.scans.append(message)

    def see(self, message: LaserScan, pose: Pose) -> None:
        ranges = np.array(message.ranges)
        angles = message.angle_min + message.angle_increment * np.arange(len(ranges))
        if self.mapper:
            scan = self.mapper.take(pose, angles, ranges)
        else:
            scan = self.costmap.lidar.measured(pose, angles, ranges)
            self.costmap.take(scan, pose[:2], seconds(message.header.stamp))
        self.points = scan.points if len(scan.points) else NOTHING

    def publish(self, stamp: Time) -> None:
        if self.mapper:
            if self.mapper.odds.size:
                self.map.publish(worlds.grid_message(self.mapper.grid, stamp))
        elif change := self.costmap.changes():
            self.updates.publish(worlds.update_message(*change, stamp))

    def on_plan(self, raw: bytes) -> None:
        stamp, poses = path_bytes.parse(raw)
        if len(poses) > 1:
            self.pursuit.take(poses[:, :2], stamp)
        else:
            self.pursuit.drop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=pathlib.Path, help="map_server's YAML file; without one it maps")
    parser.add_argument("--radius", type=float, default=0.22, help="of the robot's disc, metres")
    parser.add_argument("--longest-plan-age", type=float, default=Rules.longest_plan_age, help="it stops then, seconds")
    arguments = parser.parse_args()
    grid = raw_map.load(arguments.map) if arguments.map else None
    processes.spin_until_stopped(lambda: Navigator(grid, arguments.radius, arguments.longest_plan_age))
    return 0


if __name__ == "__main__":
    sys.exit(main())
