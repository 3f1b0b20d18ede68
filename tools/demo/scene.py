"""What happens in the demo, worked out from the raw map alone: goals, the dropped obstacle, and who touched what.

The map reader and the search over cells are those of tests/raw_map.py, which shares no code with the planner.
"""

import dataclasses
import itertools
import math
import pathlib
import sys

import numpy as np
import yaml
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
import raw_map  # noqa: E402

Pose = tuple[float, float, float]

# The start and the goals keep this much more than the robot's radius from obstacles, and this much from each other, in
# metres. They are chosen from so many places.
ROOM = 0.15
LEAST_APART = 1.0
CANDIDATES = 10


def largest_room(free: np.ndarray) -> np.ndarray:
    """The largest connected part of the free cells."""
    graph, left = raw_map.Graph(free), free.copy()
    best = np.zeros_like(free)
    while left.sum() > best.sum():
        part = graph.reachable(tuple(np.argwhere(left)[0]))
        left &= ~part
        if part.sum() > best.sum():
            best = part
    return best


def seen_free(grid: raw_map.Map) -> np.ndarray:
    """The cells that were clearly free when the map was made; some maps count never seen cells as free, too."""
    info = yaml.safe_load(grid.path.read_text())
    shades = np.asarray(Image.open(grid.path.parent / info["image"]).convert("L"))[::-1] / 255.0
    return (grid.state == raw_map.FREE) & ((shades if int(info.get("negate", 0)) else 1.0 - shades) < 0.1)


def choose_goals(grid: raw_map.Map, radius: float, count: int, budget: float) -> tuple[Pose, list[Pose]]:
    """Start and goals that show much of the map: points as far apart as a tour of at most `budget` metres allows."""
    room = largest_room(raw_map.inflate(grid, radius) & seen_free(grid)) & raw_map.inflate(grid, radius + ROOM)
    # Lengths are only wanted roughly, so a map of half the size will do; the points stay cells of the whole map.
    height, width = (n // 2 * 2 for n in room.shape)
    blocks = room[:height, :width].reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    blocks = largest_room(blocks)
    usable = room[:height:2, :width:2] & blocks
    if not usable.any():
        sys.exit(f"{grid.path}: no room for a robot of radius {radius} m")
    start = tuple(np.argwhere(usable)[0])
    graph = raw_map.Graph(blocks)
    field = graph.distances(start)
    points, fields = [], []
    for _ in range(CANDIDATES):
        nearest = np.min(fields, axis=0) if fields else field
        nearest = np.where(usable & np.isfinite(nearest), nearest, -1.0)
        points.append(tuple(int(v) for v in np.unravel_index(nearest.argmax(), nearest.shape)))
        fields.append(graph.distances(points[-1]))
    legs = np.array([[f[p] for p in points] for f in fields]) * 2 * grid.resolution
    # First as many goals as possible, then the distance of the two nearest points, then the length of the tour.
    best, best_score = None, (0, 0.0, 0.0)
    for number in range(1, count + 1):
        for chosen in itertools.combinations(range(len(points)), number + 1):
            apart = min(legs[a, b] for a, b in itertools.combinations(chosen, 2))
            if apart < LEAST_APART or (number, apart) < best_score[:2]:
                continue
            for tour in itertools.permutations(chosen):
                length = sum(legs[a, b] for a, b in itertools.pairwise(tour))
                if length <= budget and (number, apart, length) > best_score:
                    best, best_score = tour, (number, apart, length)
    if not best:
        sys.exit(f"{grid.path}: no goals within {budget} m of driving")
    places = [grid.to_metres(points[i][1] * 2 + 0.5, points[i][0] * 2 + 0.5) for i in best]
    # Each goal looks towards the next one, the last one back to the start.
    looks = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in zip(places, [*places[1:], places[0]])]
    poses = [(x, y, yaw) for (x, y), yaw in zip(places, looks)]
    return poses[0], poses[1:]


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """A dropped square of occupied cells; `col` and `row` are its first."""

    col: int
    row: int
    side: int

    def put(self, grid: raw_map.Map) -> raw_map.Map:
        state = grid.state.copy()
        state[self.row:self.row + self.side, self.col:self.col + self.side] = raw_map.OCCUPIED
        return dataclasses.replace(grid, state=state)

    def corners(self, grid: raw_map.Map) -> list[tuple[float, float]]:
        ends = ((0, 0), (self.side, 0), (self.side, self.side), (0, self.side))
        return [grid.to_metres(self.col + c, self.row + r) for c, r in ends]

    def distance(self, grid: raw_map.Map, x: float, y: float) -> float:
        """Metres from a point to the square."""
        col, row = grid.to_cells(np.array([[x, y]]))[0]
        outside = [max(low - v, v - low - self.side, 0.0) for v, low in ((col, self.col), (row, self.row))]
        return math.hypot(*outside) * grid.resolution


