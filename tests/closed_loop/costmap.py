"""A costmap: the static map and what the lidar sees, in a window that rolls with the robot.

Hits mark cells, rays clear them, as in Nav2's obstacle layer. What leaves the window is forgotten, and so is what hasn't
been seen for a while, as in the spatio-temporal voxel layer: who has walked behind a shelf isn't there for ever. The
static map stays.
"""

import math

import numpy as np

import places  # noqa: F401
import raw_map
from lidar import RANGE, Lidar, Scan

# In metres from the robot to each side.
WINDOW = RANGE + 0.5
# How long what was seen is remembered, in seconds.
MEMORY = 8.0
OCCUPIED, UNKNOWN = 100, -1
VALUES = np.array([0, OCCUPIED, UNKNOWN], np.int8)  # of raw_map.FREE, OCCUPIED, UNKNOWN


class Costmap:
    def __init__(self, lidar: Lidar):
        self.lidar, self.grid, self.margin = lidar, lidar.grid, lidar.margin
        self.static = VALUES[lidar.grid.state]
        # With a margin, as the lidar's cells are.
        self.marked_at = np.full(lidar.shape, -np.inf)
        self.time = 0.0
        self.values = self.static.copy()

    def take(self, scan: Scan, robot: tuple[float, float], time: float) -> None:
        self.time = time
        seen_through = np.arange(scan.along.shape[1]) < scan.ends[:, None]
        flat = self.marked_at.ravel()  # a view
        flat[scan.along[seen_through]] = -np.inf
        hit = np.flatnonzero(scan.hit)
        flat[scan.along[hit, scan.ends[hit]]] = time
        col, row = (int(v) + self.margin for v in self.grid.to_cells(np.array([robot]))[0])
        reach = math.ceil(WINDOW / self.grid.resolution)
        outside = np.ones(self.marked_at.shape, bool)
        outside[max(0, row - reach):row + reach + 1, max(0, col - reach):col + reach + 1] = False
        self.marked_at[outside] = -np.inf

    def changes(self) -> tuple[int, int, np.ndarray] | None:
        """(col, row, values) of the rectangle that has changed since the last call, if any has."""
        margin, (height, width) = self.margin, self.static.shape
        marked = self.time - self.marked_at[margin:margin + height, margin:margin + width] < MEMORY
        # A mark in an unknown cell is what was seen there; a free cell there stays unknown.
        values = np.where(marked, np.int8(OCCUPIED), self.static)
        changed = values != self.values
        self.values = values
        rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if not rows.size:
            return None
        return int(cols[0]), int(rows[0]), values[rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1].copy()


def states(values: np.ndarray) -> np.ndarray:
    """Values of a grid message as states of raw_map."""
    return np.where(values < 0, raw_map.UNKNOWN, np.where(values >= raw_map.OCCUPIED_FROM, raw_map.OCCUPIED,
                                                           raw_map.FREE)).astype(np.uint8)
