"""The world and who is in it: what a lidar sees, what a costmap makes of it, how people walk, how a robot is steered.
"""

import math

import numpy as np
import pytest

import people
import raw_map
import worlds
from costmap import MEMORY, Costmap
from lidar import RANGE, STEP
from pursuit import RegulatedPurePursuit, Rules
from world import World

ROBOT_RADIUS = 0.22


class Crowd:
    def __init__(self, *where):
        self.places = np.array(where, float).reshape(-1, 2)


@pytest.fixture
def world():
    """A room of 10 m x 6 m."""
    return World(worlds.room(200, 120), Crowd(), ROBOT_RADIUS)


def test_a_ray_ends_at_the_first_wall_or_person(world):
    scan = world.scan((2.0, 3.0, 0.0))
    ranges = np.where(scan.hit, world.steps[scan.ends.clip(0, len(world.steps) - 1)], np.inf)
    assert ranges[0] == np.inf  # the wall is 7.95 m away
    assert ranges[360] == pytest.approx(1.95, abs=0.03)
    assert ranges[180] == pytest.approx(2.95, abs=0.03)
    world.crowd = Crowd((4.0, 3.0))
    scan = world.scan((2.0, 3.0, math.pi / 2))
    assert world.steps[scan.ends[540]] == pytest.approx(2.0 - people.RADIUS, abs=0.03)
    assert np.hypot(*(scan.points - (4.0, 3.0)).T).min() == pytest.approx(people.RADIUS, abs=0.03)


def test_measured_ranges_mark_the_cells_that_simulated_rays_end_in(world):
    pose = (2.0, 3.0, 0.5)
    world.crowd = Crowd((4.0, 3.0))
    simulated = world.scan(pose)
    angles = np.arange(len(simulated.ends)) * (math.tau / len(simulated.ends))
    # A surface anywhere in the last step before a ray's end.
    ranges = np.where(simulated.hit, (simulated.ends + np.linspace(0.05, 1.0, len(angles))) * STEP, np.inf)
    measured = world.lidar.measured(pose, angles, ranges)
    assert (measured.ends == simulated.ends).all() and (measured.along == simulated.along).all()
    assert measured.points == pytest.approx(simulated.points)


def test_gaps_are_those_of_hulls(world):
    world.crowd = Crowd((2.0, 1.0))
    wall, person = world.gaps(np.array([0.45, 1.0]))
    assert wall == pytest.approx(0.40 - ROBOT_RADIUS, abs=1e-9)
    assert person == pytest.approx(1.55 - people.RADIUS - ROBOT_RADIUS, abs=1e-9)


def test_who_is_seen_is_marked_and_cleared_and_the_map_stays(world):
    costmap, robot = Costmap(world.lidar), (3.0, 3.0, 0.0)
    world.crowd = Crowd((5.0, 3.0))
    costmap.take(world.scan(robot), robot[:2], 1.0)
    col, row, values = costmap.changes()
    marked = np.argwhere(values == 100) + (row, col) + 0.5
    away = np.hypot(*(marked[:, ::-1] * 0.05 - (5.0, 3.0)).T)
    assert len(marked) >= 8 and (abs(away - people.RADIUS) < 0.07).all()
    assert costmap.changes() is None
    world.crowd = Crowd()
    costmap.take(world.scan(robot), robot[:2], 1.1)
    costmap.changes()
    assert (costmap.values == costmap.static).all()


@pytest.mark.parametrize("x, time, is_forgotten", [
    (2.0 + RANGE + 1.0, 1.1, True), (2.0 + RANGE + 0.3, 1.1, False), (2.0 + RANGE + 0.3, 1.1 + MEMORY, True)])
def test_what_leaves_the_window_or_was_long_ago_is_forgotten(world, x, time, is_forgotten):
    costmap = Costmap(world.lidar)
    world.crowd = Crowd((2.0, 3.0))
    costmap.take(world.scan((1.0, 3.0, 0.0)), (1.0, 3.0), 1.0)
    costmap.changes()
    assert (costmap.values != costmap.static).any()
    # From here the place isn't seen.
    costmap.take(world.scan((x, 3.0, 0.0)), (x, 3.0), time)
    costmap.changes()
    assert (costmap.values == costmap.static).all() == is_forgotten


