"""Judges the drive by what is true and by what had been published to the node: an independent look at both.

Knows nothing of the planner but its parameters, and takes nothing from the simulated costmap but what it published.
"""

import dataclasses
import math

import numpy as np

import people
import places  # noqa: F401
from plan_status import Status
from published import Published, leads
from sides import encloses_an_obstacle, rest

# Below this the robot stands, in m/s and rad/s.
STANDS, TURNS = 0.02, 0.05
# A person is in the robot's way who is this near to its hull, or to it anywhere on this much of its path, in metres.
CLOSE, AHEAD = 0.4, 1.5
# A path may not know of what was published this short a time before it: `max_map_lag_ms`, in seconds.
LAG = 0.2


@dataclasses.dataclass
class Stop:
    """The robot stood though nobody was in its way."""

    seconds: float
    waited_for: str  # "first plan", "plan" or "robot"
    goal: int
    has_way: bool = True


@dataclasses.dataclass
class Collision:
    with_what: str
    moving: bool
    by_plan: bool
    goal: int


@dataclasses.dataclass
class SideChange:
    """A path passes an obstacle on another side than the one before did."""

    when: float
    goal: int
    # The path before had become blocked.
    forced: bool
    # Travel costs in metres on what was published then: of what was left of the path before, and of the new one.
    before: float
    after: float


class Judge:
    def __init__(self, published: Published, period: float, robot_radius: float, tolerance: float):
        self.published, self.period = published, period
        self.robot_radius, self.tolerance = robot_radius, tolerance
        self.goal: np.ndarray | None = None
        self.goals = self.updates = 0
        self.plan: np.ndarray | None = None
        # Whether the plan being followed crossed, when it was published, what had been closed for longer than LAG.
        self.plan_crosses = False
        self.crossing_plans, self.oldest_news = 0, 0.0
        self.blocked_since: float | None = None
        # Of the goal: whether it was refused, whether there was a plan at all, and whether the newest one still holds.
        self.was_refused = self.had_plan = self.valid = False
        self.robot = np.zeros(2)
        self.distance = self.seconds = self.without_plan = 0.0
        self.sides: list[SideChange] = []
        self.replanned: list[float] = []
        self.told: list[float] = []
        self.first_plans: list[float] = []
        # How old plans were when they were taken in here: if that is long, the run says nothing of the planner.
        self.heard_after: list[float] = []
        self.stops: list[Stop] = []
        self.collisions: list[Collision] = []
        self.touching = False
        self.nearest = {"wall": math.inf, "person": math.inf}
        self.statuses: list[Status] = []
        self._standing, self._snapshot = 0.0, None

    # --- What goes to the node ---

    def sent_goal(self, when: float, goal: np.ndarray | None) -> None:
        """None: there is no goal any more."""
        self._end_stop()
        self.goal, self.goal_sent, self.plan, self.valid = goal, when, None, False
        self.blocked_since, self.had_plan, self.was_refused = None, False, False
        self.goals += goal is not None

    def published_rectangle(self, when: float, col: int, row: int, values: np.ndarray) -> None:
        self.published.update(when, col, row, values)
        self.updates += 1
        if self.valid and self.published.blocks(rest(self.plan, self.robot)):
            self.valid, self.blocked_since = False, when

    # --- What comes from it ---

    def heard_plan(self, stamp: float, path: np.ndarray) -> None:
        if self.goal is None or stamp < self.goal_sent:
            return
        if len(path) < 2:
            self.plan, self.valid = None, False
            return
        crossed = stamp - self.published.crossed_since(path)
        self.oldest_news = max(self.oldest_news, crossed)
        self.plan_crosses = crossed > LAG
        self.crossing_plans += self.plan_crosses
        if not self.had_plan and not self.was_refused:
            self.first_plans.append(stamp - self.goal_sent)
        self.had_plan = True
        self._compare(path)
        self.plan, self.valid = path, not self.published.blocks(path)
        if self.blocked_since is not None and self.valid:
            self.replanned.append(stamp - self.blocked_since)
            self.blocked_since = None

    def _compare(self, path: np.ndarray) -> None:
        if self.plan is None:
            return
        old = rest(self.plan, path[0])
        if len(old) > 1 and encloses_an_obstacle(old, path, self.published):
            # What blocked the way may have gone since the new one was planned.
            forced = not self.valid or self.published.blocks(old)
            before, after = (self.published.travel_cost(p) for p in (old, path))
            self.sides.append(SideChange(self.seconds, self.goals, forced, before, after))

    def heard_status(self, status: Status) -> None:
        if status.is_plan:
            self.statuses.append(status)
        if not status.has_path and self.goal is not None and status.stamp >= self.goal_sent:
            self.valid, self.was_refused = False, True
            if self.blocked_since is not None and status.stamp > self.blocked_since:
                self.told.append(status.stamp - self.blocked_since)
                self.blocked_since = None

    # --- What is true ---

    def stepped(self, dt: float, robot: np.ndarray, speed: float, turn: float, gaps: tuple[float, float],
                crowd: np.ndarray) -> None:
        """The world went on by `dt`; `gaps` are those of the robot's hull to walls and people."""
        self.distance += math.dist(robot, self.robot) if self.seconds else 0.0
        self.robot = robot
        self.seconds += dt
        moves = abs(speed) > STANDS
        for name, gap in zip(self.nearest, gaps):
            self.nearest[name] = min(self.nearest[name], gap)
        touching = min(gaps) <= 0.0
        if touching and not self.touching:
            name = "wall" if gaps[0] <= gaps[1] else "person"
            self.collisions.append(Collision(name, moves, moves and self.plan_crosses, self.goals))
        self.touching = touching
        if self.goal is None:
            return
        if moves and not self.valid:
            self.without_plan += dt
        if moves or abs(turn) > TURNS or self._has_arrived() or self._is_hindered(crowd):
            self._end_stop()
        else:
            self._stand(dt)

    def _has_arrived(self) -> bool:
        end = self.plan[-1] if self.plan is not None else self.goal
        return math.dist(self.robot, end) < 0.15

    def _is_hindered(self, crowd: np.ndarray) -> bool:
        ahead = self.robot[None]
        if self.plan is not None:
            ahead = np.concatenate([ahead, rest(self.plan, self.robot)[: int(AHEAD / 0.02)]])
        gaps = np.hypot(*(crowd[:, None] - ahead).transpose(2, 0, 1)) - people.RADIUS - self.robot_radius
        return bool((gaps < CLOSE).any())

    def _stand(self, dt: float) -> None:
        self._standing += dt
        if self._snapshot is None and self._standing > self.period:
            waited_for = "robot" if self.valid else "plan" if self.had_plan else "first plan"
            self._snapshot = waited_for, self.published.free.copy(), self.robot.copy(), self.goal

    def _end_stop(self) -> None:
        if self._snapshot is not None:
            waited_for, free, robot, goal = self._snapshot
            has_way = waited_for == "robot" or leads(self.published.grid, free, robot, goal, self.tolerance)
            self.stops.append(Stop(self._standing, waited_for, self.goals, has_way))
        self._standing, self._snapshot = 0.0, None
