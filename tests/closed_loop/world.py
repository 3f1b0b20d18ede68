"""The true world: the map's occupied cells, people, and a robot's disc; what a lidar sees and what is touched."""

import math

import numpy as np

import people
import places  # noqa: F401
import raw_map
from lidar import RAYS, STEP, Lidar, Scan


class World:
    def __init__(self, grid: raw_map.Map, crowd: people.People, robot_radius: float):
        self.grid, self.crowd, self.robot_radius = grid, crowd, robot_radius
        self.lidar = Lidar(grid)
        # Around the map there is nothing.
        self.margin, self.steps = self.lidar.margin, self.lidar.steps
        self.occupied = np.pad(grid.state == raw_map.OCCUPIED, self.margin)

    def scan(self, pose: tuple[float, float, float]) -> Scan:
        x, y, yaw = pose
        angles = yaw + np.arange(RAYS) * (math.tau / RAYS)
        rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        origin = np.array([x, y])
        along = self.lidar.follow(origin, rays)
        blocked = self.occupied.ravel()[along]
        ends = np.where(blocked.any(axis=1), blocked.argmax(axis=1), len(self.steps))
        for place in self.crowd.places:
            distance = disc_range(origin, rays, place, people.RADIUS)
            ends = np.minimum(ends, (np.ceil(distance / STEP) - 1).clip(0, len(self.steps)).astype(np.int64))
        return self.lidar.scan(origin, rays, along, ends)

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
