"""demo.png: the map with everything that happened on it, and the figures beside it."""

import math
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import scene
from scene import raw_map

# Drawn this much larger and shrunk at the end, which smooths all edges.
OVERSAMPLE = 3
# The robot's outline is drawn when it has gone so far, or turned so far, in metres and radians.
STRIDE, TURN = 0.12, 0.5
# Final size in pixels of the map's longer side, of the panel, of margins.
MAP_SIDE, PANEL, MARGIN, HEADER = 1060, 480, 28, 96

PAPER, INK, FAINT = (255, 255, 255), (28, 34, 48), (120, 128, 142)
UNKNOWN, FREE, WALL = (226, 229, 234), (250, 250, 248), (52, 60, 76)
LOADED = (190, 110, 0)
WAY, OBSTACLE, WINDOW, GOAL = (214, 40, 80), (245, 130, 10), (120, 60, 200), (16, 122, 87)
SOURCES = {"model": (36, 110, 220), "previous": (0, 160, 180), "fallback": (230, 140, 0), "lattice": (120, 60, 200)}


def font(size: float) -> ImageFont.ImageFont:
    return ImageFont.load_default(size * OVERSAMPLE)


class Board:
    """The map on the canvas: cells and metres to pixels of the oversampled canvas."""

    def __init__(self, grid: raw_map.Map, known: np.ndarray):
        self.grid = grid
        rows, cols = np.nonzero(known)
        height, width = known.shape
        # The part worth showing, with a border of half a metre.
        edge = round(0.5 / grid.resolution)
        self.left, self.bottom = max(0, cols.min() - edge), max(0, rows.min() - edge)
        self.right, self.top = min(width, cols.max() + 1 + edge), min(height, rows.max() + 1 + edge)
        self.scale = MAP_SIDE / max(self.right - self.left, self.top - self.bottom) * OVERSAMPLE
        self.size = (round((self.right - self.left) * self.scale), round((self.top - self.bottom) * self.scale))
        self.corner = (MARGIN * OVERSAMPLE, HEADER * OVERSAMPLE)

    def pixels(self, points) -> list[tuple[float, float]]:
        """Points in metres."""
        cells = self.grid.to_cells(np.asarray(points, float)[:, :2])
        x = self.corner[0] + (cells[:, 0] - self.left) * self.scale
        y = self.corner[1] + (self.top - cells[:, 1]) * self.scale
        return list(zip(x.tolist(), y.tolist()))

    def metres(self, length: float) -> float:
        return length / self.grid.resolution * self.scale

    def picture(self, seen: np.ndarray) -> Image.Image:
        state = self.grid.state[self.bottom:self.top, self.left:self.right][::-1]
        seen = seen[self.bottom:self.top, self.left:self.right][::-1]
        colours = np.full((*state.shape, 3), UNKNOWN, np.uint8)
        colours[seen] = FREE
        colours[state == raw_map.OCCUPIED] = WALL
        return Image.fromarray(colours).resize(self.size, Image.Resampling.NEAREST)


def dashed(draw: ImageDraw.ImageDraw, points, colour, width: float, dash: float, closed: bool = True) -> None:
    points = np.array([*points, points[0]] if closed else points)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    for at in np.arange(0.0, along[-1], 2 * dash):
        # A dash goes around corners.
        corners = along[(along > at) & (along < at + dash)]
        stations = np.unique([at, *corners, min(at + dash, along[-1])])
        ends = [np.interp(stations, along, points[:, i]).tolist() for i in (0, 1)]
        draw.line(list(zip(*ends)), fill=colour, width=round(width))


def disc(draw: ImageDraw.ImageDraw, centre, radius: float, **style) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), **style)


