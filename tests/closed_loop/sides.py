"""On which side a path passes obstacles. Two paths that pass one on different sides enclose it between them."""

import numpy as np
from PIL import Image, ImageDraw

import places  # noqa: F401
import raw_map
from published import Published, along

# How far around the paths an obstacle is followed that one of them runs into, in cells.
MARGIN = 40


def rest(path: np.ndarray, point: np.ndarray) -> np.ndarray:
    """What is left of a path from where it is nearest to a point."""
    length = along(path)
    at = np.linspace(0.0, length[-1], max(2, int(length[-1] / 0.02)))
    line = np.stack([np.interp(at, length, path[:, i]) for i in (0, 1)], axis=1)
    return line[int(np.hypot(*(line - point).T).argmin()):]


def connected(cells: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """The cells that are connected to the seeds, diagonals included."""
    found = seeds & cells
    while True:
        padded = np.pad(found, 1)
        rows = padded[:-2] | padded[1:-1] | padded[2:]
        grown = (rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]) & cells
        if (grown == found).all():
            return found
        found = grown


def encloses_an_obstacle(old: np.ndarray, new: np.ndarray, published: Published) -> bool:
    """Whether the paths, which begin and end at the same places, pass an obstacle on different sides.

    An obstacle that the old path runs into isn't passed by it at all, so it doesn't count.
    """
    corners = published.grid.to_cells(np.concatenate([old, new[::-1]]))
    height, width = published.state.shape
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - MARGIN, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + MARGIN, (width, height))
    picture = Image.new("1", tuple(int(v) for v in high - low))
    ImageDraw.Draw(picture).polygon([(float(c - low[0]), float(r - low[1])) for c, r in corners - 0.5], fill=1)
    occupied = published.state[low[1]:high[1], low[0]:high[0]] == raw_map.OCCUPIED
    inside = np.asarray(picture) & occupied
    if not inside.any():
        return False
    in_the_way = np.zeros_like(occupied)
    for path in (old, new):
        row, col = published.in_the_way_of(path).T - low[::-1, None]
        kept = (row >= 0) & (col >= 0) & (row < occupied.shape[0]) & (col < occupied.shape[1])
        in_the_way[row[kept], col[kept]] = True
    return bool((inside & ~connected(occupied, in_the_way)).any())
