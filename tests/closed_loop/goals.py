"""Where the robot is sent: places that it can reach, and some that it can't."""

import dataclasses
import math

import numpy as np

import places  # noqa: F401
import raw_map
import scene

# How far a goal may be in a straight line, in metres.
DISTANCE = (3.0, 9.0)
# Goals keep this much more than the radius from walls; those out of reach keep so much more than the tolerance from all
# that can be reached, in metres.
ROOM = 0.15


@dataclasses.dataclass(frozen=True)
class Goal:
    pose: tuple[float, float, float]
    can_be_reached: bool


class Goals:
    def __init__(self, grid: raw_map.Map, radius: float, tolerance: float, rng, distance: tuple[float, float] = DISTANCE):
        self.grid, self.rng, self.distance = grid, rng, distance
        room = scene.largest_room(raw_map.inflate(grid, radius) & scene.seen_free(grid))
        self.inside = np.argwhere(room & raw_map.inflate(grid, radius + ROOM))
        # The planner may drive where the map only says free.
        self.reach = raw_map.Graph(raw_map.inflate(grid, radius)).reachable(tuple(self.inside[0]))
        far = dataclasses.replace(grid, state=np.where(self.reach, raw_map.OCCUPIED, raw_map.FREE))
        self.outside = np.argwhere(raw_map.inflate(far, tolerance + ROOM))

    def start(self) -> tuple[float, float, float]:
        return self._pose(self.inside[self.rng.integers(len(self.inside))])

    def next(self, robot: np.ndarray, can_be_reached: bool) -> Goal:
        cells = self.inside if can_be_reached or not len(self.outside) else self.outside
        can_be_reached = cells is self.inside
        away = np.hypot(*(self.grid.to_cells(robot[None])[0] - cells[:, ::-1] - 0.5).T) * self.grid.resolution
        near = cells[(away > self.distance[0]) & (away < self.distance[1])]
        near = near if len(near) else cells
        return Goal(self._pose(near[self.rng.integers(len(near))]), can_be_reached)

    def _pose(self, cell: np.ndarray) -> tuple[float, float, float]:
        x, y = self.grid.to_metres(cell[1] + 0.5, cell[0] + 0.5)
        return x, y, float(self.rng.uniform(-math.pi, math.pi))
