"""Grids that change, are wrong, or never come."""

import math

import numpy as np
import pytest

import worlds
from worlds import RADIUS

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.0, 0.5)


def clear(plan, grid) -> bool:
    return worlds.Checker(grid, RADIUS).collisions(grid.to_cells(plan.poses[:, :2])) == []


def test_a_map_that_never_comes(start):
    _, peer = start()
    mark = peer.now()
    peer.ask(START, GOAL)
    peer.inputs("map", mark)
    status = peer.status_after(mark, lambda s: s.result != "SUCCEEDED", "a status that says why")
    assert "map" in status.message and status.source == "none"
    peer.expect_no_plan(mark)
    # The goal isn't forgotten: the map comes after all.
    peer.publish_map(worlds.room())
    peer.plans_after(mark, lambda p: p.ends_at(GOAL))


def test_a_map_that_changes_its_size_and_place(peer):
    peer.plan_to(START, GOAL)
    for grid in (worlds.room(200, 150, (-3.0, -2.0, 0.0)), worlds.room(30, 30), worlds.room(120, 40, (0.0, 0.0, 0.3))):
        mark = peer.now()
        peer.publish_map(grid)
        ends = grid.to_metres(8.5, 8.5), grid.to_metres(grid.state.shape[1] - 9.5, 20.5)
        plan = peer.plan_to((*ends[0], 0.0), (*ends[1], 1.0))[0]
        assert plan.stamp >= mark and clear(plan, grid)
    # The old goal lies outside a smaller map: refused with its reason, no crash.
    peer.plan_to((*ends[0], 0.0), (*ends[1], 1.0))
    mark = peer.now()
    peer.publish_map(worlds.room(30, 30))
    peer.status_after(mark, lambda s: s.result in ("GOAL_OUTSIDE_MAP", "START_OUTSIDE_MAP"), "a refusal")


@pytest.mark.parametrize("field, text", [
    ("data", "data length is 4799, but info says 80 x 60 = 4800"),
    ("frame", "header.frame_id is \"odom\""),
    ("resolution", "info.resolution is NaN"),
    ("width", "info.width is 0"),
    ("value", "is 101"),
    ("origin", "info.origin.orientation is (0, 0, 0, 0)"),
])
def test_a_bad_grid_is_named_and_the_last_good_one_stays(peer, field, text):
    peer.plan_to(START, GOAL)
    mark = peer.now()
    msg = worlds.grid_message(worlds.two_rooms(), peer.stamp())
    match field:
        case "data":
            msg.data = msg.data[:-1]
        case "frame":
            msg.header.frame_id = "odom"
        case "resolution":
            msg.info.resolution = math.nan
        case "width":
            msg.info.width = 0
        case "value":
            msg.data[5] = 101
        case "origin":
            msg.info.origin.orientation.w = 0.0
    peer.map.publish(msg)
    peer.inputs(text, mark)
    # On the bad grid there would be no way.
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL), 3)


def test_an_update_outside_the_map_is_named_and_ignored(peer):
    peer.plan_to(START, GOAL)
    mark = peer.now()
    peer.map_updates.publish(worlds.update_message(70, 10, np.full((20, 20), 100), peer.stamp()))
    peer.inputs("grid refused", mark)
    mark = peer.now()
    bad = worlds.update_message(40, 10, np.full((4, 4), 100), peer.stamp())
    bad.data = bad.data[:-3]
    peer.map_updates.publish(bad)
    peer.inputs("13", mark)
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL) and p.length < 1.1 * math.dist(START[:2], GOAL[:2]), 3)


def test_an_update_of_the_map_turns_the_path_aside(peer):
    """A wall grows across the way: all later paths go around it; it goes, and the way is straight again."""
    grid = worlds.room()
    peer.publish_map(grid)
    straight = peer.plan_to(START, GOAL)[0]
    walled = worlds.with_block(grid, slice(40, 43), slice(1, 40))
    assert not clear(straight, walled)
    peer.map_updates.publish(worlds.update_message(40, 1, np.full((39, 3), 100), peer.stamp()))
    first = peer.plans_after(straight.stamp, lambda p: clear(p, walled))[0]
    peer.plans_after(first.stamp, lambda p: True, 6)
    assert all(clear(p, walled) for p in peer.plans if p.stamp >= first.stamp)
    mark = peer.now()
    peer.map_updates.publish(worlds.update_message(40, 1, np.full((39, 3), 0), peer.stamp()))
    peer.plans_after(mark, lambda p: p.length < 1.05 * straight.length)


