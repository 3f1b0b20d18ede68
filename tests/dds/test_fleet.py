"""Four robots in one domain, on one map and one tree of transforms."""

import math

import numpy as np

import worlds
from fleet import OFF_GOAL, Fleet, Robot


def test_no_plan_is_another_robots(context, tmp_path):
    grid = worlds.with_block(worlds.room(240, 160), slice(110, 130), slice(50, 110))
    fleet = Fleet(context, tmp_path, grid)
    try:
        fleet.begin()
        rows = fleet.measure(10.0)
        faults = [fault for robot in fleet.robots for fault in robot.faults]
    finally:
        fleet.close()
    assert not faults, f"{len(faults)} faults, the first: {faults[0]}"
    for row in rows:
        # A busy machine may not do all of 20 a second.
        assert row["paths"] >= 50, rows
    drove = [math.dist(robot.trail[0][1], robot.trail[-1][1]) for robot in fleet.robots]
    assert min(drove) > 0.2, drove


def test_a_plan_of_another_robot_would_be_told():
    robot = Robot("robot1", np.array([1.0, 1.0]), goal=np.array([3.0, 1.0]))
    robot.trail.append((99.9, robot.place))
    robot.goals.append((50.0, robot.goal))
    way = np.array([[1.0, 1.0], [3.0, 1.0]])
    robot.take(100.0, way, "map")
    assert not robot.faults
    for path, frame in ((way + (0.3, 0.0), "map"), (way * (1.0, 1.0 + OFF_GOAL), "map"), (way, "robot2/map")):
        count = len(robot.faults)
        robot.take(100.1, path, frame)
        assert len(robot.faults) == count + 1
