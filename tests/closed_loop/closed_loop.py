#!/usr/bin/env python3
"""Drives a simulated robot with trm_node in the loop over DDS, among people, to one goal after the other.

Prints what the judge says and writes the figures. Exit code 0 when every goal was reached or rightly refused, and
nothing was touched because of a plan.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import tempfile
import time

import places

import numpy as np
import rclpy
import yaml

import people
import raw_map
from drive_figures import Figures
from goals import Goals
from judge import Judge
from process import BINARY, NodeProcess
from published import Published
from simulator import Simulator
from world import World

PLANNER = "/trm_node"
# The robot's disc; the planner's radius is larger, since the robot cuts corners while it follows a path.
ROBOT_RADIUS = 0.22
PARAMETERS = yaml.safe_load((places.ROOT / "tools/demo/demo.yaml").read_text())["/**"]["ros__parameters"] | {
    # The pursuit hears of it when there is no path any more.
    "publish_empty_path": True}
DEFAULTS = yaml.safe_load((places.ROOT / "config/trm_node.yaml").read_text())["/**"]["ros__parameters"]
REFUSALS = ("GOAL_OCCUPIED", "NO_VALID_PATH", "GOAL_OUTSIDE_MAP")
# One goal in so many can't be reached.
OUT_OF_REACH_EVERY = 8
# So long a goal may take: at all, for each metre in a straight line, and a refusal, in seconds.
PATIENCE, PATIENCE_PER_M, REFUSED_WITHIN = 60.0, 8.0, 3.0


class Drive:
    """One map, one node, one robot, many goals."""

    def __init__(self, context, map_file: pathlib.Path, crowd: int, seed: int, folder: pathlib.Path):
        parameters = DEFAULTS | PARAMETERS
        radius, tolerance = parameters["robot_radius"], parameters["tolerance"]
        self.grid = raw_map.load(map_file)
        rng = np.random.default_rng(seed)
        self.goals = Goals(self.grid, radius, tolerance, rng)
        start = self.goals.start()
        walkers = people.People(self.grid, self.goals.reach, crowd, np.array(start[:2]), ROBOT_RADIUS, rng)
        world = World(self.grid, walkers, ROBOT_RADIUS)
        period = 1.0 / parameters["planner_frequency"]
        self.judge = Judge(Published(self.grid, parameters), period, ROBOT_RADIUS, tolerance)
        self.simulator = Simulator(context, world, start, self.judge, PLANNER)
        self.node = NodeProcess(folder, PARAMETERS)
        self.figures = Figures(map_file.parent.name, len(walkers.everybody), self.judge)

    def run(self, count: int) -> None:
        simulator = self.simulator
        try:
            assert simulator.wait(simulator.ready, 10.0), f"the node's topics didn't come; its log:\n{self.node.log}"
            simulator.publish_map()
            # A planner that has been up for a while knows its map when a goal comes.
            simulator.wait(lambda: False, 1.0)
            for number in range(1, count + 1):
                self.drive_to(self.goals.next(simulator.place, number % OUT_OF_REACH_EVERY != 0), number)
        finally:
            code = self.node.stop()
            simulator.close()
        assert code == 0, f"exit code {code} after SIGINT; the node's log:\n{self.node.log[-6000:]}"

    def drive_to(self, goal, number: int) -> None:
        simulator, began = self.simulator, self.simulator.time
        distance = float(np.hypot(*(simulator.place - goal.pose[:2])))
        simulator.send_goal(goal.pose)
        if goal.can_be_reached:
            reached = simulator.wait(lambda: self.says("GOAL_REACHED"), PATIENCE + PATIENCE_PER_M * distance)
            outcome = "reached" if reached else "missed"
            if reached and np.hypot(*(simulator.place - goal.pose[:2])) > DEFAULTS["tolerance"] + 0.1:
                outcome = "reached elsewhere"
        else:
            refused = simulator.wait(lambda: self.says(*REFUSALS), REFUSED_WITHIN)
            outcome = "refused" if refused and self.judge.plan is None else "not refused"
        last = simulator.results[-1][1:] if simulator.results else ("nothing", "")
        self.judge.sent_goal(time.time(), None)
        self.figures.goal(number, outcome, goal.pose, simulator.time - began, last)

    def says(self, *results: str) -> bool:
        """Whether a status of this goal has one of the results; those of the goal before may still be under way."""
        return any(result in results and stamp >= self.judge.goal_sent for stamp, result, _ in self.simulator.results)


def maps_in(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(p for p in folder.rglob("*.yaml") if "image" in (yaml.safe_load(p.read_text()) or {}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=pathlib.Path, default=places.ROOT / "tests/maps", help="searched for YAML files")
    parser.add_argument("--goals", type=int, default=100, help="over all maps")
    parser.add_argument("--people", type=int, default=8, help="around the robot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    files = maps_in(arguments.maps)
    if not files:
        sys.exit(f"--maps {arguments.maps}: no map files (*.yaml with a field image)")
    context = rclpy.Context()
    rclpy.init(context=context)
    drives: list[Figures] = []
    for index, file in enumerate(files):
        count = arguments.goals * (index + 1) // len(files) - arguments.goals * index // len(files)
        if count:
            with tempfile.TemporaryDirectory() as folder:
                drive = Drive(context, file, arguments.people, arguments.seed + index, pathlib.Path(folder))
                drive.run(count)
            drives.append(drive.figures)
            print(drive.figures, flush=True)
            whole = Figures.sum(drives)
            if arguments.out:
                machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "node": BINARY.parent.name}
                arguments.out.write_text(json.dumps({"run": machine | {"seed": arguments.seed}, "all": whole.values(),
                                                     "maps": {f.name: f.values() for f in drives}}, indent=1) + "\n")
    context.try_shutdown()
    print(whole)
    for fault in whole.faults():
        print(f"FAULT: {fault}")
    return 1 if whole.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
