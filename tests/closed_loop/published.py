"""What has been published of the map, and which paths cross it: the judge's own book."""

import dataclasses
import math

import numpy as np

import places  # noqa: F401
import raw_map
from costmap import states

# Paths are sampled this often, in cells.
DENSE, COARSE = 0.2, 0.5
# A robot nearer to an obstacle than its radius may depart over so much (`start_tolerance`, and a cell), in metres.
DEPARTURE = 0.37


def along(path: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


def samples(path: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points along a path, its own among them, and how far along it each is."""
    length = along(path)
    at = np.union1d(np.arange(0.0, length[-1], step), length)
    return np.stack([np.interp(at, length, path[:, i]) for i in (0, 1)], axis=1), at


class Published:
    def __init__(self, grid: raw_map.Map, parameters: dict):
        """The parameters are the planner's."""
        self.grid, self.radius, self.parameters = grid, parameters["robot_radius"], parameters
        self.state = np.full_like(grid.state, raw_map.UNKNOWN)
        # Since when each cell may not be crossed, in seconds; infinite for those that may.
        self.since = np.full(self.state.shape, -math.inf)
        # Where the robot may be: no occupied cell's centre is within the radius of these cells' centres.
        self.free = np.zeros(self.state.shape, bool)
        self.reach = math.ceil(self.radius / grid.resolution) + 1

    def update(self, when: float, col: int, row: int, values: np.ndarray) -> None:
        """A rectangle as it was published; the whole map is one, too."""
        part = np.s_[row:row + values.shape[0], col:col + values.shape[1]]
        self.state[part] = states(values)
        closed = self.state[part] != raw_map.FREE
        self.since[part] = np.where(closed, np.minimum(self.since[part], when), math.inf)
        # What is free around it depends on what is occupied as far around again.
        low = max(0, row - self.reach), max(0, col - self.reach)
        high = row + values.shape[0] + self.reach, col + values.shape[1] + self.reach
        wide = tuple(slice(max(0, a - self.reach), b + self.reach) for a, b in zip(low, high))
        near = raw_map.inflate(dataclasses.replace(self.grid, state=self.state[wide]), self.radius)
        self.free[low[0]:high[0], low[1]:high[1]] = near[low[0] - wide[0].start:high[0] - wide[0].start,
                                                         low[1] - wide[1].start:high[1] - wide[1].start]

    def crossed_since(self, path: np.ndarray) -> float:
        """Since when the first closed of the cells that the path touches has been so; infinite if all are free."""
        points, _ = samples(self.grid.to_cells(path), DENSE)
        col, row = self._inside(points)
        return float(self.since[row, col].min(initial=math.inf))

    def blocks(self, path: np.ndarray) -> bool:
        """Whether the path touches a closed cell, or, beyond where a robot may depart, isn't between the centres of cells
        that are all free: a line needs room on both sides."""
        points, at = samples(self.grid.to_cells(path), DENSE)
        departing = at <= DEPARTURE / self.grid.resolution
        col, row = self._inside(points[departing])
        if (self.state[row, col] != raw_map.FREE).any():
            return True
        beyond = points[~departing]
        return any((~self.free[row, col]).any() for col, row in (
            self._inside(beyond - 0.5 + shift) for shift in ((0.01, 0.01), (0.01, 0.99), (0.99, 0.01), (0.99, 0.99))))

    def _occupied_around(self, points: np.ndarray, metres: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of all pairs of a point and an occupied cell whose centre is nearer than this to it: the number of the point,
        the cell (col, row), and the distance in metres."""
        reach = math.ceil(metres / self.grid.resolution) + 1
        around = np.array([(c, r) for r in range(-reach, reach + 1) for c in range(-reach, reach + 1)])
        cells = np.floor(points).astype(int)[:, None] + around
        height, width = self.state.shape
        col, row = cells[..., 0].clip(0, width - 1), cells[..., 1].clip(0, height - 1)
        point, index = np.nonzero(self.state[row, col] == raw_map.OCCUPIED)
        found = cells[point, index]
        gaps = np.hypot(*(points[point] - found - 0.5).T) * self.grid.resolution
        near = gaps < metres
        return point[near], found[near], gaps[near]

    def in_the_way_of(self, path: np.ndarray) -> np.ndarray:
        """[n, 2] (row, col) of the occupied cells that the path comes too near to."""
        return self._occupied_around(samples(self.grid.to_cells(path), COARSE)[0], self.radius - 1e-3)[1][:, ::-1]

    def travel_cost(self, path: np.ndarray) -> float:
        """Metres times weights, as the parameters and Nav2's inflation layer have it: 1 + `cost_travel_multiplier`,
        falling with the distance beyond the radius by `cost_scaling_factor`."""
        points, at = samples(self.grid.to_cells(path), COARSE)
        radius, factor = self.parameters["inflation_radius"], self.parameters["cost_scaling_factor"]
        point, _, gaps = self._occupied_around(points, radius)
        nearest = np.full(len(points), math.inf)
        np.minimum.at(nearest, point, gaps)
        weights = 1.0 + self.parameters["cost_travel_multiplier"] * np.exp(-factor * (nearest - self.radius).clip(0.0))
        return float(np.trapezoid(weights, at)) * self.grid.resolution

    def _inside(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = self.state.shape
        cells = np.floor(points).astype(int)
        return cells[:, 0].clip(0, width - 1), cells[:, 1].clip(0, height - 1)


def leads(grid: raw_map.Map, free: np.ndarray, start: np.ndarray, goal: np.ndarray, tolerance: float) -> bool:
    """Whether free cells lead from near the start to near the goal."""
    centres = np.argwhere(free)[:, ::-1] + 0.5
    away = [np.hypot(*(centres - grid.to_cells(point[None])[0]).T) * grid.resolution for point in (start, goal)]
    first = away[0].argmin()
    if away[0][first] > DEPARTURE:
        return False
    reached = raw_map.Graph(free).reachable(tuple(int(v) for v in centres[first][::-1]))
    near = centres[away[1] <= tolerance].astype(int)
    return bool(reached[near[:, 1], near[:, 0]].any())
