"""Raw maps read, inflated, searched and compared with paths: everything that judges the planner.

Shares no code with it: its own map reader, inflation, reachability, shortest paths and collision check, the last on the
raw map. Used by check_paths.py, the tests over DDS and the demo.
"""

import collections
import dataclasses
import math
import pathlib

import numpy as np
import yaml
from PIL import Image

FREE, OCCUPIED, UNKNOWN = 0, 1, 2
# From here on trm_node takes a cell for occupied (parameter occupied_threshold).
OCCUPIED_FROM = 65
# Poses may be this many cells apart, so that controllers find the path dense.
GREATEST_STRIDE = 5.0
# Moves (rows, cols) of a path over cells.
MOVES = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]


@dataclasses.dataclass
class Map:
    """A raw map: `state[row, col]`, row 0 at the origin."""

    path: pathlib.Path
    state: np.ndarray
    resolution: float
    origin: tuple[float, float, float]

    def to_cells(self, points: np.ndarray) -> np.ndarray:
        """Points [n, 2] in metres to (col, row) in cells from the grid's corner."""
        x, y, yaw = self.origin
        d = points - (x, y)
        turned = np.stack([d[:, 0] * math.cos(yaw) + d[:, 1] * math.sin(yaw),
                           d[:, 1] * math.cos(yaw) - d[:, 0] * math.sin(yaw)], axis=1)
        return turned / self.resolution

    def to_metres(self, cols: float, rows: float) -> tuple[float, float]:
        """(col, row) in cells from the grid's corner to metres."""
        x, y, yaw = self.origin
        a, b = cols * self.resolution, rows * self.resolution
        return (float(x + a * math.cos(yaw) - b * math.sin(yaw)), float(y + a * math.sin(yaw) + b * math.cos(yaw)))


def shades_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """The grey value of each pixel, and its opacity if it has one."""
    alpha = None
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = np.asarray(image)[:, :, 3]
    if image.mode in ("RGB", "RGBA", "P"):
        colours = np.asarray(image.convert("RGB")).astype(np.int64)
        return (colours @ np.array([299, 587, 114])) // 1000, alpha
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64) // 257, alpha
    return np.asarray(image.convert("L")).astype(np.int64), alpha


def states(shades: np.ndarray, alpha: np.ndarray | None, mode: str, negate: bool, low: float,
           high: float) -> np.ndarray:
    """What the map server makes of grey values, with the thresholds of free and occupied."""
    if mode == "raw":
        value = np.where(shades <= 100, shades, -1)
    else:
        light = shades / 255.0
        dark = light if negate else 1.0 - light
        between = np.round((dark - low) / max(high - low, 1e-12) * 100) if mode == "scale" else -1
        value = np.where(dark <= low, 0, np.where(dark >= high, 100, between))
        if alpha is not None:
            value = np.where(alpha < 255, -1, value)
    return np.where(value < 0, UNKNOWN, np.where(value >= OCCUPIED_FROM, OCCUPIED, FREE)).astype(np.uint8)


def load(path: pathlib.Path) -> Map:
    """Reads a map_server YAML file and its image."""
    info = yaml.safe_load(path.read_text())
    shades, alpha = shades_of(Image.open(path.parent / info["image"]))
    thresholds = float(info["free_thresh"]), float(info["occupied_thresh"])
    state = states(shades, alpha, info.get("mode", "trinary").lower(), bool(int(info["negate"])), *thresholds)
    return Map(path, state[::-1].copy(), float(info["resolution"]), tuple(float(v) for v in info["origin"]))


def offsets_within(cells: float) -> list[tuple[int, int]]:
    reach = math.ceil(cells)
    grid = range(-reach, reach + 1)
    return [(r, c) for r in grid for c in grid if math.hypot(r, c) <= cells + 1e-9]


def inflate(grid: Map, radius: float) -> np.ndarray:
    """Which cells the robot's centre may be in: known, free, and no occupied cell's centre within the radius."""
    occupied = grid.state == OCCUPIED
    reach = math.ceil(radius / grid.resolution) + 1
    padded = np.pad(occupied, reach)
    near = np.zeros_like(occupied)
    height, width = occupied.shape
    for r, c in offsets_within(radius / grid.resolution):
        near |= padded[reach + r:reach + r + height, reach + c:reach + c + width]
    return (grid.state == FREE) & ~near


