"""The simulated robot and its world as one ROS node: transforms, lidar, costmap, and the pursuit of `plan`.

It runs in real time, since deadlines do. Where this process is late the world waits for it: a step is never longer than
`LONGEST_STEP`, so on a busy machine a run takes longer and is not another one.
"""

import time

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Path
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

import places  # noqa: F401
import path_bytes
import plan_status
import worlds
from costmap import Costmap
from judge import Judge
from peer import LATCHED
from pursuit import RegulatedPurePursuit, Rules
from drive import Drive, Limits
from robot import ODOM_IN_MAP, in_frame, transform
from world import World

# In seconds of the world: transforms and control, lidar, costmap.
TICK, SCAN, COSTMAP = 0.02, 0.1, 0.2
LONGEST_STEP = 0.05
# How many messages are taken in a tick that is late; the node sends two in a period.
AT_ONCE = 6


class Simulator:
    def __init__(self, context, world: World, start: tuple[float, float, float], judge: Judge, planner: str):
        self.world, self.judge = world, judge
        self.drive = Drive(start, Limits(Rules.speed, Rules.turn, 1.5, 6.0))
        self.pursuit = RegulatedPurePursuit(world.robot_radius)
        self.costmap = Costmap(world.lidar)
        self.results: list[tuple[float, str, str]] = []
        self.node = rclpy.create_node("simulator", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.tf = self.node.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.map = self.node.create_publisher(OccupancyGrid, "map", LATCHED)
        self.updates = self.node.create_publisher(OccupancyGridUpdate, "map_updates", 100)
        self.goal = self.node.create_publisher(PoseStamped, "goal_pose", 10)
        self.node.create_subscription(Path, "plan", self._on_plan, 100, raw=True)
        plan_status.listen(self.node, planner, self._on_status)
        self.scan = world.scan(start)
        self.last = time.monotonic()
        self.time = 0.0
        self.next = {"scan": 0.0, "costmap": 0.0}

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()

    @property
    def pose(self) -> tuple[float, float, float]:
        return self.drive.x, self.drive.y, self.drive.yaw

    @property
    def place(self) -> np.ndarray:
        return np.array(self.pose[:2])

    def stamp(self):
        return self.node.get_clock().now().to_msg()

    def publish_map(self) -> None:
        self.map.publish(worlds.grid_message(self.world.grid, self.stamp()))
        self.judge.published_rectangle(time.time(), 0, 0, self.costmap.values)

    def send_goal(self, goal: tuple[float, float, float]) -> None:
        msg = PoseStamped()
        msg.header.frame_id, msg.header.stamp = "map", self.stamp()
        msg.pose.position.x, msg.pose.position.y = goal[:2]
        msg.pose.orientation = worlds.quaternion(goal[2])
        self.results.clear()
        self.pursuit.drop()
        self.judge.sent_goal(time.time(), np.array(goal[:2]))
        self.goal.publish(msg)

    # --- What the node says ---

    def _on_plan(self, raw: bytes) -> None:
        stamp, poses = path_bytes.parse(raw)
        self.judge.heard_after.append(time.time() - stamp)
        self.judge.heard_plan(stamp, poses[:, :2])
        if len(poses) > 1:
            self.pursuit.take(poses[:, :2], self.time)
        else:
            self.pursuit.drop()

    def _on_status(self, status: plan_status.Status) -> None:
        self.results.append((status.stamp, status.result, status.message))
        self.judge.heard_status(status)

    # --- The world ---

    def spin(self) -> None:
        """Lets the node's words in, and the world go on when a tick is due."""
        now = time.monotonic()
        if now - self.last >= TICK:
            self._tick(min(now - self.last, LONGEST_STEP))
            self.last = now
        self.executor.spin_once(timeout_sec=max(0.0, self.last + TICK - time.monotonic()))
        # Ticks that take long leave no time to wait: what has come meanwhile must not pile up.
        for _ in range(AT_ONCE if time.monotonic() - self.last >= TICK else 0):
            self.executor.spin_once(timeout_sec=0.0)

    def _tick(self, elapsed: float) -> None:
        while elapsed > 1e-6:
            dt = min(elapsed, TICK)
            self.drive.step(*self.pursuit.commands(self.pose, self.drive.speed, self.scan.points, self.time), dt)
            self.world.crowd.step(dt, self.place)
            self.time += dt
            elapsed -= dt
            self.judge.stepped(dt, self.place, self.drive.speed, self.drive.turn, self.world.gaps(self.place),
                               self.world.crowd.places)
        stamp = self.stamp()
        local = in_frame(ODOM_IN_MAP, self.pose)
        self.tf.publish(TFMessage(transforms=[transform("map", "odom", ODOM_IN_MAP, stamp),
                                              transform("odom", "base_link", local, stamp)]))
        if self.time >= self.next["scan"]:
            self.next["scan"] = self.time + SCAN
            self.scan = self.world.scan(self.pose)
            self.costmap.take(self.scan, self.pose[:2], self.time)
        if self.time >= self.next["costmap"]:
            self.next["costmap"] = self.time + COSTMAP
            self._publish_changes()

    def _publish_changes(self) -> None:
        change = self.costmap.changes()
        if change:
            self.updates.publish(worlds.update_message(*change, self.stamp()))
            self.judge.published_rectangle(time.time(), *change)

    def wait(self, condition, seconds: float) -> bool:
        """Whether the condition came true within so much of the world's time (ten times as much of ours)."""
        end, wall = self.time + seconds, time.monotonic() + 10.0 * seconds
        while not condition():
            if self.time > end or time.monotonic() > wall:
                return False
            self.spin()
        return True

    def ready(self) -> bool:
        """Whether the node hears and is heard."""
        ends = (self.tf, self.map, self.updates, self.goal)
        return all(end.get_subscription_count() > 0 for end in ends) and self.node.count_publishers("plan") > 0