def obstacle_ahead(grid: raw_map.Map, path: np.ndarray, radius: float, side: float,
                   ahead: float) -> Obstacle | None:
    """A square around the point of the path that is so far ahead, if there is room for it and a way round."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path[:, :2], axis=0).T))])
    if along[-1] < ahead + 2.5 * radius + side:
        return None
    here = [np.interp(ahead, along, path[:, i]) for i in (0, 1)]
    cells = max(1, round(side / grid.resolution))
    col, row = (int(v) for v in np.round(grid.to_cells(np.array([here]))[0] - cells / 2))
    height, width = grid.state.shape
    if col < 0 or row < 0 or col + cells > width or row + cells > height:
        return None
    obstacle = Obstacle(col, row, cells)
    if min(obstacle.distance(grid, *end) for end in (path[0, :2], path[-1, :2])) < 2.5 * radius:
        return None
    # With room to spare, so that the way round doesn't hang on a single cell.
    free = raw_map.inflate(obstacle.put(grid), radius + grid.resolution)
    start, goal = (tuple(int(v) for v in np.floor(grid.to_cells(path[[i], :2]))[0][::-1]) for i in (0, -1))
    return obstacle if free[start] and raw_map.Graph(free).reachable(start)[goal] else None


@dataclasses.dataclass
class Clearance:
    """How near the robot's centre came to occupied cells, in metres (infinite beyond `Course.REACH`)."""

    to_centre: float
    to_square: float
    touched: set[tuple[int, int]]
    outside: int


class Course:
    """Checks driven positions against the raw map with the dropped obstacles."""

    REACH = 1.5

    def __init__(self, grid: raw_map.Map, physical_radius: float):
        self.grid, self.radius = grid, physical_radius
        self.reach = math.ceil(self.REACH / grid.resolution)
        self.occupied = np.pad(grid.state == raw_map.OCCUPIED, self.reach)

    def clearance(self, points: np.ndarray) -> Clearance:
        """`points` [n, 2 or more] begin with x and y in metres; samples between them lie at most a centimetre apart."""
        points = points[:, :2]
        result = Clearance(math.inf, math.inf, set(), 0)
        pieces = [points[:1]]
        for a, b in itertools.pairwise(points):
            count = max(1, math.ceil(math.dist(a, b) / 0.01))
            pieces.append(a + np.linspace(0.0, 1.0, count + 1)[1:, None] * (b - a))
        height, width = self.grid.state.shape
        size = 2 * self.reach + 1
        for col, row in self.grid.to_cells(np.concatenate(pieces)):
            c, r = math.floor(col), math.floor(row)
            if not (0 <= c < width and 0 <= r < height):
                result.outside += 1
                continue
            rows, cols = np.nonzero(self.occupied[r:r + size, c:c + size])
            if not rows.size:
                continue
            # Offsets of the cells' centres from the robot's.
            dx, dy = cols - self.reach + c + 0.5 - col, rows - self.reach + r + 0.5 - row
            centre = np.hypot(dx, dy) * self.grid.resolution
            square = np.hypot((abs(dx) - 0.5).clip(0), (abs(dy) - 0.5).clip(0)) * self.grid.resolution
            result.to_centre = min(result.to_centre, float(centre.min()))
            result.to_square = min(result.to_square, float(square.min()))
            for i in np.flatnonzero(square <= self.radius):
                result.touched.add((int(cols[i]) - self.reach + c, int(rows[i]) - self.reach + r))
        return result
