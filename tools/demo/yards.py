"""The demo's places for robots whose shape matters: a hall with aisles and doors, and a car park. Drawn here, in metres."""

import dataclasses
import math
import pathlib

from PIL import Image, ImageDraw

from scene import Pose

Box = tuple[float, float, float, float]  # left, lower, right, upper
Corners = tuple[tuple[float, float], ...]


def cells(box: Box, resolution: float) -> tuple[int, int, int, int]:
    """The first column and row, and how many of both."""
    left, lower, right, upper = (round(v / resolution) for v in box)
    return left, lower, right - left, upper - lower


class Yard:
    """A free rectangle from (0, 0) inside walls of one cell, to draw obstacles into."""

    def __init__(self, width: float, height: float, resolution: float):
        self.resolution = resolution
        self.size = round(width / resolution), round(height / resolution)
        self.image = Image.new("L", self.size, 254)
        self.pen = ImageDraw.Draw(self.image)
        cols, rows = self.size
        self.pen.rectangle((0, 0, cols - 1, rows - 1), outline=0)

    def block(self, *boxes: Box) -> None:
        for box in boxes:
            col, row, cols, rows = cells(box, self.resolution)
            top = self.size[1] - row - rows
            self.pen.rectangle((col, top, col + cols - 1, top + rows - 1), fill=0)

    def turned(self, x: float, y: float, yaw: float, length: float, width: float) -> None:
        """A box around a point, at any angle."""
        c, s = math.cos(yaw), math.sin(yaw)
        ends = [(a * length / 2, b * width / 2) for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
        corners = [((x + a * c - b * s) / self.resolution, (y + a * s + b * c) / self.resolution) for a, b in ends]
        self.pen.polygon([(a - 0.5, self.size[1] - b - 0.5) for a, b in corners], fill=0)

    def save(self, folder: pathlib.Path) -> pathlib.Path:
        """Writes a map as the map server reads it, and gives its YAML file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.image.save(folder / "map.png")
        (folder / "map.yaml").write_text(
            f"image: map.png\nresolution: {self.resolution}\norigin: [0.0, 0.0, 0.0]\n"
            "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n")
        return folder / "map.yaml"


@dataclasses.dataclass(frozen=True)
class Pickup:
    """A load that the robot takes at one of its goals: what it stood on goes from the map, and the robot is larger."""

    at_goal: int  # counted from 1
    stands_on: tuple[Box, ...]
    outline: Corners  # of the robot with the load
    footprint: Corners  # the same with some room, as it is told to the node
    too_narrow: Box  # what it then doesn't fit through


@dataclasses.dataclass(frozen=True)
class Tour:
    yard: Yard
    outline: Corners  # of the robot
    start: Pose
    goals: list[Pose]
    pickup: Pickup | None = None


def hall() -> Tour:
    """A forklift of 0.8 m drives forks first into an aisle of 1.1 m and backs out of it, goes through a door of 0.95 m to a
    pallet, puts its forks between the feet, and carries a load that is too wide for that door: it takes the gate."""
    yard = Yard(14.0, 9.0, 0.05)
    # Racks, with aisles of 1.1 m that end at the wall.
    yard.block(*((x, 5.6, x + 0.9, 9.0) for x in (0.6, 2.6, 4.6)))
    # The wall between the two rooms, with the door and the gate.
    door = (7.0, 4.9, 7.15, 5.85)
    yard.block((7.0, 0.0, 7.15, 0.6), (7.0, 2.4, 7.15, door[1]), (7.0, door[3], 7.15, 9.0))
    # Posts, and what stands around.
    yard.block((9.4, 2.6, 9.6, 2.8), (3.2, 2.2, 3.4, 2.4), (10.6, 8.2, 12.4, 9.0), (5.9, 0.0, 6.4, 0.6))
    x, y = 12.0, 5.4  # the pallet's middle, 0.8 m by 1.2 m
    feet = tuple((x + a - 0.05, y + b - 0.05, x + a + 0.05, y + b + 0.05)
                 for a in (-0.35, 0.0, 0.35) for b in (-0.55, 0.0, 0.55))
    yard.block(*feet)
    goals = [(2.025, 7.6, math.pi / 2), (x - 0.55, y, 0.0), (1.6, 3.6, math.pi)]
    forks = ((-1.0, -0.4), (0.1, -0.4), (0.1, -0.26), (0.9, -0.26), (0.9, -0.12), (0.1, -0.12),
             (0.1, 0.12), (0.9, 0.12), (0.9, 0.26), (0.1, 0.26), (0.1, 0.4), (-1.0, 0.4))
    pickup = Pickup(2, feet, loaded(0.0), loaded(0.03), door)
    return Tour(yard, forks, (1.6, 1.4, 0.0), goals, pickup)


def loaded(room: float) -> Corners:
    """The forklift with the pallet on its forks, larger all around by `room`."""
    rear, side, back, front, half = -1.0 - room, 0.4 + room, 0.15 - room, 0.95 + room, 0.6 + room
    return ((rear, -side), (back, -side), (back, -half), (front, -half), (front, half), (back, half), (back, side), (rear, side))


def car_park() -> Tour:
    """A car of 4.2 m by 1.8 m parks backwards between two others, then along the kerb in a gap of 6.6 m, and leaves by a gate
    that stands at an angle."""
    yard = Yard(31.0, 17.0, 0.1)
    # Stalls of 2.6 m along the upper side; the fourth is free.
    for number, lean in enumerate((0.03, -0.02, 0.0, None, 0.02, -0.03, 0.0)):
        if lean is not None:
            yard.turned(2.2 + 2.6 * number, 14.4, math.pi / 2 + lean, 4.3, 1.8)
    # Along the kerb at the lower side.
    for x, lean in ((2.8, 0.0), (13.7, 0.02), (18.3, -0.01)):
        yard.turned(x, 1.5, lean, 4.3, 1.8)
    yard.block((8.6, 8.4, 13.0, 8.8))
    # The fence, and in it the gate of 2.6 m.
    yard.turned(21.6, 14.1, -0.9, 7.0, 0.2)
    yard.turned(27.4, 6.7, -0.9, 6.6, 0.2)
    goals = [(2.2 + 2.6 * 3, 15.4, -math.pi / 2), (6.7, 1.55, 0.0), (26.4, 11.9, 0.67)]
    outline = ((-0.9, -0.9), (3.3, -0.9), (3.3, 0.9), (-0.9, 0.9))
    return Tour(yard, outline, (2.5, 6.0, 0.0), goals)
