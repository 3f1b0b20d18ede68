"""Which occupied cells a polygon covers a part of, inside included, and how far it keeps from the others.

Shares no code with the planner: a side that enters a cell's square, or a square inside the polygon, is a hit.
"""

import itertools
import math

import numpy as np

from scene import Clearance, raw_map

# A polygon that enters a square by less than this, in cells, only touches it.
GRAZING = 1e-4
# Between two poses one is looked at so often, in metres and radians.
STEP, TURN = 0.01, 0.01
SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


def padded(corners, padding: float) -> tuple[tuple[float, float], ...]:
    """The corners moved away from both axes, as Nav2 does."""
    return tuple((x + math.copysign(padding, x), y + math.copysign(padding, y)) for x, y in corners)


def between(poses: np.ndarray) -> np.ndarray:
    """Poses [n, 3] with others between them: the base goes straight, and turns evenly."""
    pieces = [poses[:1]]
    for a, b in itertools.pairwise(poses):
        turn = math.remainder(b[2] - a[2], math.tau)
        count = max(1, math.ceil(max(math.dist(a[:2], b[:2]) / STEP, abs(turn) / TURN)))
        pieces.append(a + np.linspace(0.0, 1.0, count + 1)[1:, None] * (*(b[:2] - a[:2]), turn))
    return np.concatenate(pieces)


def distances(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """From each point [n, 2] to each line [m, 2] to [m, 2]."""
    along = ends - starts
    share = ((points[:, None] - starts) * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-12)
    return np.linalg.norm(points[:, None] - starts - share.clip(0.0, 1.0)[..., None] * along, axis=-1)


class Outline:
    """A robot's polygon beside the occupied cells of a map."""

    # Distances are looked for within this many metres.
    REACH = 0.5

    def __init__(self, grid: raw_map.Map, corners):
        self.grid = grid
        self.corners = np.array(corners) / grid.resolution
        self.ends = np.roll(self.corners, -1, axis=0)
        self.low, self.high = self.corners.min(0), self.corners.max(0)
        self.near = self.REACH / grid.resolution
        self.reach = math.ceil(np.hypot(*self.corners.T).max() + self.near) + 1
        self.occupied = np.pad(grid.state == raw_map.OCCUPIED, self.reach)
        # What isn't known to be free, for published paths.
        self.closed = np.pad(grid.state != raw_map.FREE, self.reach, constant_values=True)

    def cells_near(self, blocked: np.ndarray, pose: np.ndarray, margin: float):
        """The blocked cells within a margin of the polygon's box, and their centres in the robot's frame, in cells."""
        (col, row), = self.grid.to_cells(pose[None, :2])
        c, r = math.floor(col), math.floor(row)
        size = 2 * self.reach + 1
        rows, cols = np.nonzero(blocked[r:r + size, c:c + size])
        cells = np.stack([cols + c - self.reach, rows + r - self.reach], axis=1)
        yaw = pose[2] - self.grid.origin[2]
        turn = np.array([(math.cos(yaw), -math.sin(yaw)), (math.sin(yaw), math.cos(yaw))])
        centres = (cells + 0.5 - (col, row)) @ turn
        is_near = ((centres > self.low - margin) & (centres < self.high + margin)).all(1)
        return cells[is_near], centres[is_near], turn

    def is_hit(self, centres: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Which of the squares around centres in the robot's frame the polygon overlaps."""
        # Sides seen from each square's centre, in the grid's directions.
        starts, ends = ((corners - centres[:, None]) @ turn.T for corners in (self.corners, self.ends))
        way = ends - starts
        with np.errstate(divide="ignore", invalid="ignore"):
            enters, leaves = ((side * (0.5 - GRAZING) - starts) / way for side in (-np.sign(way), np.sign(way)))
        # Along an axis that a side doesn't move on, it is within the square everywhere or nowhere.
        inside = np.abs(starts) < 0.5 - GRAZING
        enters = np.where(way == 0.0, np.where(inside, -np.inf, np.inf), enters).max(-1).clip(0.0)
        leaves = np.where(way == 0.0, np.where(inside, np.inf, -np.inf), leaves).min(-1).clip(max=1.0)
        above = (starts[..., 1] > 0.0) != (ends[..., 1] > 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = starts[..., 0] - starts[..., 1] * way[..., 0] / way[..., 1]
        holds = (above & (crossing > 0.0)).sum(1) % 2 == 1
        return (enters < leaves).any(1) | holds

    def clearance(self, way: np.ndarray) -> Clearance:
        """Of driven poses [n, 3]: x, y, yaw in metres and radians."""
        result = Clearance(math.inf, math.inf, set(), 0)
        height, width = self.grid.state.shape
        for pose in between(way):
            (col, row), = self.grid.to_cells(pose[None, :2])
            if not (0 <= col < width and 0 <= row < height):
                result.outside += 1
                continue
            cells, centres, turn = self.cells_near(self.occupied, pose, self.near)
            if not len(cells):
                continue
            hit = self.is_hit(centres, turn)
            result.touched |= {(int(c), int(r)) for c, r in cells[hit]}
            if hit.any():
                result.to_square = 0.0
                continue
            # The nearest points of two shapes that don't overlap are a corner of one and a side of the other.
            squares = centres[:, None] + SQUARE @ turn
            ends = np.roll(squares, -1, axis=1)
            nearest = min(distances(squares.reshape(-1, 2), self.corners, self.ends).min(),
                          distances(self.corners, squares.reshape(-1, 2), ends.reshape(-1, 2)).min())
            centre = distances(centres, self.corners, self.ends).min()
            result.to_square = min(result.to_square, float(nearest) * self.grid.resolution)
            result.to_centre = min(result.to_centre, float(centre) * self.grid.resolution)
        return result

    def faults(self, path: np.ndarray) -> list[str]:
        """The first cell that isn't free in the way of a published path [n, 3]."""
        height, width = self.grid.state.shape
        for pose in between(path):
            (col, row), = self.grid.to_cells(pose[None, :2])
            if not (0 <= col < width and 0 <= row < height):
                return [f"the path leaves the map at ({pose[0]:.3f}, {pose[1]:.3f})"]
            cells, centres, turn = self.cells_near(self.closed, pose, 1.0)
            if len(cells) and (hit := self.is_hit(centres, turn)).any():
                at = ", ".join(f"{value:.3f}" for value in pose)
                return [f"at ({at}) the footprint is in cell (col, row) {tuple(cells[hit][0].tolist())}"]
        return []
