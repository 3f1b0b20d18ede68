"""Where the demo takes place, who drives, and what is told to the simulated robot."""

import argparse
import dataclasses
import pathlib

import yaml

import scene
import yards
from bodies import Disc, Polygon
from outline import padded
from scene import raw_map

# The simulated car can steer a tenth sharper than the planner does: it needs that to correct itself.
SHARPER = 0.9


@dataclasses.dataclass
class Setting:
    map: pathlib.Path
    grid: raw_map.Map
    start: scene.Pose
    goals: list[scene.Pose]
    body: Disc | Polygon
    steering: list[str]  # options of robot.py
    padding: float = 0.0  # the node's, of every footprint
    pickup: yards.Pickup | None = None

    @property
    def is_disc(self) -> bool:
        return isinstance(self.body, Disc)

    @property
    def loaded(self) -> Polygon | None:
        """The robot with the load."""
        return Polygon(self.pickup.outline, padded(self.pickup.footprint, self.padding)) if self.pickup else None

    def without_feet(self) -> raw_map.Map:
        """The map when what the load stood on is gone."""
        state = self.grid.state.copy()
        for box in self.pickup.stands_on:
            col, row, cols, rows = yards.cells(box, self.grid.resolution)
            state[row:row + rows, col:col + cols] = raw_map.FREE
        return dataclasses.replace(self.grid, state=state)


def poses(text: str) -> list[scene.Pose]:
    numbers = [[float(v) for v in pose.split(",")] for pose in text.split(";")]
    return [(pose[0], pose[1], pose[2] if len(pose) > 2 else 0.0) for pose in numbers]


def of_disc(arguments: argparse.Namespace, parameters: dict) -> Setting:
    """On a map of a real place."""
    grid = raw_map.load(arguments.map)
    if arguments.goals:
        start, goals = poses(arguments.start)[0], poses(arguments.goals)
    else:
        start, goals = scene.choose_goals(grid, parameters["robot_radius"], arguments.number, arguments.budget)
    body = Disc(parameters["robot_radius"], arguments.physical_radius)
    return Setting(arguments.map, grid, start, goals, body, [])


def of_footprint(arguments: argparse.Namespace, parameters: dict, folder: pathlib.Path) -> Setting:
    """In a yard, whose map is written into the folder."""
    tour = {"forklift": yards.hall, "car": yards.car_park}[arguments.robot]()
    file = tour.yard.save(folder / arguments.robot)
    padding = parameters["footprint_padding"]
    body = Polygon(tour.outline, padded(yaml.safe_load(parameters["footprint"]), padding))
    steering = ["--settle", "0.25"]
    if parameters["motion_model"] == "car":
        steering = ["--settle", "0.6", "--turning-radius", str(SHARPER * parameters["minimum_turning_radius"])]
    return Setting(file, raw_map.load(file), tour.start, tour.goals[:arguments.number], body, steering, padding, tour.pickup)


def of(arguments: argparse.Namespace, parameters: dict, folder: pathlib.Path) -> Setting:
    if arguments.robot == "disc":
        return of_disc(arguments, parameters)
    return of_footprint(arguments, parameters, folder)
