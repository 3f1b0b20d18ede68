"""People as discs that walk between free points near the robot, and stop before it."""

import dataclasses
import math

import numpy as np

import places  # noqa: F401
import raw_map

RADIUS = 0.25
SPEED = (0.3, 1.0)
# A person stops this near to the robot's hull, and waits so long before another way is tried, in metres and seconds.
RESPECT = 0.3
PATIENCE = 2.0
# Each has so much room, in square metres.
AREA = 10.0
# How far one straight way leads, in metres.
WAY = (1.5, 8.0)
# Whoever is further from the robot than the last of these comes back in somewhere between them, out of its sight.
NEAR, FAR = 6.0, 12.0


@dataclasses.dataclass
class Person:
    place: np.ndarray
    target: np.ndarray
    speed: float
    waited: float = 0.0


class People:
    def __init__(self, grid: raw_map.Map, room: np.ndarray, count: int, robot: np.ndarray, robot_radius: float, rng):
        """They walk in the room, which are the cells where the robot may be; at most so many that it isn't crowded."""
        self.grid, self.rng, self.robot_radius = grid, rng, robot_radius
        self.free = room & raw_map.inflate(grid, RADIUS + grid.resolution)
        count = min(count, math.ceil(room.sum() * grid.resolution**2 / AREA))
        cells = np.argwhere(self.free)
        self.points = np.array([grid.to_metres(col + 0.5, row + 0.5) for row, col in cells])
        self.everybody = [self._newcomer(robot) for _ in range(count)]

    @property
    def places(self) -> np.ndarray:
        return np.array([person.place for person in self.everybody]).reshape(-1, 2)

    def step(self, dt: float, robot: np.ndarray) -> None:
        for i, person in enumerate(self.everybody):
            if math.dist(person.place, robot) > FAR:
                self.everybody[i] = self._newcomer(robot)
            else:
                self._walk(person, dt, robot)

    def _walk(self, person: Person, dt: float, robot: np.ndarray) -> None:
        left = person.target - person.place
        distance = math.hypot(*left)
        if distance < 1e-6:
            self._turn(person)
            return
        place = person.place + left * min(1.0, person.speed * dt / distance)
        gap = math.dist(place, robot) - RADIUS - self.robot_radius
        if gap < RESPECT and gap < math.dist(person.place, robot) - RADIUS - self.robot_radius:
            person.waited += dt
            if person.waited > PATIENCE:
                self._turn(person)
            return
        person.place, person.waited = place, 0.0

    def _turn(self, person: Person) -> None:
        person.target, person.waited = self._target(person.place), 0.0
        person.speed = float(self.rng.uniform(*SPEED))

    def _newcomer(self, robot: np.ndarray) -> Person:
        away = np.hypot(*(self.points - robot).T)
        around = self.points[(away > NEAR) & (away < FAR)]
        around = around if len(around) else self.points[away > 2.0]
        place = around[self.rng.integers(len(around))].copy()
        return Person(place, self._target(place), float(self.rng.uniform(*SPEED)))

    def _target(self, place: np.ndarray) -> np.ndarray:
        """A random point that a straight free way leads to; the place itself if none is found."""
        away = np.hypot(*(self.points - place).T)
        around = self.points[(away > WAY[0]) & (away < WAY[1])]
        for i in self.rng.integers(len(around), size=20) if len(around) else ():
            count = math.ceil(math.dist(place, around[i]) / (0.5 * self.grid.resolution))
            line = place + np.linspace(0.0, 1.0, count)[:, None] * (around[i] - place)
            cells = np.floor(self.grid.to_cells(line)).astype(int)
            if self.free[cells[:, 1], cells[:, 0]].all():
                return around[i].copy()
        return place.copy()
