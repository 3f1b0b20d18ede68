"""rclpy's own action clients, and goals for them."""

import math

import numpy as np
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from nav2_msgs.action import ComputePathThroughPoses, ComputePathToPose
from rclpy.action import ActionClient

import worlds
from worlds import Pose

SUCCEEDED, CANCELED, ABORTED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED
TO_POSE, THROUGH_POSES = ComputePathToPose.Result, ComputePathThroughPoses.Result


def stamped(pose: Pose, frame: str = "map", stamp=None) -> PoseStamped:
    msg = PoseStamped()
    msg.header.frame_id = frame
    if stamp is not None:
        msg.header.stamp = stamp
    msg.pose.position.x, msg.pose.position.y = pose[:2]
    msg.pose.orientation = worlds.quaternion(pose[2])
    return msg


def to_pose(goal, start=None, planner_id: str = "") -> ComputePathToPose.Goal:
    as_stamped = lambda pose: pose if isinstance(pose, PoseStamped) else stamped(pose)  # noqa: E731
    msg = ComputePathToPose.Goal(goal=as_stamped(goal), planner_id=planner_id, use_start=start is not None)
    if start is not None:
        msg.start = as_stamped(start)
    return msg


def through_poses(goals, start=None, planner_id: str = "") -> ComputePathThroughPoses.Goal:
    as_stamped = lambda pose: pose if isinstance(pose, PoseStamped) else stamped(pose)  # noqa: E731
    msg = ComputePathThroughPoses.Goal(goals=[as_stamped(goal) for goal in goals], planner_id=planner_id,
                                       use_start=start is not None)
    if start is not None:
        msg.start = as_stamped(start)
    return msg


def poses_of(path) -> np.ndarray:
    poses = [(p.pose.position.x, p.pose.position.y, worlds.yaw_of(p.pose.orientation)) for p in path.poses]
    return np.array(poses).reshape(-1, 3)


def seconds(duration) -> float:
    return duration.sec + duration.nanosec * 1e-9


class PathClient:
    """A client of both actions. Spins with the peer."""

    def __init__(self, peer, node=None):
        self.peer, node = peer, node or peer.node
        namespace = peer.planner.rpartition("/")[0]
        self.to_pose = ActionClient(node, ComputePathToPose, f"{namespace}/compute_path_to_pose")
        self.through_poses = ActionClient(node, ComputePathThroughPoses, f"{namespace}/compute_path_through_poses")
        for client in (self.to_pose, self.through_poses):
            peer.wait(client.server_is_ready, "the action's server")

    def close(self) -> None:
        self.to_pose.destroy()
        self.through_poses.destroy()

    def send(self, goal):
        """The goal's handle."""
        client = self.to_pose if isinstance(goal, ComputePathToPose.Goal) else self.through_poses
        future = client.send_goal_async(goal)
        self.peer.wait(future.done, "an answer to the goal")
        return future.result()

    def result_of(self, handle):
        """Status and result of an accepted goal."""
        assert handle.accepted
        future = handle.get_result_async()
        self.peer.wait(future.done, "the result")
        return future.result().status, future.result().result

    def ask(self, goal):
        return self.result_of(self.send(goal))


def leads(path, start: Pose, goal: Pose, grid: worlds.Map, radius: float = worlds.RADIUS) -> np.ndarray:
    """The poses of a path that leads from here to there, and collides with nothing."""
    poses = poses_of(path)
    assert math.dist(poses[0, :2], start[:2]) < 1e-6 and math.dist(poses[-1, :2], goal[:2]) < 1e-6
    assert abs(math.remainder(poses[-1, 2] - goal[2], math.tau)) < 1e-6, "the goal's heading is the last pose's"
    assert worlds.Checker(grid, radius).collisions(grid.to_cells(poses[:, :2])) == []
    return poses