def goal_mark(draw: ImageDraw.ImageDraw, board: Board, pose: scene.Pose, text: str) -> None:
    """A numbered disc with a tick that looks where the robot shall look."""
    unit = OVERSAMPLE
    (x, y), = board.pixels([pose])
    turn = pose[2] + board.grid.origin[2] * -1
    tip = (x + 22 * unit * math.cos(turn), y - 22 * unit * math.sin(turn))
    draw.line([(x, y), tip], fill=PAPER, width=7 * unit)
    draw.line([(x, y), tip], fill=GOAL, width=4 * unit)
    disc(draw, (x, y), 13 * unit, fill=GOAL, outline=PAPER, width=2 * unit)
    draw.text((x, y), text, fill=PAPER, font=font(15), anchor="mm")


def draw(demo, report: dict, file: pathlib.Path) -> None:
    grid, observer = demo.grid, demo.observer
    seen = scene.seen_free(grid)
    board = Board(grid, seen | (grid.state == raw_map.OCCUPIED))
    unit = OVERSAMPLE
    # Drawn on a scrap first, to see how long it gets.
    scrap = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    height = max(board.size[1] + HEADER * unit, panel(scrap, 0.0, demo, report)) + MARGIN * unit
    canvas = Image.new("RGB", (board.size[0] + (2 * MARGIN + PANEL + MARGIN) * unit, height), PAPER)
    canvas.paste(board.picture(seen), board.corner)
    # In this mode colours with alpha are blended, not copied.
    pen = ImageDraw.Draw(canvas, "RGBA")
    plans = observer.plans_with_sources()
    for number, (plan, source) in enumerate(plans):
        # Not all of the many, but all of the few that are no model's.
        if number % 4 == 0 or source != "model":
            pen.line(board.pixels(plan.poses), fill=(*SOURCES[source], 46), width=unit)
    if report["obstacle"]:
        corners = board.pixels(report["obstacle"]["corners"])
        pen.polygon(corners, fill=OBSTACLE, outline=PAPER, width=2 * unit)
    if not demo.place.is_disc:
        outlines(pen, board, demo)
    way = board.pixels([sample[1:3] for sample in observer.way])
    pen.line(way, fill=PAPER, width=round(5.5 * unit), joint="curve")
    pen.line(way, fill=WAY, width=round(3.2 * unit), joint="curve")
    blocked = blocked_plan(demo)
    if blocked is not None:
        dashed(pen, board.pixels(blocked.poses), INK, 2 * unit, 6 * unit, closed=False)
    if demo.place.is_disc:
        window_mark(pen, board, demo)
    goal_mark(pen, board, demo.start, "S")
    for number, goal in enumerate(demo.goals, 1):
        goal_mark(pen, board, goal, str(number))
    header(pen, board, report)
    panel(pen, canvas.width - (PANEL + MARGIN) * unit, demo, report)
    canvas.resize((canvas.width // unit, canvas.height // unit), Image.Resampling.LANCZOS).save(file, optimize=True)


def outlines(pen: ImageDraw.ImageDraw, board: Board, demo) -> None:
    """The robot's outline along its way, with the load from where it was picked up."""
    place, last = demo.place, None
    stride = STRIDE * np.ptp(np.array(place.body.corners)[:, 0])
    for when, *pose in demo.observer.way:
        if last and math.dist(pose[:2], last[:2]) < stride and abs(math.remainder(pose[2] - last[2], math.tau)) < TURN:
            continue
        last = pose
        outline(pen, board, *((place.loaded, LOADED) if when > demo.changed else (place.body, WAY)), pose)


def outline(pen: ImageDraw.ImageDraw, board: Board, body, colour, pose) -> None:
    x, y, yaw = pose
    c, s = math.cos(yaw), math.sin(yaw)
    corners = board.pixels([(x + a * c - b * s, y + a * s + b * c) for a, b in body.corners])
    pen.polygon(corners, fill=(*colour, 10))
    pen.line([*corners, corners[0]], fill=(*colour, 150), width=OVERSAMPLE)


def blocked_plan(demo):
    """The plan that the robot followed when the obstacle dropped."""
    if not demo.obstacle:
        return None
    return next((plan for plan in reversed(demo.observer.plans) if plan.received < demo.changed), None)


def window_mark(pen: ImageDraw.ImageDraw, board: Board, demo) -> None:
    """The robot when the obstacle dropped (or where it is now), and the cells that the model saw."""
    unit, grid = OVERSAMPLE, board.grid
    x, y, _ = demo.dropped_from or demo.observer.robot
    col, row = np.floor(grid.to_cells(np.array([[x, y]]))[0])
    half = demo.window / 2
    corners = [grid.to_metres(col + a * half, row + b * half) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    dashed(pen, board.pixels(corners), WINDOW, 2.5 * unit, 7 * unit)
    disc(pen, board.pixels([(x, y)])[0], board.metres(demo.arguments.physical_radius),
         fill=(*WAY, 200), outline=PAPER, width=unit)


def header(pen: ImageDraw.ImageDraw, board: Board, report: dict) -> None:
    unit, whole = OVERSAMPLE, report["overall"]
    height, width = (n * board.grid.resolution for n in board.grid.state.shape)
    pen.text((MARGIN * unit, 22 * unit), "trm_node drives a robot over ROS 2", fill=INK, font=font(30))
    touched = len(whole["touched_cells"])
    pen.text((MARGIN * unit, 60 * unit),
             f"{board.grid.path.parent.name}, {width:.0f} m by {height:.0f} m · "
             f"{report['goals_reached']} of {report['goals_wanted']} goals reached · "
             f"{whole['driven_m']:.0f} m driven in {whole['time_s']:.0f} s · "
             f"{touched or 'no'} occupied cell{'' if touched == 1 else 's'} touched", fill=FAINT, font=font(17))


def panel(pen: ImageDraw.ImageDraw, left: float, demo, report: dict) -> float:
    """Legend and figures; gives the lower end."""
    unit, whole = OVERSAMPLE, report["overall"]
    y = HEADER * unit

    def title(text: str) -> None:
        nonlocal y
        pen.text((left, y), text, fill=INK, font=font(21))
        y += 38 * unit

    def entry(text: str, sample) -> None:
        nonlocal y
        sample(left + 22 * unit, y + 11 * unit)
        pen.text((left + 58 * unit, y + 11 * unit), text, fill=INK, font=font(17), anchor="lm")
        y += 33 * unit

    def line(colour, width: float):
        ends = lambda x, at: [(x - 20 * unit, at), (x + 20 * unit, at)]  # noqa: E731
        return lambda x, at: pen.line(ends(x, at), fill=colour, width=round(width * unit))

    def figure(name: str, value: str) -> None:
        nonlocal y
        pen.text((left, y + 10 * unit), name, fill=FAINT, font=font(17), anchor="lm")
        pen.text((left + 130 * unit, y + 10 * unit), value, fill=INK, font=font(17), anchor="lm")
        y += 29 * unit

    title("On the map")
    entry("driven by the robot", line(WAY, 3.2))
    if report["load"]:
        entry("the robot with the load that it picked up", line(LOADED, 1.5))
    for source, colour in SOURCES.items():
        if whole["sources"].get(source):
            entry(f"paths published, source {source}", line(colour, 1.5))
    entry("start (S) and goals, with their orientation", lambda x, at: disc(pen, (x, at), 10 * unit, fill=GOAL))
    if report["obstacle"]:
        entry("obstacle dropped in front of the robot", lambda x, at: pen.rectangle(
            (x - 9 * unit, at - 9 * unit, x + 9 * unit, at + 9 * unit), fill=OBSTACLE))
        entry("the path that it blocked", lambda x, at: dashed(
            pen, [(x - 20 * unit, at), (x + 20 * unit, at)], INK, 2 * unit, 6 * unit, closed=False))
    if demo.place.is_disc:
        moment = "then" if report["obstacle"] else "at the end"
        entry(f"what the model saw {moment}: {demo.window} by {demo.window} cells", lambda x, at: dashed(
            pen, [(x - 11 * unit, at - 11 * unit), (x + 11 * unit, at - 11 * unit),
                  (x + 11 * unit, at + 11 * unit), (x - 11 * unit, at + 11 * unit)], WINDOW, 2 * unit, 4 * unit))
    y += 22 * unit
    title("Planning")
    latency = whole["latency_ms"]
    figure("plans", f"{whole['plans']}, {rate_text(report)}")
    figure("latency", f"p50 {latency['p50']:.1f}  p99 {latency['p99']:.1f}  max {latency['max']:.1f} ms")
    figure("deadline", f"{whole['deadline_ms']:.0f} ms, missed by {whole['misses']} plans")
    for name, key in (("sources", "sources"), ("stopped by", "stops")):
        parts = sorted(whole[key].items(), key=lambda item: -item[1])
        for number, (word, count) in enumerate(parts):
            figure(name if number == 0 else "", f"{word.replace('_', ' ')} {count}")
    if demo.place.is_disc:
        figure("steps", f"{mean_steps(whole['steps']):.1f} of the recursion on average")
    if report["obstacle"] and report["obstacle"]["new_path_after_ms"] is not None:
        figure("obstacle", f"path around it after {report['obstacle']['new_path_after_ms']:.0f} ms")
    if report["load"] and report["load"]["first_plan_after_ms"] is not None:
        figure("load", f"first path for it after {report['load']['first_plan_after_ms']:.0f} ms")
    squares = whole["min_clearance_to_occupied_squares_m"]
    if squares is not None:
        figure("clearance", f"least {demo.place.body.beside(squares):.2f} m beside the robot")
    y += 22 * unit
    title("Latency, from request to published path")
    histogram(pen, (left, y, left + PANEL * unit, y + 150 * unit),
              [s.total_ms for s in demo.observer.statuses], whole["deadline_ms"])
    return y + 195 * unit


def rate_text(report: dict) -> str:
    rates = [g["plans_per_s"] for g in report["goals"] if g["plans_per_s"]]
    return f"{np.median(rates):.1f} a second while driving" if rates else "no rate"


def mean_steps(steps: dict[str, int]) -> float:
    total = sum(steps.values())
    return sum(int(step) * count for step, count in steps.items()) / total if total else 0.0


def histogram(pen: ImageDraw.ImageDraw, box: tuple[float, ...], values: list[float], deadline: float) -> None:
    """Bars of how many values there are, with the deadline as a line; `box` is left, top, right, bottom."""
    unit = OVERSAMPLE
    left, top, right, bottom = box
    end = 1.15 * deadline
    counts, edges = np.histogram(np.clip(values, 0.0, end), bins=46, range=(0.0, end))
    for count, low, high in zip(counts, edges, edges[1:]):
        if count:
            # Square root, so that single late plans are seen beside thousands.
            tall = math.sqrt(count / counts.max()) * (bottom - top - 24 * unit)
            x = [left + v / end * (right - left) for v in (low, high)]
            pen.rectangle((x[0] + unit, bottom - tall, x[1] - unit, bottom), fill=SOURCES["model"])
    pen.line([(left, bottom), (right, bottom)], fill=FAINT, width=unit)
    at = left + deadline / end * (right - left)
    pen.line([(at, top + 6 * unit), (at, bottom)], fill=WAY, width=2 * unit)
    pen.text((at - 6 * unit, top + 4 * unit), "deadline", fill=WAY, font=font(13), anchor="ra")
    for tick in range(0, int(end) + 1, 5 if end < 60 else 50):
        x = left + tick / end * (right - left)
        pen.text((x, bottom + 6 * unit), f"{tick}", fill=FAINT, font=font(13), anchor="ma")
    caption = "ms; height: square root of the count"
    pen.text((right, bottom + 24 * unit), caption, fill=FAINT, font=font(13), anchor="ra")
