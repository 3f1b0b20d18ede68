"""The true world: the map's occupied cells, people, and a robot's disc; what a lidar sees and what is touched."""

import dataclasses
import math

import numpy as np

import people
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


class World:
    def __init__(self, grid: raw_map.Map, crowd: people.People, robot_radius: float):
        self.grid, self.crowd, self.robot_radius = grid, crowd, robot_radius
        # Around the map there is nothing.
        self.margin = math.ceil(RANGE / grid.resolution) + 2
        self.occupied = np.pad(grid.state == raw_map.OCCUPIED, self.margin)
        self.steps = np.arange(STEP, RANGE, STEP)

    def scan(self, pose: tuple[float, float, float]) -> Scan:
        x, y, yaw = pose
        angles = yaw + np.arange(RAYS) * (math.tau / RAYS)
        rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        origin = self.grid.to_cells(np.array([[x, y]]))[0]
        ahead = self.grid.to_cells(np.array([x, y]) + rays) - origin
        cols = (origin[0] + ahead[:, :1] * self.steps + self.margin).astype(np.int64)
        rows = (origin[1] + ahead[:, 1:] * self.steps + self.margin).astype(np.int64)
        along = rows * self.occupied.shape[1] + cols
        blocked = self.occupied.ravel()[along]
        ends = np.where(blocked.any(axis=1), blocked.argmax(axis=1), len(self.steps))
        for place in self.crowd.places:
            distance = disc_range(np.array([x, y]), rays, place, people.RADIUS)
            ends = np.minimum(ends, (np.ceil(distance / STEP) - 1).clip(0, len(self.steps)).astype(np.int64))
        hit = ends < len(self.steps)
        points = np.array([x, y]) + rays[hit] * self.steps[ends[hit]][:, None]
        return Scan(along, ends, hit, points)

    def gaps(self, point: np.ndarray) -> tuple[float, float]:
        """Metres from the hull of the robot there to the nearest occupied square (infinite beyond 1 m) and person."""
        resolution = self.grid.resolution
        col, row = self.grid.to_cells(point[None])[0] + self.margin
        reach = math.ceil(1.0 / resolution)
        first = max(0, int(row) - reach), max(0, int(col) - reach)
        rows, cols = np.nonzero(self.occupied[first[0]:int(row) + reach + 1, first[1]:int(col) + reach + 1])
        # To squares, not to their centres.
        dx = (np.abs(cols + first[1] + 0.5 - col) - 0.5).clip(0)
        dy = (np.abs(rows + first[0] + 0.5 - row) - 0.5).clip(0)
        wall = float(np.hypot(dx, dy).min(initial=math.inf)) * resolution - self.robot_radius
        walking = np.hypot(*(self.crowd.places - point).T).min(initial=math.inf)
        return wall, float(walking) - people.RADIUS - self.robot_radius


def disc_range(origin: np.ndarray, rays: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """How far along each ray a disc begins; infinite for those that miss it."""
    to = centre - origin
    along = rays @ to
    aside = float(to @ to) - along**2
    inside = radius**2 - aside
    with np.errstate(invalid="ignore"):
        begins = along - np.sqrt(inside)
    return np.where((inside > 0) & (along > 0), np.maximum(begins, 0.0), np.inf)
