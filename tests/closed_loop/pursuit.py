"""Regulated pure pursuit: Macenski, Singh, Martín, Ginés, "Regulated Pure Pursuit for Robot Path Tracking",
Autonomous Robots 47 (2023), arXiv:2305.20026.

The paper's rules: the lookahead distance is proportional to the speed, within bounds; the speed falls in proportion
where the curvature's radius is less than a bound, and where an obstacle is nearer than a bound, and the lower of both
counts; the robot turns on the spot first where the path leads too far aside; and it stops before a collision that the
present command would lead to within a time. The last is looked for in the latest scan.
"""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Rules:
    speed: float = 0.8
    turn: float = 2.0
    least_speed: float = 0.15
    lookahead_time: float = 0.6
    lookahead: tuple[float, float] = (0.25, 0.7)
    least_radius: float = 0.6
    proximity: float = 0.25  # from the hull
    turn_first: float = 0.8  # radians
    collision_time: float = 1.0
    collision_gap: float = 0.03
    longest_plan_age: float = 1.0
    # Braking towards the end, and for turns on the spot.
    deceleration: float = 0.8
    turn_deceleration: float = 3.0


class RegulatedPurePursuit:
    def __init__(self, radius: float, rules: Rules = Rules()):
        self.radius, self.rules = radius, rules
        self.path: np.ndarray | None = None
        self.received = -math.inf

    def take(self, path: np.ndarray, now: float) -> None:
        self.path, self.received = path, now
        self.along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path[:, :2], axis=0).T))])

    def drop(self) -> None:
        self.path = None

    def commands(self, pose: tuple[float, float, float], speed: float, obstacles: np.ndarray,
                 now: float) -> tuple[float, float]:
        """Speed and turn for the pose; `obstacles` [n, 2] are the points of the latest scan."""
        rules = self.rules
        if self.path is None or now - self.received > rules.longest_plan_age:
            return 0.0, 0.0
        x, y, yaw = pose
        nearest = int(np.hypot(self.path[:, 0] - x, self.path[:, 1] - y).argmin())
        left = max(float(self.along[-1] - self.along[nearest]), math.dist(self.path[-1, :2], (x, y)))
        if left < 0.05:
            return 0.0, 0.0
        lookahead = min(max(rules.lookahead_time * abs(speed), rules.lookahead[0]), rules.lookahead[1])
        carrot = [np.interp(self.along[nearest] + lookahead, self.along, self.path[:, i]) - v
                  for i, v in ((0, x), (1, y))]
        distance = max(math.hypot(*carrot), 0.05)
        bearing = math.remainder(math.atan2(carrot[1], carrot[0]) - yaw, math.tau)
        if abs(bearing) > rules.turn_first:
            return 0.0, self._turn(bearing)
        curvature = 2.0 * math.sin(bearing) / distance
        wanted = self._regulated(curvature, self._gap(np.array([x, y]), obstacles), left)
        turn = max(-rules.turn, min(rules.turn, wanted * curvature))
        if self._collides(pose, wanted, turn, distance, obstacles):
            # A disc may still turn on the spot.
            return 0.0, self._turn(bearing)
        return wanted, turn

    def _turn(self, bearing: float) -> float:
        fastest = math.sqrt(2.0 * self.rules.turn_deceleration * abs(bearing))
        return math.copysign(min(self.rules.turn, fastest), bearing)

    def _gap(self, point: np.ndarray, obstacles: np.ndarray) -> float:
        return float(np.hypot(*(obstacles - point).T).min(initial=math.inf)) - self.radius

    def _regulated(self, curvature: float, gap: float, left: float) -> float:
        rules = self.rules
        by_curvature = rules.speed * min(1.0, 1.0 / max(abs(curvature) * rules.least_radius, 1e-9))
        by_proximity = rules.speed * min(1.0, max(gap, 0.0) / rules.proximity)
        speed = max(rules.least_speed, min(by_curvature, by_proximity))
        return min(speed, max(0.05, math.sqrt(2.0 * rules.deceleration * left) - 0.05))

    def _collides(self, pose, speed: float, turn: float, reach: float, obstacles: np.ndarray) -> bool:
        """Whether the arc, as far as the carrot and at most for the collision time, touches a point of the scan that it
        comes nearer to."""
        x, y, yaw = pose
        now = self._gap(np.array([x, y]), obstacles)
        duration = min(self.rules.collision_time, reach / max(speed, 1e-6))
        for t in np.arange(0.1, duration + 0.1, 0.1):
            middle = yaw + turn * t / 2
            point = np.array([x + speed * t * math.cos(middle), y + speed * t * math.sin(middle)])
            gap = self._gap(point, obstacles)
            if gap < self.rules.collision_gap and gap < now - 1e-3:
                return True
        return False
