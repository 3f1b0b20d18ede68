"""The body of a simulated robot: where it is, how fast it is, and what it can't do."""

import dataclasses
import math

Pose = tuple[float, float, float]


@dataclasses.dataclass
class Limits:
    speed: float = 1.0
    turn: float = 2.2
    acceleration: float = 1.5
    turn_acceleration: float = 8.0


def towards(value: float, wanted: float, step: float) -> float:
    return value + max(-step, min(step, wanted - value))


def angle(a: float) -> float:
    return math.remainder(a, math.tau)


class Drive:
    """Pose and speeds; moves on arcs. With a turning radius it is a car: no curve is narrower, and it doesn't turn when it
    stands."""

    def __init__(self, pose: Pose, limits: Limits, turning_radius: float = 0.0):
        self.x, self.y, self.yaw = pose
        self.limits, self.turning_radius = limits, turning_radius
        self.speed = self.turn = 0.0

    def step(self, speed: float, turn: float, dt: float) -> None:
        self.speed = towards(self.speed, speed, self.limits.acceleration * dt)
        self.turn = towards(self.turn, turn, self.limits.turn_acceleration * dt)
        if self.turning_radius:
            fastest = abs(self.speed) / self.turning_radius
            self.turn = max(-fastest, min(fastest, self.turn))
        middle = self.yaw + self.turn * dt / 2
        self.x += self.speed * math.cos(middle) * dt
        self.y += self.speed * math.sin(middle) * dt
        self.yaw = angle(self.yaw + self.turn * dt)
