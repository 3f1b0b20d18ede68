"""A stand-in for another planner server: a managed node of rclpy's whose paths are straight lines, through walls as well, and
which has no path to every fifth goal."""

import time

from nav2_msgs.action import ComputePathToPose
from nav_msgs.msg import OccupancyGrid
from rclpy.action import ActionServer
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile

from action_client import stamped
from processes import spin_until_stopped

STRIDE = 0.1


class StraightPlanner(LifecycleNode):
    def __init__(self):
        super().__init__("planner_server")
        # Its own parameter file has this section; "refuse" says that it can't be configured.
        self.declare_parameter("GridBased.plugin", "")
        self.asked = 0
        self.grid: OccupancyGrid | None = None

    def on_configure(self, state) -> TransitionCallbackReturn:
        if self.get_parameter("GridBased.plugin").value == "refuse":
            self.get_logger().error("there is no plugin refuse")
            return TransitionCallbackReturn.FAILURE
        qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.listening = self.create_subscription(OccupancyGrid, "map", lambda msg: setattr(self, "grid", msg), qos)
        self.server = ActionServer(self, ComputePathToPose, "compute_path_to_pose", self.execute)
        return TransitionCallbackReturn.SUCCESS

    def execute(self, handle) -> ComputePathToPose.Result:
        began, result = time.monotonic(), ComputePathToPose.Result()
        self.asked += 1
        if self.grid is None or self.asked % 5 == 0:
            result.error_code = ComputePathToPose.Result.NO_VALID_PATH
            handle.abort()
            return result
        start, goal = handle.request.start.pose.position, handle.request.goal.pose.position
        count = 2 + int(((goal.x - start.x) ** 2 + (goal.y - start.y) ** 2) ** 0.5 / STRIDE)
        for share in (step / (count - 1) for step in range(count)):
            place = start.x + share * (goal.x - start.x), start.y + share * (goal.y - start.y), 0.0
            result.path.poses.append(stamped(place))
        result.planning_time.nanosec = int(1e9 * (time.monotonic() - began))
        handle.succeed()
        return result


if __name__ == "__main__":
    spin_until_stopped(StraightPlanner)
