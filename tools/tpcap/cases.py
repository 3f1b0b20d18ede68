"""Parking cases of the TPCAP benchmark (https://www.tpcap.net): read, drawn into maps, and paths checked against their polygons."""

import dataclasses
import itertools
import math
import pathlib

import numpy as np
from PIL import Image

# The benchmark's vehicle: metres, and the steering's limit in radians. Its base is the middle of the rear axle.
WHEELBASE, FRONT, REAR, WIDTH, STEERING = 2.8, 0.96, 0.929, 1.942, 0.75
RADIUS = WHEELBASE / math.tan(STEERING)
FOOTPRINT = np.array([(-REAR, -WIDTH / 2), (WHEELBASE + FRONT, -WIDTH / 2), (WHEELBASE + FRONT, WIDTH / 2), (-REAR, WIDTH / 2)])
# The map ends so many metres beyond the start and the goal; nothing is driven on outside.
AROUND = 12.0
# Between poses the vehicle is looked at every so many metres, and radians.
STEP, TURN = 0.01, 0.005

Pose = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    start: Pose
    goal: Pose
    obstacles: list[np.ndarray]  # [n, 2] each


def read(file: pathlib.Path) -> Case:
    """One line of numbers: start, goal, how many obstacles, how many corners each has, and all corners.

    Everything is moved so that the start is at (0, 0): some cases are millions of kilometres away.
    """
    values = [float(v) for v in file.read_text().replace("\n", ",").split(",") if v.strip()]
    count = int(values[6])
    sizes = [int(v) for v in values[7:7 + count]]
    ends = [7 + count, *itertools.accumulate((2 * n for n in sizes), initial=7 + count)][1:]
    if len(values) != ends[-1]:
        raise ValueError(f"{file}: {len(values)} numbers, and its head says {ends[-1]}")
    x, y, yaw, goal_x, goal_y, goal_yaw = values[:6]
    obstacles = [np.array(values[a:b]).reshape(-1, 2) - (x, y) for a, b in itertools.pairwise(ends)]
    return Case(file.stem, (0.0, 0.0, yaw), (goal_x - x, goal_y - y, goal_yaw), obstacles)


def sides(polygon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return polygon, np.roll(polygon, -1, axis=0)


def holds(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points are inside a polygon."""
    a, b = sides(polygon)
    above = (a[:, 1] > points[:, None, 1]) != (b[:, 1] > points[:, None, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (points[:, None, 1] - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return (above & (at > points[:, None, 0])).sum(1) % 2 == 1


def cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two polygons have a point in common that is on the border of neither."""
    (a, b), (c, d) = (sides(p) for p in (one, other))
    a, b = a[:, None], b[:, None]
    parted = (cross(b - a, c - a) * cross(b - a, d - a) >= 0.0) | (cross(d - c, a - c) * cross(d - c, b - c) >= 0.0)
    return not parted.all() or bool(holds(one, other[:1]).any()) or bool(holds(other, one[:1]).any())


def draw(case: Case, resolution: float, folder: pathlib.Path) -> pathlib.Path:
    """Writes a map on which every cell is occupied that an obstacle touches; gives its YAML file."""
    ends = np.array([case.start[:2], case.goal[:2]])
    corner = np.floor((ends.min(0) - AROUND) / resolution) * resolution
    cols, rows = np.ceil((ends.max(0) + AROUND - corner) / resolution).astype(int)
    occupied = np.zeros((rows, cols), bool)
    for obstacle in case.obstacles:
        points = (obstacle - corner) / resolution
        for row in range(max(0, math.floor(points[:, 1].min())), min(rows, math.ceil(points[:, 1].max()))):
            occupied[row] |= touched(points, row, cols)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(occupied[::-1], 0, 254).astype(np.uint8)).save(folder / "map.pgm")
    file = folder / "map.yaml"
    file.write_text(f"image: map.pgm\nresolution: {resolution}\norigin: [{corner[0]}, {corner[1]}, 0.0]\n"
                    "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n")
    return file


def touched(polygon: np.ndarray, row: int, cols: int) -> np.ndarray:
    """Which cells of a row a polygon, in cells, touches: those that a side goes through, and those inside."""
    result = np.zeros(cols, bool)
    for a, b in zip(*sides(polygon)):
        low, high = (a, b) if a[1] <= b[1] else (b, a)
        if high[1] < row or low[1] > row + 1:
            continue
        shares = np.clip([(y - low[1]) / (high[1] - low[1]) if high[1] > low[1] else end
                          for y, end in ((row, 0.0), (row + 1, 1.0))], 0.0, 1.0)
        xs = low[0] + shares * (high[0] - low[0])
        first, last = math.floor(xs.min()), math.floor(xs.max())
        result[max(0, first):max(0, last + 1)] = True
    centres = np.stack([np.arange(cols) + 0.5, np.full(cols, row + 0.5)], axis=1)
    return result | holds(polygon, centres)


def between(poses: np.ndarray):
    """Poses [n, 3] with others between them: the base goes straight, and turns evenly."""
    yield poses[0]
    for a, b in itertools.pairwise(poses):
        turn = math.remainder(b[2] - a[2], math.tau)
        count = max(1, math.ceil(max(math.dist(a[:2], b[:2]) / STEP, abs(turn) / TURN)))
        for share in np.linspace(0.0, 1.0, count + 1)[1:]:
            yield a + share * np.array([*(b[:2] - a[:2]), turn])


def hit(case: Case, poses: np.ndarray) -> np.ndarray | None:
    """The first pose along a path at which the vehicle is in an obstacle."""
    reach = np.hypot(*FOOTPRINT.T).max()
    for pose in between(poses):
        c, s = math.cos(pose[2]), math.sin(pose[2])
        vehicle = FOOTPRINT @ np.array([(c, s), (-s, c)]) + pose[:2]
        for obstacle in case.obstacles:
            is_far = ((obstacle.min(0) > pose[:2] + reach) | (obstacle.max(0) < pose[:2] - reach)).any()
            if not is_far and overlap(vehicle, obstacle):
                return pose
    return None


def narrowest(poses: np.ndarray) -> float:
    """The least radius of a path's curves, in metres."""
    chords = np.hypot(*np.diff(poses[:, :2], axis=0).T)
    turns = np.abs((np.diff(poses[:, 2]) + math.pi) % math.tau - math.pi)
    with np.errstate(divide="ignore"):
        return float((chords / (2.0 * np.sin(turns / 2.0))).min())


def cusps(poses: np.ndarray) -> int:
    """How often a path changes between forwards and backwards."""
    steps = np.diff(poses, axis=0)
    middle = poses[:-1, 2] + ((steps[:, 2] + math.pi) % math.tau - math.pi) / 2
    moves = np.hypot(steps[:, 0], steps[:, 1]) > 1e-6
    ahead = (steps[:, 0] * np.cos(middle) + steps[:, 1] * np.sin(middle) > 0.0)[moves]
    return int((ahead[1:] != ahead[:-1]).sum())
