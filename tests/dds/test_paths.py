"""Real maps and goals: every plan is checked against the raw map by tests/raw_map.py."""

import math

import numpy as np
import pytest

import worlds
from worlds import RADIUS

MAPS = sorted((worlds.ROOT / "tests/maps").rglob("*.yaml"))
QUERIES = 3
PLANS = 4


@pytest.mark.parametrize("file", MAPS, ids=lambda file: file.parent.name)
def test_plans_on_a_real_map_touch_nothing_and_end_where_asked(peer, file):
    grid = worlds.load(file)
    graph = worlds.Graph(worlds.inflate(grid, RADIUS))
    queries = worlds.random_queries(grid, graph, RADIUS, QUERIES, 2.0, np.random.default_rng(7))
    assert len(queries) == QUERIES
    checker = worlds.Checker(grid, RADIUS)
    peer.publish_map(grid)
    for number, query in enumerate(queries):
        yaw = (1.0, -2.5, 3.1)[number]
        plans = peer.plan_to((*query.start, 0.4), (*query.goal, yaw), PLANS)
        for plan in plans:
            assert checker.faults(query, plan.poses.tolist(), yaw) == []


def test_a_turned_map_is_planned_on_as_well(peer):
    grid = worlds.gap()
    turned = worlds.Map(grid.path, grid.state, grid.resolution, (3.5, -7.25, 0.7))
    start, goal = turned.to_metres(15.5, 20.5), turned.to_metres(65.5, 20.5)
    peer.publish_map(turned)
    plans = peer.plan_to((*start, 0.0), (*goal, 0.7), 3)
    checker = worlds.Checker(turned, RADIUS)
    for plan in plans:
        assert checker.faults(worlds.Query(start, goal, ((20, 15), (20, 65))), plan.poses.tolist(), 0.7) == []


def test_a_plan_has_the_frame_and_a_fresh_stamp_on_every_pose(peer):
    peer.publish_map(worlds.gap())
    before = peer.now()
    plan = peer.plan_to((1.0, 1.5, 0.0), (3.2, 1.5, 1.0))[0]
    assert plan.msg.header.frame_id == "map"
    assert before <= plan.stamp <= peer.now()
    assert len(plan.msg.poses) > 2
    for pose in plan.msg.poses:
        assert pose.header == plan.msg.header
        q = pose.pose.orientation
        assert math.isclose(q.x ** 2 + q.y ** 2 + q.z ** 2 + q.w ** 2, 1.0, abs_tol=1e-9)
        assert pose.pose.position.z == 0.0


def test_poses_look_along_the_path_and_the_last_one_as_asked(peer):
    peer.publish_map(worlds.gap())
    goal = (3.2, 1.5, -1.2)
    plan = peer.plan_to((1.0, 1.5, 0.0), goal)[0]
    steps = np.diff(plan.poses[:, :2], axis=0)
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    # The heading of a pose is that of the step from it, or of the one to it.
    for i in range(1, len(headings)):
        turns = [abs(math.remainder(plan.poses[i, 2] - headings[j], math.tau)) for j in (i - 1, i)]
        assert min(turns) < 0.5, f"pose {i} of {len(plan.poses)}"
    assert plan.poses[-1] == pytest.approx(goal, abs=1e-6)


def test_the_path_begins_where_the_robot_is_while_it_moves(peer):
    """Exactly there, where nothing forbids it, plan after plan."""
    goal = (3.5, 2.0, 0.0)
    for x in (0.6, 0.93, 1.27):
        start = (x, 0.71, 0.3)
        plan = peer.plan_to(start, goal)[0]
        assert plan.poses[0, :2] == pytest.approx(start[:2], abs=1e-6)


def test_a_straight_way_is_planned_straight(peer):
    """In an empty room a path is hardly longer than the straight line."""
    start, goal = (0.6, 0.6, 0.0), (3.4, 2.3, 0.0)
    for plan in peer.plan_to(start, goal, 3):
        assert plan.length <= 1.1 * math.dist(start[:2], goal[:2])
