"""A costmap: the static map and what the lidar sees, in a window that rolls with the robot.

Hits mark cells, rays clear them, as in Nav2's obstacle layer. What leaves the window is forgotten. The static map stays.
"""

import math

import numpy as np

import places  # noqa: F401
import raw_map
from world import RANGE, STEP, Scan, World

# In metres from the robot to each side.
WINDOW = RANGE + 0.5
OCCUPIED, UNKNOWN = 100, -1
VALUES = np.array([0, OCCUPIED, UNKNOWN], np.int8)  # of raw_map.FREE, OCCUPIED, UNKNOWN


class Costmap:
    def __init__(self, world: World):
        self.grid, self.margin = world.grid, world.margin
        self.static = VALUES[world.grid.state]
        # With the world's margin, as the lidar's cells are.
        self.marked = np.zeros_like(world.occupied)
        self.values = self.static.copy()

    def take(self, scan: Scan, robot: tuple[float, float]) -> None:
        seen_through = np.arange(scan.along.shape[1]) < (scan.ends - math.ceil(self.grid.resolution / STEP))[:, None]
        flat = self.marked.ravel()  # a view
        flat[scan.along[seen_through]] = False
        hit = np.flatnonzero(scan.hit)
        flat[scan.along[hit, scan.ends[hit]]] = True
        col, row = (int(v) + self.margin for v in self.grid.to_cells(np.array([robot]))[0])
        reach = math.ceil(WINDOW / self.grid.resolution)
        inside = np.zeros_like(self.marked)
        inside[max(0, row - reach):row + reach + 1, max(0, col - reach):col + reach + 1] = True
        self.marked &= inside

    def changes(self) -> tuple[int, int, np.ndarray] | None:
        """(col, row, values) of the rectangle that has changed since the last call, if any has."""
        margin, (height, width) = self.margin, self.static.shape
        marked = self.marked[margin:margin + height, margin:margin + width]
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
