"""Where the robot is: transforms and odometry, and what happens without them."""

import math

import pytest
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from tf2_msgs.msg import TFMessage

import worlds
from worlds import OCCUPIED

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)


def names_the_transform(peer, mark):
    """No plan, and both the status and the diagnostics say what is missing."""
    status = peer.result("TF_ERROR", mark)
    assert status.source == "none" and status.level == "error"
    assert "map" in status.message and "base_link" in status.message and "/clock" not in status.message
    peer.expect_no_plan(status.stamp)
    peer.inputs("base_link", mark)


def test_a_transform_that_is_missing(start):
    _, peer = start()
    peer.publish_map(worlds.room())
    mark = peer.now()
    peer.send_goal(GOAL)
    names_the_transform(peer, mark)
    peer.pose = START
    peer.plans_after(mark, lambda p: p.ends_at(GOAL))


def test_a_transform_that_is_old(peer):
    peer.plan_to(START, GOAL)
    # The last one ages.
    peer.pose = None
    mark = peer.now()
    names_the_transform(peer, mark)
    # Old ones keep coming: no better.
    peer.pose, peer.pose_age = START, 5.0
    mark = peer.now()
    names_the_transform(peer, mark)
    peer.pose_age = 0.0
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL), 3)


def test_a_chain_of_transforms(start):
    """map -> odom as a localisation gives it, odom -> base_footprint -> base_link as a robot does."""
    _, peer = start()
    peer.publish_map(worlds.room())

    def publish():
        peer.publish_tf("map", "odom", (2.0, 0.0, math.pi / 2))
        peer.publish_tf("odom", "base_footprint", (1.0, 0.5, 0.0))
        peer.publish_tf("base_footprint", "base_link", (0.2, 0.0, 0.0))
    timer = peer.node.create_timer(0.05, publish)
    peer.send_goal(GOAL)
    # (2, 0) + a quarter turn of (1.2, 0.5).
    plan = peer.plans_after(0.0, lambda p: p.ends_at(GOAL))[0]
    assert plan.poses[0, :2] == pytest.approx((1.5, 1.2), abs=1e-6)
    peer.node.destroy_timer(timer)


def test_a_transform_with_nan_is_named_and_ignored(peer):
    peer.plan_to(START, GOAL)
    mark = peer.now()
    peer.pose = (math.nan, 1.0, 0.0)
    peer.inputs("transform.translation.x is NaN", mark)
    peer.pose = START
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL) and p.starts_near(START), 3)


def test_a_transform_with_a_zero_quaternion_is_named(peer):
    peer.plan_to(START, GOAL)
    mark = peer.now()
    msg = TransformStamped(child_frame_id="base_link")
    msg.header.frame_id, msg.header.stamp = "map", peer.stamp()
    msg.transform.rotation.w = 0.0
    for _ in range(5):
        peer.tf.publish(TFMessage(transforms=[msg]))
    peer.inputs("(0, 0, 0, 0)", mark)
    peer.plans_after(peer.now(), lambda p: p.starts_near(START), 3)


def test_a_robot_outside_the_map(peer):
    mark = peer.now()
    peer.ask((-3.0, 1.0, 0.0), GOAL)
    status = peer.result("START_OUTSIDE_MAP", mark)
    peer.expect_no_plan(status.stamp)
    peer.plan_to(START, GOAL)


def test_a_robot_in_an_occupied_cell(peer):
    peer.publish_map(worlds.with_block(worlds.room(), slice(10, 31), slice(10, 31)))
    mark = peer.now()
    peer.ask(START, GOAL)
    status = peer.result("START_OCCUPIED", mark)
    peer.expect_no_plan(status.stamp)
    peer.publish_map(worlds.room())
    peer.plans_after(mark, lambda p: p.ends_at(GOAL))


def test_a_robot_too_near_to_an_obstacle_gets_out(peer):
    """Nearer than its radius, not in it: the way out leads away, and then the path keeps its distance."""
    grid = worlds.with_block(worlds.room(), slice(10, 12), slice(10, 31), OCCUPIED)
    peer.publish_map(grid)
    start = (0.72, 1.0, 0.0)  # 0.145 m from the centres of the nearest occupied cells
    plan = peer.plan_to(start, GOAL)[0]
    free = [i for i, pose in enumerate(plan.poses)
            if not worlds.Checker(grid, worlds.RADIUS).collisions(grid.to_cells(pose[None, :2]))]
    first = free[0]
    assert free == list(range(first, len(plan.poses)))
    assert math.dist(plan.poses[0, :2], plan.poses[first, :2]) <= 0.35


def test_odometry_instead_of_transforms(start):
    _, peer = start({"start_source": "odom"})
    peer.publish_map(worlds.room())
    mark = peer.now()
    peer.send_goal(GOAL)
    status = peer.result("TF_ERROR", mark)
    assert "odom" in status.message
    peer.pose_on = "odom"
    plan = peer.plan_to(START, GOAL)[0]
    assert plan.poses[0, :2] == pytest.approx(START[:2], abs=1e-6)
    # Another frame, NaN, and age are named as well.
    peer.pose = None
    for frame, x, age, text in (("elsewhere", 1.0, 0.0, "\"elsewhere\""), ("map", math.nan, 0.0, "NaN")):
        mark = peer.now()
        msg = Odometry()
        msg.header.frame_id, msg.header.stamp = frame, peer.stamp(age)
        msg.pose.pose.position.x = x
        peer.odom.publish(msg)
        peer.inputs(text, mark)
    mark = peer.now()
    peer.pose, peer.pose_age = START, 5.0
    peer.result("TF_ERROR", mark)
    peer.pose_age = 0.0
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL))
