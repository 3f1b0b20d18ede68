"""Obstacles that drive to and fro across the robot's way, published as changed rectangles of the map."""

import dataclasses
import math

import numpy as np

from map_publisher import VALUES
from scene import raw_map

SPEED = 0.6
RADIUS = 0.25
# They stop this near to the robot, in metres, and don't appear nearer.
RESPECT = 1.2
# They cross the path this far ahead of the robot, in metres, and drive so far to both sides.
AHEAD = (3.0, 8.0)
SIDE = 1.5
# So long each of them stays, in seconds.
STAY = 8.0


@dataclasses.dataclass
class Mover:
    """A disc on a straight way between two points."""

    ends: np.ndarray
    until: float
    along: float = 0.0
    forth: bool = True

    def place(self) -> np.ndarray:
        return self.ends[0] + self.along * (self.ends[1] - self.ends[0])

    def move(self, dt: float) -> None:
        share = SPEED * dt / max(math.dist(*self.ends), 1e-6)
        self.along += share if self.forth else -share
        if not 0.0 <= self.along <= 1.0:
            self.along, self.forth = min(max(self.along, 0.0), 1.0), not self.forth


class Movers:
    """All of them, and the map with and without them."""

    def __init__(self, grid: raw_map.Map, count: int, rng):
        self.grid, self.count, self.rng = grid, count, rng
        self.movers: list[Mover] = []
        self.state = grid.state.copy()
        # What was lately occupied all the time, for the check of paths: (when, state of the whole map).
        self.history: list[tuple[float, np.ndarray]] = [(-math.inf, grid.state)]

    def update(self, now: float, dt: float, robot: tuple[float, float], path: np.ndarray | None):
        """Moves all; gives (col, row, width, height, values) of the rectangle that changed, or None."""
        self.movers = [mover for mover in self.movers if mover.until > now]
        for mover in self.movers:
            before = (mover.along, mover.forth)
            mover.move(dt)
            if math.dist(mover.place(), robot) < RESPECT:
                mover.along, mover.forth = before[0], not before[1]
        if path is not None and len(self.movers) < self.count:
            mover = self.across(path, robot, now)
            self.movers += [mover] if mover else []
        return self.draw(now)

    def across(self, path: np.ndarray, robot: tuple[float, float], now: float) -> Mover | None:
        """One whose way crosses the path ahead of the robot."""
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path[:, :2], axis=0).T))])
        ahead = self.rng.uniform(*AHEAD)
        if along[-1] < ahead + AHEAD[0]:
            return None
        middle = np.array([np.interp(ahead, along, path[:, i]) for i in (0, 1)])
        later = np.array([np.interp(ahead + 0.2, along, path[:, i]) for i in (0, 1)])
        across = np.array([middle[1] - later[1], later[0] - middle[0]])
        across *= SIDE / max(float(np.hypot(*across)), 1e-6)
        ends = np.array([middle + across, middle - across])[:: self.rng.choice((1, -1))]
        if math.dist(ends[0], robot) < RESPECT:
            return None
        return Mover(ends, now + STAY)

    def draw(self, now: float):
        state = self.grid.state.copy()
        cells = self.grid.to_cells(np.array([mover.place() for mover in self.movers])) if self.movers else []
        reach = math.ceil(RADIUS / self.grid.resolution) + 1
        height, width = state.shape
        for col, row in cells:
            rows = np.arange(max(0, int(row) - reach), min(height, int(row) + reach + 1))
            cols = np.arange(max(0, int(col) - reach), min(width, int(col) + reach + 1))
            if not rows.size or not cols.size:
                continue
            near = np.hypot(rows[:, None] + 0.5 - row, cols + 0.5 - col) * self.grid.resolution <= RADIUS
            state[np.ix_(rows, cols)] = np.where(near, raw_map.OCCUPIED, state[np.ix_(rows, cols)])
        changed = np.argwhere(state != self.state)
        self.state = state
        self.history = [old for old in self.history[-20:] if old[0] > now - 2.0] + [(now, state)]
        if not changed.size:
            return None
        (row, col), (last_row, last_col) = changed.min(axis=0), changed.max(axis=0)
        part = VALUES[state[row:last_row + 1, col:last_col + 1]]
        return int(col), int(row), int(last_col - col + 1), int(last_row - row + 1), part.tobytes()

    def occupied_since(self, begin: float) -> np.ndarray:
        """The map with only what was occupied at every moment from `begin` on: a path of that time can't cross it."""
        states = [state for when, state in self.history if when >= begin]
        before = [state for when, state in self.history if when < begin]
        occupied = np.logical_and.reduce([state == raw_map.OCCUPIED for state in before[-1:] + states])
        state = self.grid.state.copy()
        state[occupied] = raw_map.OCCUPIED
        return state
