"""A map that grows: a stand-in for SLAM where the poses are known.

Log odds of occupancy for each cell, as in Thrun, Burgard, Fox, "Probabilistic Robotics", chapter 9: rays make what
they pass over likelier to be free, and what they end in likelier to be occupied. Where rays lead out of the grid, it
grows by whole blocks, to all sides, so its size changes and its origin moves.
"""

import math
import pathlib

import imports  # noqa: F401, I001

import numpy as np

import raw_map
from lidar import RANGE, Lidar, Scan

RESOLUTION = 0.05
# The grid grows by so many cells at once.
BLOCK = 40
# In log odds: what a ray says, the bounds, and from where on a cell counts as occupied or free. The bounds are narrow: one
# hit is enough for who steps into the way, and some passes for where somebody has gone.
HIT, MISS = 1.2, -0.6
LEAST, MOST = -0.6, 1.8
OCCUPIED, FREE = 0.6, -0.5


class Mapper:
    def __init__(self, resolution: float = RESOLUTION):
        self.resolution = resolution
        # Of cell (0, 0) of the grid, in cells of a grid whose corner is the origin of the map's frame.
        self.corner = (0, 0)
        self.odds = np.zeros((0, 0), np.float32)

    @property
    def origin(self) -> tuple[float, float, float]:
        return self.corner[0] * self.resolution, self.corner[1] * self.resolution, 0.0

    @property
    def grid(self) -> raw_map.Map:
        state = np.full(self.odds.shape, raw_map.UNKNOWN, np.uint8)
        state[self.odds <= FREE] = raw_map.FREE
        state[self.odds >= OCCUPIED] = raw_map.OCCUPIED
        return raw_map.Map(pathlib.Path("mapped"), state, self.resolution, self.origin)

    def take(self, pose: tuple[float, float, float], angles: np.ndarray, ranges: np.ndarray) -> Scan:
        """Enters a scan that was taken at a pose."""
        self._grow(pose)
        scan = Lidar(self._empty(), margin=0).measured(pose, angles, ranges)
        steps = np.arange(scan.along.shape[1])
        hit = np.flatnonzero(scan.hit)
        # Each cell once for each scan; where a ray ends none has passed.
        said = np.zeros(self.odds.size, np.float32)
        said[scan.along[steps < scan.ends[:, None]]] = MISS
        said[scan.along[hit, scan.ends[hit]]] = HIT
        self.odds += said.reshape(self.odds.shape)
        np.clip(self.odds, LEAST, MOST, out=self.odds)
        return scan

    def _empty(self) -> raw_map.Map:
        """The grid for what only needs its shape and place."""
        state = np.broadcast_to(np.uint8(raw_map.UNKNOWN), self.odds.shape)
        return raw_map.Map(pathlib.Path("mapped"), state, self.resolution, self.origin)

    def _grow(self, pose: tuple[float, float, float]) -> None:
        """So that it holds all that may be seen from a pose."""
        reach = RANGE + self.resolution
        wanted = np.array([[pose[0] - reach, pose[1] - reach], [pose[0] + reach, pose[1] + reach]]) / self.resolution
        low = [math.floor(v / BLOCK) * BLOCK for v in wanted[0]]
        high = [math.ceil(v / BLOCK) * BLOCK for v in wanted[1]]
        height, width = self.odds.shape
        if height:
            low = [min(a, b) for a, b in zip(low, self.corner)]
            high = [max(a, b + n) for a, b, n in zip(high, self.corner, (width, height))]
        if (high[0] - low[0], high[1] - low[1]) == (width, height) and tuple(low) == self.corner:
            return
        grown = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
        if height:
            col, row = self.corner[0] - low[0], self.corner[1] - low[1]
            grown[row:row + height, col:col + width] = self.odds
        self.odds, self.corner = grown, (low[0], low[1])
