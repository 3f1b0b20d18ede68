"""Grids to plan on, as maps of tests/raw_map.py (whose reader and checks share no code with the node). Lets the modules
beside it, and those of tests/strangers, be imported.
"""

import dataclasses
import math
import pathlib
import sys

import numpy as np
from geometry_msgs.msg import Quaternion
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/strangers")]
# For plan_status. Last: what has the same name there isn't meant.
sys.path.append(str(ROOT / "tools/demo"))
from raw_map import (  # noqa: E402, F401
    FREE, OCCUPIED, UNKNOWN, Checker, Graph, Map, Query, inflate, load, random_queries)

Pose = tuple[float, float, float]

RESOLUTION = 0.05
# `robot_radius` by default.
RADIUS = 0.2
VALUES = np.array([0, 100, -1], np.int8)  # of FREE, OCCUPIED, UNKNOWN


def room(width: int = 80, height: int = 60, origin: Pose = (0.0, 0.0, 0.0), name: str = "room") -> Map:
    """An empty room with walls all around."""
    state = np.full((height, width), FREE, np.uint8)
    state[[0, -1], :] = OCCUPIED
    state[:, [0, -1]] = OCCUPIED
    return Map(pathlib.Path(name), state, RESOLUTION, origin)


def with_block(grid: Map, cols: slice, rows: slice, state: int = OCCUPIED) -> Map:
    changed = grid.state.copy()
    changed[rows, cols] = state
    return dataclasses.replace(grid, state=changed)


def two_rooms(width: int = 80, height: int = 60) -> Map:
    """A wall between left and right that nobody gets past."""
    return with_block(room(width, height), slice(width // 2, width // 2 + 2), slice(None))


def gap(width: int = 80, height: int = 60) -> Map:
    """A wall with two gaps, one at the bottom and one at the top; the lower one is nearer to the middle."""
    wall = slice(width // 2, width // 2 + 2)
    grid = with_block(room(width, height), wall, slice(None))
    return with_block(with_block(grid, wall, slice(14, 28), FREE), wall, slice(height - 14, height - 1), FREE)


def quaternion(yaw: float) -> Quaternion:
    return Quaternion(z=math.sin(yaw / 2), w=math.cos(yaw / 2))


def yaw_of(q: Quaternion) -> float:
    return math.atan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z))


def grid_message(grid: Map, stamp, frame: str = "map") -> OccupancyGrid:
    """The grid as ROS carries it: row-major from the origin, 0 free, 100 occupied, -1 unknown."""
    msg = OccupancyGrid()
    msg.header.frame_id, msg.header.stamp = frame, stamp
    msg.info.height, msg.info.width = grid.state.shape
    msg.info.resolution = grid.resolution
    msg.info.origin.position.x, msg.info.origin.position.y = grid.origin[:2]
    msg.info.origin.orientation = quaternion(grid.origin[2])
    msg.data.frombytes(VALUES[grid.state].tobytes())
    return msg


def update_message(col: int, row: int, values: np.ndarray, stamp, frame: str = "map") -> OccupancyGridUpdate:
    """`values[row, col]`, as they are in an OccupancyGrid."""
    msg = OccupancyGridUpdate()
    msg.header.frame_id, msg.header.stamp = frame, stamp
    msg.x, msg.y = col, row
    msg.height, msg.width = values.shape
    msg.data.frombytes(values.astype(np.int8).tobytes())
    return msg


def costmap_values(grid: Map, radius: float) -> np.ndarray:
    """The values of a Nav2 costmap: 100 lethal, 99 within the radius, less further out, -1 unknown."""
    known = dataclasses.replace(grid, state=np.where(grid.state == UNKNOWN, FREE, grid.state))
    values = np.where(inflate(known, radius + 2 * grid.resolution), 0, 50)
    values[~inflate(known, radius)] = 99
    values[grid.state == OCCUPIED] = 100
    values[grid.state == UNKNOWN] = -1
    return values.astype(np.int8)
