"""A simulated robot that follows the newest `plan` and knows nothing else of the world. A disc cuts corners; a robot with a
footprint keeps to the poses.

Publishes TF map -> odom -> base_link and `odom` as a localised robot does, and `ground_truth` (in the map frame) for
those who check it.
"""

import argparse
import math
import sys
import time

import numpy as np
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

import path_bytes
import processes
from drive import Drive, Limits, Pose, angle
from follower import LONGEST_PLAN_AGE, Follower

RATE = 50.0
# Where odometry began in the map, as a localisation would have found it.
ODOM_IN_MAP: Pose = (1.5, -0.75, 0.4)
# Of a car, in rad/s².
QUICK_STEERING = 30.0
# A goal is reached for the robot this near to the last pose, in metres and radians.
NEAR, TURNED = 0.03, 0.05


class PurePursuit:
    """Steers to the point of the path a little ahead; slow in curves, turns on the spot when far off."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.path: np.ndarray | None = None
        self.received = -math.inf

    def take(self, path: np.ndarray, _: Drive) -> None:
        self.path, self.received = path, time.monotonic()
        self.along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path[:, :2], axis=0).T))])

    def commands(self, robot: Drive, _: float) -> tuple[float, float]:
        if self.path is None:
            return 0.0, 0.0
        nearest = int(np.hypot(self.path[:, 0] - robot.x, self.path[:, 1] - robot.y).argmin())
        last = self.path[-1]
        gap = math.hypot(last[0] - robot.x, last[1] - robot.y)
        left = max(float(self.along[-1] - self.along[nearest]), gap)
        if left < NEAR:
            turn = angle(last[2] - robot.yaw)
            return 0.0, 0.0 if abs(turn) < TURNED else self.turn_by(turn)
        if time.monotonic() - self.received > LONGEST_PLAN_AGE and left > 0.3:
            return 0.0, 0.0
        ahead = self.along[nearest] + 0.2 + 0.15 * abs(robot.speed)
        x, y = (np.interp(ahead, self.along, self.path[:, i]) for i in (0, 1))
        distance = math.hypot(x - robot.x, y - robot.y)
        bearing = angle(math.atan2(y - robot.y, x - robot.x) - robot.yaw)
        if abs(bearing) > 0.7:
            return 0.0, self.turn_by(bearing)
        curvature = 2.0 * math.sin(bearing) / max(distance, 0.05)
        # Slow where it bends, and in time for the end.
        speed = min(self.limits.speed, 0.7 * self.limits.turn / max(abs(curvature), 1e-6),
                    math.sqrt(2.0 * 0.6 * self.limits.acceleration * left), 0.1 + left)
        return speed, max(-self.limits.turn, min(self.limits.turn, speed * curvature))

    def turn_by(self, bearing: float) -> float:
        # So fast that it can still brake.
        fastest = math.sqrt(2.0 * 0.5 * self.limits.turn_acceleration * abs(bearing))
        return math.copysign(min(self.limits.turn, fastest, 4.0 * abs(bearing)), bearing)


def transform(parent: str, child: str, pose: Pose, stamp) -> TransformStamped:
    msg = TransformStamped()
    msg.header.frame_id, msg.child_frame_id, msg.header.stamp = parent, child, stamp
    msg.transform.translation.x, msg.transform.translation.y = pose[:2]
    msg.transform.rotation.z, msg.transform.rotation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
    return msg


def in_frame(frame: Pose, pose: Pose) -> Pose:
    """`pose` seen from `frame`, both given in the same parent."""
    dx, dy, c, s = pose[0] - frame[0], pose[1] - frame[1], math.cos(frame[2]), math.sin(frame[2])
    return dx * c + dy * s, dy * c - dx * s, angle(pose[2] - frame[2])


class Robot(Node):
    def __init__(self, drive: Drive, steering: PurePursuit | Follower):
        super().__init__("robot")
        self.drive, self.steering = drive, steering
        self.last = time.monotonic()
        self.transforms = self.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.odometry = self.create_publisher(Odometry, "odom", 10)
        self.truth = self.create_publisher(PoseStamped, "ground_truth", 100)
        self.create_subscription(Path, "plan", self.on_plan, 1, raw=True)
        self.create_timer(1.0 / RATE, self.tick)

    def on_plan(self, raw: bytes) -> None:
        _, poses = path_bytes.parse(raw)
        if len(poses):
            self.steering.take(poses, self.drive)

    def tick(self) -> None:
        now = time.monotonic()
        # After a long pause of this process the robot has stood still for the rest.
        elapsed, self.last = min(now - self.last, 0.1), now
        while elapsed > 1e-6:
            dt = min(elapsed, 0.02)
            self.drive.step(*self.steering.commands(self.drive, dt), dt)
            elapsed -= dt
        self.publish()

    def publish(self) -> None:
        stamp = self.get_clock().now().to_msg()
        pose = (self.drive.x, self.drive.y, self.drive.yaw)
        local = in_frame(ODOM_IN_MAP, pose)
        moved = transform("odom", "base_link", local, stamp)
        self.transforms.publish(TFMessage(transforms=[transform("map", "odom", ODOM_IN_MAP, stamp), moved]))
        odometry = Odometry()
        odometry.header, odometry.child_frame_id = moved.header, "base_link"
        odometry.pose.pose.position.x, odometry.pose.pose.position.y = local[:2]
        odometry.pose.pose.orientation = moved.transform.rotation
        odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = self.drive.speed, self.drive.turn
        self.odometry.publish(odometry)
        truth = PoseStamped()
        truth.header.frame_id, truth.header.stamp = "map", stamp
        truth.pose.position.x, truth.pose.position.y = pose[:2]
        truth.pose.orientation.z, truth.pose.orientation.w = math.sin(pose[2] / 2), math.cos(pose[2] / 2)
        self.truth.publish(truth)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pose", type=float, nargs=3, metavar=("X", "Y", "YAW"), default=(0.0, 0.0, 0.0))
    parser.add_argument("--speed", type=float, default=1.0, help="greatest speed, m/s")
    parser.add_argument("--settle", type=float, help="metres in which it gets back onto its path, if it keeps to the poses")
    parser.add_argument("--turning-radius", type=float, default=0.0, help="of a car, metres")
    arguments = parser.parse_args()
    limits = Limits(speed=arguments.speed)
    if arguments.turning_radius:
        # A path bends from one pose to the next, and no car's front wheels turn at once.
        limits.turn_acceleration = QUICK_STEERING
    drive = Drive(tuple(arguments.pose), limits, arguments.turning_radius)
    steering = Follower(limits, arguments.settle) if arguments.settle else PurePursuit(limits)
    processes.spin_until_stopped(lambda: Robot(drive, steering))
    return 0


if __name__ == "__main__":
    sys.exit(main())
