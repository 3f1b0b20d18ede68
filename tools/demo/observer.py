"""The demo's own end of the graph: sends goals and the obstacle, and records plans, statuses and the robot's way."""

import dataclasses
import time

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from trm_msgs.msg import PlanStatus

import path_bytes
import yards
from plan_status import Status
from scene import Obstacle
from user import User
from yards import Pickup


@dataclasses.dataclass
class Plan:
    """A published path. `received` is on this process's monotonic clock."""

    received: float
    poses: np.ndarray

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.poses[:, :2], axis=0).T).sum())


class Heard(Status):
    """What the node says of one plan. `received` as for a path."""

    def __init__(self, msg: PlanStatus):
        super().__init__(msg)
        self.received = time.monotonic()


class Observer(User):
    def __init__(self, planner: str):
        """`planner` is the node's name, below which its `~/status` is."""
        super().__init__("demo")
        self.plans: list[Plan] = []
        self.statuses: list[Heard] = []
        self.way: list[tuple[float, float, float, float]] = []  # received, x, y, yaw
        self.create_subscription(Path, "plan", self.on_plan, 100, raw=True)
        self.create_subscription(PlanStatus, f"{planner}/status", self.on_status, 1000)

    def on_plan(self, raw: bytes) -> None:
        self.plans.append(Plan(time.monotonic(), path_bytes.parse(raw)[1]))

    def on_status(self, msg: PlanStatus) -> None:
        status = Heard(msg)
        if status.is_plan:
            self.statuses.append(status)

    def on_truth(self, msg: PoseStamped) -> None:
        super().on_truth(msg)
        self.way.append((time.monotonic(), *self.robot))

    def plans_with_sources(self) -> list[tuple[Plan, str]]:
        """Plans and statuses come in the same order, one status with a path for each plan."""
        return list(zip(self.plans, (s.source for s in self.statuses if s.has_path)))

    def last_word(self) -> str:
        """What the node is missing, or how its last plan went."""
        return self.inputs or (self.statuses[-1].result if self.statuses else "nothing")

    def pick_up(self, pickup: Pickup, resolution: float) -> float:
        """Takes a load from the map onto the robot and gives the moment."""
        now = time.monotonic()
        for box in pickup.stands_on:
            col, row, cols, rows = yards.cells(box, resolution)
            self.send_update(col, row, cols, rows, bytes(cols * rows))
        self.send_footprint(pickup.footprint)
        return now

    def drop(self, obstacle: Obstacle) -> float:
        """Puts the obstacle on the map and gives the moment."""
        now = time.monotonic()
        side = obstacle.side
        self.send_update(obstacle.col, obstacle.row, side, side, bytes([100] * side * side))
        return now
