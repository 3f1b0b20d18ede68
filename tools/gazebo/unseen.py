"""Goals in cells that have never been seen, while the robot maps."""

import pathlib

import imports  # noqa: F401, I001

import numpy as np
from nav_msgs.msg import OccupancyGrid

import raw_map
from costmap import states
from goals import Goal, Goals

# So near to the border of the map no goal is set, in metres: it grows by whole blocks, and one more row is no more
# room.
BORDER = 0.3


def grid_of(message: OccupancyGrid) -> raw_map.Map:
    info = message.info
    values = np.array(message.data, np.int8).reshape(info.height, info.width)
    return raw_map.Map(pathlib.Path("mapped"), states(values), info.resolution,
                       (info.origin.position.x, info.origin.position.y, 0.0))


class Unseen:
    def __init__(self, goals: Goals, rng):
        self.goals, self.rng = goals, rng
        self.grid: raw_map.Map | None = None
        self.sizes: list[dict] = []

    def take(self, message: OccupancyGrid) -> None:
        self.grid = grid_of(message)

    def next(self, robot: np.ndarray, message: OccupancyGrid) -> Goal | None:
        """The farthest place that is unknown yet, within the map as it is, and that the robot can really reach; None
        if there is none."""
        self.grid = grid_of(message)
        grid, truth = self.grid, self.goals.grid
        places = np.array([truth.to_metres(col + 0.5, row + 0.5) for row, col in self.goals.inside])
        cells = np.floor(grid.to_cells(places)).astype(int)
        height, width = grid.state.shape
        edge = round(BORDER / grid.resolution)
        inside = ((cells >= edge) & (cells < np.array([width, height]) - edge)).all(axis=1)
        unknown = np.zeros(len(places), bool)
        unknown[inside] = grid.state[cells[inside, 1], cells[inside, 0]] == raw_map.UNKNOWN
        if not unknown.any():
            return None
        places = places[unknown]
        x, y = places[np.hypot(*(places - robot).T).argmax()]
        return Goal((float(x), float(y), float(self.rng.uniform(-np.pi, np.pi))), True)

    def explored(self) -> float:
        """What part of all places is known."""
        truth = self.goals.grid
        places = np.array([truth.to_metres(col + 0.5, row + 0.5) for row, col in self.goals.inside])
        cells = np.floor(self.grid.to_cells(places)).astype(int)
        height, width = self.grid.state.shape
        inside = ((cells >= 0) & (cells < (width, height))).all(axis=1)
        known = self.grid.state[cells[inside, 1], cells[inside, 0]] != raw_map.UNKNOWN
        return round(float(known.sum()) / len(places), 3)


