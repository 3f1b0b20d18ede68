"""gazebo.png and gazebo.gif: the hall, the people, the robot's way and its plans, from above."""

import math
import pathlib

import imports  # noqa: F401, I001

import numpy as np
from PIL import Image, ImageDraw

import people
import picture
import raw_map
from picture import FAINT, GOAL, INK, MARGIN, OVERSAMPLE, PAPER, WAY, Board, disc, font, goal_mark

PERSON, PLAN = (245, 130, 10), picture.SOURCES["model"]
ROBOT_RADIUS = 0.22
# Of the picture, in pixels.
WIDTH = 900
# Of the film: pixels of a cell, colours, seconds of the world between frames and on the screen.
SCALE, COLOURS, EVERY, SHOWN = 1.7, 32, 0.5, 0.1


def draw(drive, report: dict, file: pathlib.Path) -> None:
    board = Board(drive.grid, np.ones_like(drive.grid.state, bool))
    unit = OVERSAMPLE
    size = board.size[0] + 2 * MARGIN * unit, board.size[1] + (picture.HEADER + MARGIN + 40) * unit
    canvas = Image.new("RGB", size, PAPER)
    canvas.paste(board.picture(drive.grid.state == raw_map.FREE), board.corner)
    pen = ImageDraw.Draw(canvas, "RGBA")
    for frame in drive.frames:
        for place in frame.people:
            disc(pen, board.pixels([place])[0], board.metres(people.RADIUS), fill=(*PERSON, 5))
    for frame in drive.frames[::4]:
        if frame.plan is not None:
            pen.line(board.pixels(frame.plan), fill=(*PLAN, 130), width=round(1.5 * unit))
    way = board.pixels(drive.motion.way[:, :2])
    pen.line(way, fill=PAPER, width=round(5.5 * unit), joint="curve")
    pen.line(way, fill=WAY, width=round(3.0 * unit), joint="curve")
    for place in drive.frames[-1].people:
        disc(pen, board.pixels([place])[0], board.metres(people.RADIUS), fill=PERSON, outline=PAPER, width=unit)
    goal_mark(pen, board, drive.start, "S")
    for leg in drive.legs:
        goal_mark(pen, board, leg.goal, str(leg.number))
    heading(pen, report)
    legend(pen, size[1] - (MARGIN + 20) * unit)
    small = canvas.resize((WIDTH, round(canvas.height * WIDTH / canvas.width)), Image.Resampling.LANCZOS)
    small.quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)


def heading(pen: ImageDraw.ImageDraw, report: dict) -> None:
    unit, plans = OVERSAMPLE, report["plans"]
    pen.text((MARGIN * unit, 20 * unit), "trm_node drives a robot in Gazebo", fill=INK, font=font(30))
    factor = report["real_time_factor"].get("mean")
    text = (f"{report['goals']['reached']} of {report['goals']['sent']} goals reached · {report['distance_m']:.0f} m in "
            f"{report['seconds']:.0f} s · {len(report['contacts']) or 'no'} contacts · {plans['count']} plans, "
            f"{plans['misses']} over the deadline of {plans['deadline_ms']:.0f} ms · real-time factor {factor}")
    pen.text((MARGIN * unit, 58 * unit), text, fill=FAINT, font=font(16))


def legend(pen: ImageDraw.ImageDraw, y: float) -> None:
    unit, x = OVERSAMPLE, MARGIN * OVERSAMPLE
    for colour, text in ((WAY, "driven"), (PLAN, "plans"), (PERSON, "people, and where they walked"), (GOAL, "goals")):
        disc(pen, (x + 8 * unit, y), 7 * unit, fill=colour)
        pen.text((x + 24 * unit, y), text, fill=INK, font=font(16), anchor="lm")
        x += (50 + 9 * len(text)) * unit


def film(drive, file: pathlib.Path) -> None:
    """Twice or more as fast as it was, so that it stays small."""
    frames, last = [], -math.inf
    for frame in drive.frames:
        if frame.time - last >= EVERY and frame.time >= drive.began:
            last = frame.time
            frames.append(still(drive, frame))
    if not frames:
        return
    palette = frames[len(frames) // 2].quantize(COLOURS, dither=Image.Dither.NONE)
    frames = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=round(1000 * SHOWN), loop=0, optimize=True)


def still(drive, frame) -> Image.Image:
    truth = drive.grid
    height, width = truth.state.shape
    seen = shown(truth, frame.grid)
    colours = np.full((height, width, 3), picture.UNKNOWN, np.uint8)
    colours[seen == raw_map.FREE] = picture.FREE
    colours[seen == raw_map.OCCUPIED] = picture.WALL
    size = round(width * SCALE), round(height * SCALE)
    image = Image.fromarray(colours[::-1]).resize(size, Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)

    def pixels(points) -> list[tuple[float, float]]:
        cells = truth.to_cells(np.asarray(points, float)[:, :2])
        return [(float(c * SCALE), float((height - r) * SCALE)) for c, r in cells]

    metre = SCALE / truth.resolution
    for place in frame.people:
        disc(pen, pixels([place])[0], people.RADIUS * metre, fill=PERSON)
    if frame.plan is not None:
        pen.line(pixels(frame.plan), fill=PLAN, width=2)
    if frame.goal:
        disc(pen, pixels([frame.goal])[0], 5, fill=GOAL)
    (x, y), = pixels([frame.robot])
    disc(pen, (x, y), ROBOT_RADIUS * metre, fill=WAY)
    yaw, nose = frame.robot[2], ROBOT_RADIUS * metre
    pen.line([(x, y), (x + nose * math.cos(yaw), y - nose * math.sin(yaw))], fill=PAPER, width=2)
    return image


def shown(truth: raw_map.Map, mapped: raw_map.Map | None) -> np.ndarray:
    """What is known, in the cells of the true map."""
    if mapped is None:
        return truth.state
    result = np.full_like(truth.state, raw_map.UNKNOWN)
    shift = np.round(mapped.to_cells(np.array([truth.origin[:2]]))[0]).astype(int)
    height, width = mapped.state.shape
    rows, cols = np.arange(truth.state.shape[0]) + shift[1], np.arange(truth.state.shape[1]) + shift[0]
    inside = np.ix_((rows >= 0) & (rows < height), (cols >= 0) & (cols < width))
    result[inside] = mapped.state[np.ix_(rows[(rows >= 0) & (rows < height)], cols[(cols >= 0) & (cols < width)])]
    return result
