"""What a lidar's rays pass over and where they end, as cells of a grid; the ranges may be simulated or measured."""

import dataclasses
import math

import numpy as np

import places  # noqa: F401
import raw_map

# The lidar: rays all around, their range, and the step in which they are followed, in metres. At this range the rays
# are nearer to each other than a cell is wide, so that what has gone is cleared everywhere.
RAYS = 720
RANGE = 5.5
STEP = 0.02


@dataclasses.dataclass
class Scan:
    """`along` [rays, steps]: flat indices of the cells of each ray; `ends` [rays]: at which step it was stopped."""

    along: np.ndarray
    ends: np.ndarray
    hit: np.ndarray
    points: np.ndarray  # [hits, 2], metres


class Lidar:
    """Over a grid with a margin: the shape is that of the cells that rays may pass over."""

    def __init__(self, grid: raw_map.Map, margin: int | None = None):
        self.grid = grid
        self.margin = math.ceil(RANGE / grid.resolution) + 2 if margin is None else margin
        self.shape = tuple(n + 2 * self.margin for n in grid.state.shape)
        self.steps = np.arange(STEP, RANGE, STEP)

    def follow(self, place: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """[rays, steps] flat indices of the cells that the rays, which are unit vectors, pass over."""
        origin = self.grid.to_cells(place[None])[0]
        ahead = self.grid.to_cells(place + rays) - origin
        cols = (origin[0] + ahead[:, :1] * self.steps + self.margin).astype(np.int64)
        rows = (origin[1] + ahead[:, 1:] * self.steps + self.margin).astype(np.int64)
        return rows * self.shape[1] + cols

    def scan(self, place: np.ndarray, rays: np.ndarray, along: np.ndarray, ends: np.ndarray) -> Scan:
        hit = ends < len(self.steps)
        return Scan(along, ends, hit, place + rays[hit] * self.steps[ends[hit]][:, None])

    def measured(self, pose: tuple[float, float, float], angles: np.ndarray, ranges: np.ndarray) -> Scan:
        """Of ranges in metres, infinite where there was nothing; `angles` are those of the sensor's frame."""
        rays = np.stack([np.cos(angles + pose[2]), np.sin(angles + pose[2])], axis=1)
        place = np.array(pose[:2])
        # The first step that isn't before the surface: a hit is in the cell behind it, not in the one before.
        ends = np.ceil(np.minimum(ranges, 2.0 * RANGE) / STEP - 1e-6).astype(np.int64) - 1
        return self.scan(place, rays, self.follow(place, rays), ends.clip(0, len(self.steps)))