@pytest.mark.parametrize("seed", range(2))
def test_people_walk_and_run_into_nobody_who_stands(seed):
    grid, robot = worlds.with_block(worlds.room(200, 120), slice(90, 110), slice(40, 80)), np.array([3.0, 3.0])
    crowd = people.People(grid, worlds.inflate(grid, 0.3), 8, robot, ROBOT_RADIUS, np.random.default_rng(seed))
    world, walked = World(grid, crowd, ROBOT_RADIUS), 0.0
    begun = [world.gaps(place)[0] for place in crowd.places]
    assert min(begun) > people.RADIUS - ROBOT_RADIUS
    start_gap = np.hypot(*(crowd.places - robot).T).min() - people.RADIUS - ROBOT_RADIUS
    for _ in range(1000):
        before = crowd.places
        crowd.step(0.02, robot)
        steps = np.hypot(*(crowd.places - before).T)
        walked += steps.sum()
        assert steps.max() <= people.SPEED[1] * 0.02 + 1e-9
        assert world.gaps(robot)[1] >= min(people.RESPECT, start_gap) - 1e-9
    assert min(world.gaps(place)[0] + ROBOT_RADIUS for place in crowd.places) >= people.RADIUS
    assert walked > 30.0


def straight(length: float) -> np.ndarray:
    return np.stack([np.arange(0.0, length, 0.05), np.zeros(math.ceil(length / 0.05))], axis=1)


def command(path, yaw: float = 0.0, speed: float = 0.8, obstacles=((99.0, 99.0),), now: float = 0.0):
    pursuit = RegulatedPurePursuit(ROBOT_RADIUS)
    pursuit.take(path, 0.0)
    return pursuit.commands((0.0, 0.0, yaw), speed, np.array(obstacles), now)


def test_the_pursuit_keeps_its_rules():
    assert command(straight(5.0)) == pytest.approx((Rules.speed, 0.0))
    speed, turn = command(straight(5.0), yaw=1.5)
    assert speed == 0.0 and turn < -1.0, "it turns on the spot first"
    arc = np.array([(0.4 * math.sin(a), 0.4 - 0.4 * math.cos(a)) for a in np.arange(0.0, 3.0, 0.1)])
    speed, turn = command(arc, speed=0.3)
    assert 0.2 < speed < Rules.speed and turn > 0.3, "it is slow in curves"
    assert command(straight(5.0), obstacles=[(0.0, 0.32)])[0] == pytest.approx(Rules.speed * 0.1 / Rules.proximity)
    assert command(straight(5.0), obstacles=[(0.6, 0.0)])[0] == 0.0, "it stops before a collision"
    assert command(straight(0.3))[0] < 0.7, "it brakes before the end"
    assert command(straight(5.0), now=Rules.longest_plan_age + 0.1) == (0.0, 0.0)


def test_the_pursuit_leaves_an_obstacle_that_it_stands_at():
    """What is beside or behind doesn't hold it."""
    assert command(straight(5.0), speed=0.0, obstacles=[(-0.23, 0.0)])[0] > 0.0


def test_a_path_is_driven_to_its_end_around_a_corner():
    from drive import Drive, Limits
    path = np.concatenate([straight(2.0), [(1.95, y) for y in np.arange(0.05, 2.0, 0.05)]])
    drive = Drive((0.0, 0.0, 0.0), Limits(Rules.speed, Rules.turn, 1.5, 6.0))
    pursuit, nothing, off = RegulatedPurePursuit(ROBOT_RADIUS), np.array([(99.0, 99.0)]), 0.0
    for tick in range(1000):
        pursuit.take(path, tick * 0.02)
        pose = drive.x, drive.y, drive.yaw
        drive.step(*pursuit.commands(pose, drive.speed, nothing, tick * 0.02), 0.02)
        off = max(off, float(np.hypot(*(path - (drive.x, drive.y)).T).min()))
    assert math.dist((drive.x, drive.y), path[-1]) < 0.1
    assert off < 0.15


def test_the_world_stands_on_the_map(world):
    assert raw_map.OCCUPIED == world.grid.state[0, 0]
    assert world.occupied.sum() == (world.grid.state == raw_map.OCCUPIED).sum()
