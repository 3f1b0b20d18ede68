"""Occupied cells of map_server maps, inflated by a robot radius and pooled to a resolution."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image


def load(folder: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """-> occupied, unknown [rows, cols] with row 0 the image's bottom, and the resolution in metres a cell."""
    (path,) = folder.glob("*.yaml")
    info = yaml.safe_load(path.read_text())
    shade = np.asarray(Image.open(path.parent / info["image"]).convert("L"), np.float32) / 255
    p = shade if info["negate"] else 1 - shade
    occupied = p > info["occupied_thresh"]
    return occupied[::-1], ((p >= info["free_thresh"]) & ~occupied)[::-1], info["resolution"]


def world(folder: Path, pool: int, radius: float) -> np.ndarray:
    """True where a robot of `radius` metres can't be, in cells of `pool` map cells."""
    occupied, unknown, resolution = load(folder)
    blocked = occupied | unknown
    reach = int(radius / resolution)
    padded = np.pad(occupied, reach)
    rows, cols = occupied.shape
    for dr in range(-reach, reach + 1):
        for dc in range(-reach, reach + 1):
            if dr * dr + dc * dc <= (radius / resolution) ** 2:
                blocked = blocked | padded[reach + dr : reach + dr + rows, reach + dc : reach + dc + cols]
    blocked = np.pad(blocked, ((0, -rows % pool), (0, -cols % pool)), constant_values=True)
    return blocked.reshape(blocked.shape[0] // pool, pool, -1, pool).max((1, 3))