class Graph:
    """The eight moves between free cells that cut no corner, over flat indices of the padded grid."""

    def __init__(self, free: np.ndarray):
        self.free = np.pad(free, 1)
        self.stride = self.free.shape[1]
        self.size = self.free.size
        flat = self.free.ravel()
        self.moves = []
        for r, c in MOVES:
            def at(rows: int, cols: int) -> np.ndarray:
                return np.roll(flat, -(rows * self.stride + cols))
            # The padding keeps np.roll's wrapping out of free cells.
            self.moves.append((r * self.stride + c, math.hypot(r, c), flat & at(r, c) & at(r, 0) & at(0, c)))

    def flat(self, cell: tuple[int, int]) -> int:
        return (cell[0] + 1) * self.stride + cell[1] + 1

    def reachable(self, cell: tuple[int, int]) -> np.ndarray:
        """All cells that can be reached, by breadth-first search; same shape as the grid."""
        seen = np.zeros(self.size, bool)
        front = np.array([self.flat(cell)])
        seen[front] = True
        while front.size:
            steps = [front[legal[front]] + offset for offset, _, legal in self.moves]
            front = np.unique(np.concatenate(steps))
            front = front[~seen[front]]
            seen[front] = True
        return seen.reshape(self.free.shape)[1:-1, 1:-1]

    def shortest(self, pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> np.ndarray:
        """Length in cells of the shortest path of each pair; exact."""
        starts = np.arange(len(pairs)) * self.size + [self.flat(start) for start, _ in pairs]
        return self._costs([goal for _, goal in pairs], starts)[starts]

    def distances(self, cell: tuple[int, int]) -> np.ndarray:
        """Length in cells of the shortest path from every cell to one, infinite where there is none; same shape as the
        grid."""
        return self._costs([cell]).reshape(self.free.shape)[1:-1, 1:-1]

    def _costs(self, goals: list[tuple[int, int]], starts: np.ndarray | None = None) -> np.ndarray:
        """The cost of every cell for each goal, one after the other; with a start for each, no more than those need.

        Dijkstra's algorithm for all goals at once: no move is shorter than 1, so all cells whose cost has the same
        whole part are final together.
        """
        cost = np.full(len(goals) * self.size, np.inf)
        first = np.arange(len(goals)) * self.size + [self.flat(goal) for goal in goals]
        cost[first] = 0.0
        open_cells = collections.defaultdict(list, {0: [first]})
        bucket = 0
        while open_cells and (starts is None or not np.all(cost[starts] < bucket)):
            front = np.unique(np.concatenate(open_cells.pop(bucket, [np.empty(0, np.int64)])))
            front = front[np.floor(cost[front]) == bucket]
            if starts is not None:
                # A pair whose start is done needs no more work.
                front = front[~(cost[starts] < bucket)[front // self.size]]
            for offset, length, legal in self.moves:
                source = front[legal[front % self.size]]
                target, new = source + offset, cost[source] + length
                better = new < cost[target]
                target, new = target[better], new[better]
                cost[target] = new
                for later in (bucket + 1, bucket + 2):
                    part = target[np.floor(new) == later]
                    if part.size:
                        open_cells[later].append(part)
            bucket += 1
        return cost


@dataclasses.dataclass
class Query:
    start: tuple[float, float]
    goal: tuple[float, float]
    cells: tuple[tuple[int, int], tuple[int, int]]


def random_queries(grid: Map, graph: Graph, radius: float, count: int, least: float, rng) -> list[Query]:
    """Pairs of free cells with a path between them, at least `least` metres apart in a straight line."""
    free = graph.free[1:-1, 1:-1]
    cells = np.argwhere(free)
    # Points off their cell's centre only where the clearance stays whatever the way to the centre is.
    roomy = inflate(grid, radius + grid.resolution)
    component = np.zeros(free.shape, np.int64)
    components = 0
    queries: list[Query] = []

    def point(cell: tuple[int, int]) -> tuple[float, float]:
        shift = rng.uniform(-0.4, 0.4, 2) if roomy[cell] else (0.0, 0.0)
        return grid.to_metres(cell[1] + 0.5 + shift[0], cell[0] + 0.5 + shift[1])

    for _ in range(1000 * count):
        if len(queries) == count or len(cells) < 2:
            break
        start, goal = (tuple(int(v) for v in cells[i]) for i in rng.integers(0, len(cells), 2))
        if start == goal or math.dist(start, goal) * grid.resolution < least:
            continue
        if component[goal] == 0:
            components += 1
            component[graph.reachable(goal)] = components
        if component[start] == component[goal]:
            queries.append(Query(point(start), point(goal), (start, goal)))
    return queries


class Checker:
    """Says what is wrong with a path, looking only at the raw map."""

    def __init__(self, grid: Map, radius: float):
        self.grid, self.radius = grid, radius
        self.reach = math.ceil(radius / grid.resolution) + 1
        margin = self.reach + 2
        # Everything outside the map counts as unknown.
        self.state = np.pad(grid.state, margin, constant_values=UNKNOWN)
        self.margin = margin

    def faults(self, query: Query, poses: list[list[float]], goal_yaw: float | None) -> list[str]:
        path = np.array(poses, float)
        if path.ndim != 2 or path.shape[1] != 3 or not np.isfinite(path).all():
            return ["poses are not all [x, y, yaw] with finite numbers"]
        faults = []
        half = self.grid.resolution * math.sqrt(0.5) + 1e-9
        for name, pose, asked in (("starts", path[0], query.start), ("ends", path[-1], query.goal)):
            if math.dist(pose[:2], asked) > half:
                faults.append(f"{name} at {pose[:2].tolist()}, asked for {asked}")
        if goal_yaw is not None and abs(math.remainder(path[-1, 2] - goal_yaw, math.tau)) > 1e-6:
            faults.append(f"ends with yaw {path[-1, 2]}, asked for {goal_yaw}")
        strides = np.hypot(*np.diff(path[:, :2], axis=0).T) / self.grid.resolution
        if strides.size and strides.max() > GREATEST_STRIDE:
            faults.append(f"poses are {strides.max():.1f} cells apart")
        return faults + self.collisions(self.grid.to_cells(path[:, :2]))

    def collisions(self, path: np.ndarray) -> list[str]:
        """`path` in cells; samples each segment ten times a cell."""
        pieces = [path[:1]]
        for a, b in zip(path[:-1], path[1:]):
            count = max(1, math.ceil(math.dist(a, b) * 10))
            pieces.append(a + np.linspace(0.0, 1.0, count + 1)[1:, None] * (b - a))
        points = np.concatenate(pieces)
        height, width = self.grid.state.shape
        if points.min() < 0 or (points > (width, height)).any():
            return ["leaves the map"]
        faults = []
        # A point on a border touches the cells on both sides.
        for shift in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            cells = np.floor(points + np.array(shift) * 1e-6).astype(int)
            state = self.state[cells[:, 1] + self.margin, cells[:, 0] + self.margin]
            for value, name in ((OCCUPIED, "occupied"), (UNKNOWN, "unknown")):
                hits = np.flatnonzero(state == value)
                if hits.size:
                    faults.append(f"touches {name} cell (col, row) {cells[hits[0]].tolist()}")
        cells = np.floor(points).astype(int)
        nearest, where = math.inf, None
        for r in range(-self.reach, self.reach + 1):
            for c in range(-self.reach, self.reach + 1):
                other = cells + (c, r)
                occupied = self.state[other[:, 1] + self.margin, other[:, 0] + self.margin] == OCCUPIED
                if occupied.any():
                    gaps = np.hypot(*(points[occupied] - other[occupied] - 0.5).T)
                    if gaps.min() < nearest:
                        nearest, where = gaps.min(), points[occupied][gaps.argmin()]
        if nearest * self.grid.resolution < self.radius - 1e-6:
            faults.append(f"comes within {nearest * self.grid.resolution:.4f} m of an occupied cell's centre "
                          f"at (col, row) {np.round(where, 2).tolist()}")
        return sorted(set(faults))
