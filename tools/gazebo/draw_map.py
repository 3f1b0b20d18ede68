#!/usr/bin/env python3
"""Draws the map of a world: the boxes and cylinders of its static models that reach the lidar's height. The map's two
files, as a map server reads them, are beside the world's and have its name. People, which are models too, aren't on it.

    python3 tools/gazebo/draw_map.py worlds/hall.sdf
"""

import dataclasses
import math
import pathlib
import sys
import xml.etree.ElementTree as xml

import numpy as np
from PIL import Image

RESOLUTION = 0.05
# Of the lidar, and how models are called that walk.
HEIGHT, PERSON = 0.2, "person"
OCCUPIED, FREE = 0, 254


class WorldError(Exception):
    """The world file isn't what is needed; the text says what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of a model, in the world: a box of `size`, or a cylinder of a radius. Metres and radians."""

    model: str
    x: float
    y: float
    yaw: float
    size: tuple[float, float] | None
    radius: float = 0.0

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        dx, dy = x - self.x, y - self.y
        if self.size is None:
            return np.hypot(dx, dy) < self.radius
        return (abs(dx * c + dy * s) < self.size[0] / 2) & (abs(dy * c - dx * s) < self.size[1] / 2)


@dataclasses.dataclass(frozen=True)
class World:
    name: str
    shapes: list[Shape]
    people: dict[str, tuple[float, float, float]]  # where each stands: x, y, z


def numbers(element: xml.Element, path: str, default: str) -> list[float]:
    return [float(v) for v in (element.findtext(path) or default).split()]


def shape_of(model: xml.Element, x: float, y: float, z: float, yaw: float) -> Shape | None:
    """What a model has at the lidar's height; None of a plane."""
    geometry = model.find("link/collision/geometry")
    if geometry is None or geometry.find("plane") is not None:
        return None
    name = model.get("name", "")
    if geometry.find("box") is not None:
        length, width, height = numbers(geometry, "box/size", "0 0 0")
        shape = Shape(name, x, y, yaw, (length, width))
    elif geometry.find("cylinder") is not None:
        height = numbers(geometry, "cylinder/length", "0")[0]
        shape = Shape(name, x, y, yaw, None, numbers(geometry, "cylinder/radius", "0")[0])
    else:
        raise WorldError(f"model {name}: its collision is {geometry[0].tag}, and only boxes and cylinders can be drawn")
    return shape if z - height / 2 < HEIGHT < z + height / 2 else None


def read(file: pathlib.Path) -> World:
    try:
        world = xml.parse(file).getroot().find("world")
    except (OSError, xml.ParseError) as error:
        raise WorldError(f"{file}: {error}") from None
    if world is None:
        raise WorldError(f"{file}: there is no <world> in it")
    shapes, people = [], {}
    for model in world.findall("model"):
        name = model.get("name", "")
        x, y, z, _, _, yaw = numbers(model, "pose", "0 0 0 0 0 0")
        if name.startswith(PERSON):
            people[name] = (x, y, z)
        elif shape := shape_of(model, x, y, z, yaw):
            shapes.append(shape)
    if not shapes:
        raise WorldError(f"{file}: no static model with a box or a cylinder in it reaches {HEIGHT} m, so there is "
                         "nothing to map")
    return World(world.get("name", ""), shapes, people)


def drawn(world: World) -> tuple[np.ndarray, tuple[float, float]]:
    """Grey values, row 0 at the bottom, and where that corner is."""
    corners = []
    for shape in world.shapes:
        half = shape.radius if shape.size is None else math.hypot(*shape.size) / 2
        if shape.size is not None and shape.yaw == 0.0:
            reach = shape.size[0] / 2, shape.size[1] / 2
        else:
            reach = half, half
        corners += [(shape.x - reach[0], shape.y - reach[1]), (shape.x + reach[0], shape.y + reach[1])]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    low = np.floor(low / RESOLUTION + 1e-6) * RESOLUTION
    width, height = (int(n) for n in np.ceil((high - low) / RESOLUTION - 1e-6))
    # A cell is occupied if any of so many points in it is covered.
    offsets = (np.arange(5) + 0.5) / 5
    x = low[0] + (np.arange(width)[:, None] + offsets).ravel() * RESOLUTION
    y = low[1] + (np.arange(height)[:, None] + offsets).ravel() * RESOLUTION
    xs, ys = np.meshgrid(x, y)
    covered = np.zeros(xs.shape, bool)
    for shape in world.shapes:
        covered |= shape.covers(xs, ys)
    cells = covered.reshape(height, 5, width, 5).any(axis=(1, 3))
    return np.where(cells, OCCUPIED, FREE).astype(np.uint8), (round(float(low[0]), 3), round(float(low[1]), 3))


def save(file: pathlib.Path) -> None:
    grey, (x, y) = drawn(read(file))
    Image.fromarray(grey[::-1]).save(file.with_suffix(".pgm"))
    file.with_suffix(".yaml").write_text(
        f"# Drawn from {file.name} by tools/gazebo/draw_map.py.\nimage: {file.stem}.pgm\nmode: trinary\n"
        f"resolution: {RESOLUTION}\norigin: [{x}, {y}, 0]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.25\n")


if __name__ == "__main__":
    try:
        save(pathlib.Path(sys.argv[1]))
    except WorldError as error:
        sys.exit(f"draw_map.py: {error}")
