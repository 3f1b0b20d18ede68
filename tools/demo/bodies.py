"""What the robot's shape means for the demo: which checks its way and the published paths must pass."""

import dataclasses

import numpy as np

import scene
from outline import Outline
from scene import raw_map


class DiscPaths:
    """Published paths of a disc on one map."""

    def __init__(self, grid: raw_map.Map, radius: float):
        self.grid, self.checker = grid, raw_map.Checker(grid, radius)

    def faults(self, poses: np.ndarray) -> list[str]:
        return self.checker.collisions(self.grid.to_cells(poses[:, :2]))


@dataclasses.dataclass(frozen=True)
class Disc:
    """What drives is smaller than what is planned for: it cuts corners."""

    radius: float  # planned for
    physical_radius: float

    def way_check(self, grid: raw_map.Map) -> scene.Course:
        return scene.Course(grid, self.physical_radius)

    def path_check(self, grid: raw_map.Map) -> DiscPaths:
        return DiscPaths(grid, self.radius)

    def figures(self) -> dict:
        return {"robot_radius_m": self.radius, "physical_radius_m": self.physical_radius}

    def words(self) -> str:
        return f"robot's disc {self.physical_radius} m"

    def beside(self, to_square: float) -> float:
        """How much room is left where an occupied square is so far away, in metres."""
        return to_square - self.physical_radius


@dataclasses.dataclass(frozen=True)
class Polygon:
    """What drives is some centimetres smaller than the footprint that is planned for."""

    corners: tuple[tuple[float, float], ...]
    footprint: tuple[tuple[float, float], ...]  # with its padding

    def way_check(self, grid: raw_map.Map) -> Outline:
        return Outline(grid, self.corners)

    def path_check(self, grid: raw_map.Map) -> Outline:
        return Outline(grid, self.footprint)

    def figures(self) -> dict:
        return {"outline_m": self.corners, "footprint_m": self.footprint}

    def words(self) -> str:
        return f"robot's outline of {len(self.corners)} corners"

    def beside(self, to_square: float) -> float:
        return to_square