def test_a_blocked_path_is_replanned_at_once(start):
    """Long before the next tick, which is far away."""
    period = 10.0
    _, peer = start({"planner_frequency": 1.0 / period})
    grid = worlds.room()
    peer.publish_map(grid)
    old = peer.plan_to(START, GOAL)[0]
    walled = worlds.with_block(grid, slice(40, 43), slice(1, 40))
    mark = peer.now()
    peer.map_updates.publish(worlds.update_message(40, 1, np.full((39, 3), 100), peer.stamp()))
    new = peer.plans_after(mark, lambda p: clear(p, walled))[0]
    assert new.stamp - old.stamp < 0.6 * period
    # And a whole new map that blocks the way does the same.
    other = worlds.with_block(grid, slice(40, 43), slice(20, 59))
    assert not clear(new, other)
    mark = peer.now()
    peer.publish_map(other)
    newer = peer.plans_after(mark, lambda p: clear(p, other))[0]
    assert newer.stamp - mark < 0.6 * period
    # A change that blocks nothing is no reason. What is said of a plan comes after its path.
    peer.wait(lambda: peer.statuses[-1].stamp >= newer.stamp, "the status of that plan")
    count = len(peer.statuses)
    peer.map_updates.publish(worlds.update_message(5, 50, np.full((2, 2), 100), peer.stamp()))
    peer.spin(1.0)
    assert len(peer.statuses) - count <= 1


def test_a_new_goal_is_planned_to_at_once(start):
    period = 10.0
    _, peer = start({"planner_frequency": 1.0 / period})
    peer.publish_map(worlds.room())
    first = peer.plan_to(START, GOAL)[0]
    second = peer.plan_to(START, (3.0, 2.4, 0.0))[0]
    assert second.stamp - first.stamp < 0.6 * period


def costmap_message(peer, grid, radius):
    msg = worlds.grid_message(grid, peer.stamp())
    msg.data = worlds.costmap_values(grid, radius).ravel().tolist()
    return msg


def test_a_costmap_is_taken_as_it_is_and_updated(start):
    """Its inflation counts, not `robot_radius`: here it is wider."""
    _, peer = start({"grid_source": "costmap", "robot_radius": 0.1})
    radius = 0.3
    grid = worlds.gap()
    peer.costmap.publish(costmap_message(peer, grid, radius))
    plan = peer.plan_to((1.02, 1.05, 0.0), (3.22, 1.05, 0.5))[0]
    checker = worlds.Checker(grid, radius)
    assert checker.collisions(grid.to_cells(plan.poses[:, :2])) == []
    # The lower gap closes: the update carries its inflation with it.
    closed = worlds.with_block(grid, slice(40, 42), slice(14, 28))
    values = worlds.costmap_values(closed, radius)
    mark = peer.now()
    peer.costmap_updates.publish(worlds.update_message(30, 5, values[5:40, 30:55], peer.stamp()))
    checker = worlds.Checker(closed, radius)
    peer.plans_after(mark, lambda p: checker.collisions(grid.to_cells(p.poses[:, :2])) == [], 3)
    # The topic of the other source is none of the node's business.
    assert peer.map.get_subscription_count() == 0


def test_inscribed_and_unknown_cells_of_a_costmap_are_not_crossed(start):
    _, peer = start({"grid_source": "costmap"})
    grid = worlds.room()
    msg = costmap_message(peer, grid, 0.0)
    values = np.zeros(grid.state.shape, np.int8)
    for wall in (99, 100, -1):
        values[:, 38:44] = wall
        msg.data = values.ravel().tolist()
        mark = peer.now()
        peer.costmap.publish(msg)
        peer.ask(START, GOAL)
        peer.result("NO_VALID_PATH", mark)
    values[:, 38:44] = 98
    msg.data = values.ravel().tolist()
    peer.costmap.publish(msg)
    peer.plan_to(START, GOAL)
