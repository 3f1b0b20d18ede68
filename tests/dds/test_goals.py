"""Goals that cannot be: each is named, and the node goes on."""

import math

import pytest
from geometry_msgs.msg import PoseStamped

import worlds
from peer import seconds
from worlds import OCCUPIED, UNKNOWN

START = (1.0, 1.0, 0.0)
GOOD = (1.5, 2.3, 0.5)


def refused(peer, goal, result) -> None:
    """The goal gives this result and no plan; the next goal is planned to as ever."""
    mark = peer.now()
    peer.ask(START, goal)
    status = peer.result(result, mark)
    assert status.source == "none"
    peer.expect_no_plan(status.stamp)
    peer.plan_to(START, GOOD)


def test_a_goal_outside_the_map(peer):
    refused(peer, (20.0, 1.0, 0.0), "GOAL_OUTSIDE_MAP")


def test_a_goal_that_cannot_be_reached(peer):
    peer.publish_map(worlds.two_rooms())
    refused(peer, (3.0, 1.0, 0.0), "NO_VALID_PATH")


@pytest.mark.parametrize("state", [OCCUPIED, UNKNOWN], ids=["occupied", "unknown"])
def test_a_goal_deep_in_cells_that_are_not_free(peer, state):
    peer.publish_map(worlds.with_block(worlds.room(), slice(40, 75), slice(5, 50), state))
    refused(peer, (2.9, 1.4, 0.0), "GOAL_OCCUPIED")


def test_a_goal_near_an_obstacle_moves_within_the_tolerance(peer):
    goal = (3.0, 0.1, 1.0)  # nearer to the wall than the robot's radius
    peer.ask(START, goal)
    plan = peer.plans_after(0.0, lambda p: math.dist(p.poses[-1, :2], goal[:2]) <= 0.5 and p.poses[-1, 0] > 2.0)[0]
    assert plan.poses[-1, 2] == pytest.approx(goal[2], abs=1e-6)
    assert worlds.Checker(worlds.room(), worlds.RADIUS).collisions(worlds.room().to_cells(plan.poses[:, :2])) == []
    status = peer.status_after(0.0, lambda s: s.goal_moved, "a status that tells where the goal was moved to")
    moved = {end: [point.x, point.y] for end, point in (("from", status.goal_moved_from), ("to", status.goal_moved_to))}
    assert moved["from"] == pytest.approx(goal[:2], abs=1e-3)
    assert moved["to"] == pytest.approx(plan.poses[-1, :2], abs=1e-3)
    assert "the goal is moved from (3.000, 0.100) to" in status.message


def test_a_goal_in_a_wall_moves_to_the_side_that_can_be_reached(peer):
    peer.publish_map(worlds.two_rooms())
    goal = (2.09, 1.0, 0.0)  # in the wall; the room beyond it is nearer
    peer.ask(START, goal)
    plan = peer.plans_after(0.0, lambda p: p.poses[-1, 0] < 2.0)[0]  # the first ones may be those of the map before
    assert math.dist(plan.poses[-1, :2], goal[:2]) <= 0.5


def test_a_goal_in_a_frame_that_nobody_knows(peer):
    mark = peer.now()
    peer.pose = START
    peer.send_goal((3.0, 2.0, 0.0), frame="kitchen")
    assert "kitchen" in peer.result("TF_ERROR", mark).message
    peer.inputs("goal refused: transform map -> kitchen", mark)
    assert not peer.plans
    peer.plan_to(START, GOOD)


def test_a_goal_in_another_frame_is_brought_into_the_map(peer):
    peer.pose = START
    timer = peer.node.create_timer(0.05, lambda: peer.publish_tf("map", "dock", (1.0, 0.5, math.pi / 2)))
    peer.spin(0.2)
    peer.send_goal((1.5, -2.0, 0.0), frame="dock")
    plan = peer.plans_after(0.0, lambda p: p.ends_at((3.0, 2.0)))[0]
    assert plan.msg.header.frame_id == "map"
    assert plan.poses[-1, 2] == pytest.approx(math.pi / 2, abs=1e-6)
    peer.node.destroy_timer(timer)


class Dock:
    """A frame that moves along x by 0.5 m a second, and is published 20 times a second."""

    def __init__(self, peer):
        self.peer, self.began = peer, peer.now()
        self.timer = peer.node.create_timer(0.05, self.publish)

    def x(self, time: float) -> float:
        return 0.2 + 0.5 * (time - self.began)

    def publish(self) -> None:
        stamp = self.peer.stamp()
        self.last = self.x(seconds(stamp))
        self.peer.publish_tf("map", "dock", (self.x(seconds(stamp)), 0.5, 0.0), stamp=stamp)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.peer.node.destroy_timer(self.timer)


@pytest.mark.parametrize("age, y", [(1.03, 1.5), (0.0, 1.6), (-0.2, 1.7)], ids=["a-second-ago", "now", "soon"])
def test_a_goal_is_placed_where_its_frame_was_at_its_stamp(peer, age, y):
    peer.pose = START
    with Dock(peer) as dock:
        peer.spin(1.5)
        sent = peer.now()
        stamp = peer.send_goal((1.2, y - 0.5, 0.0), frame="dock", age=age)
        plan = peer.plans_after(sent, lambda p: abs(p.poses[-1, 1] - y) < 1e-6)[0]
    assert plan.poses[-1, 0] == pytest.approx(1.2 + dock.x(stamp), abs=1e-5)


def test_a_goal_with_a_stamp_of_zero_is_placed_where_its_frame_is(peer):
    peer.pose = START
    with Dock(peer) as dock:
        peer.spin(0.5)
    last = dock.last
    peer.spin(2.0)
    mark = peer.now()
    peer.send_goal((1.2, 0.9, 0.0), frame="dock", age=None)
    plan = peer.plans_after(mark, lambda p: abs(p.poses[-1, 1] - 1.4) < 1e-6)[0]
    assert plan.poses[-1, 0] == pytest.approx(1.2 + last, abs=1e-5)


@pytest.mark.parametrize("age, side", [(0.0, "before that"), (30.0, "after that")], ids=["stale", "long-ago"])
def test_a_goal_of_a_time_of_which_nothing_is_known_is_refused_with_both_times(peer, age, side):
    """Stale: the last transform is 3 s old. Long ago: the goal is older than all transforms."""
    peer.pose = START
    with Dock(peer):
        peer.spin(0.5)
    peer.spin(3.0)
    mark = peer.now()
    peer.send_goal((1.2, 1.0, 0.0), frame="dock", age=age)
    message = peer.result("TF_ERROR", mark).message
    assert "transform map -> dock at " in message and "frame dock is known from " in message and side in message
    assert not peer.plans
    peer.plan_to(START, GOOD)


def nan_goal(x: float = 3.0, yaw_z: float = 0.0, w: float = 1.0) -> PoseStamped:
    msg = PoseStamped()
    msg.header.frame_id = "map"
    msg.pose.position.x, msg.pose.position.y = x, 2.0
    msg.pose.orientation.z, msg.pose.orientation.w = yaw_z, w
    return msg


@pytest.mark.parametrize("msg, text", [
    (nan_goal(x=math.nan), "pose.position.x is NaN"),
    (nan_goal(x=-math.inf), "pose.position.x is -inf"),
    (nan_goal(yaw_z=math.nan), "pose.orientation.z is NaN"),
    (nan_goal(w=0.0), "pose.orientation is (0, 0, 0, 0)"),
], ids=["nan", "infinite", "nan-orientation", "zero-quaternion"])
def test_a_goal_with_numbers_that_are_none(peer, msg, text):
    mark = peer.now()
    peer.pose = START
    peer.goal.publish(msg)
    peer.status_after(mark, lambda s: text in s.message, f"a status with {text}")
    peer.inputs(text, mark)
    assert not peer.plans
    peer.plan_to(START, GOOD)


def test_a_refused_goal_leaves_the_one_before_in_force(peer):
    peer.plan_to(START, GOOD)
    mark = peer.now()
    peer.goal.publish(nan_goal(x=math.nan))
    peer.inputs("pose.position.x is NaN", mark)
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOOD), 3)


def test_a_goal_where_the_robot_is_needs_no_way(peer):
    """At most one plan, of hardly any length, and planning is over."""
    mark = peer.now()
    peer.ask(START, (1.02, 1.0, 2.0))
    peer.spin(1.0)
    plans = [p for p in peer.plans if p.stamp >= mark]
    assert len(plans) <= 1
    assert all(p.length < 0.1 for p in plans)


def test_a_goal_with_an_unnormalised_quaternion_keeps_its_direction(peer):
    peer.pose = START
    peer.goal.publish(nan_goal(yaw_z=3.0, w=3.0))
    plan = peer.plans_after(0.0, lambda p: p.ends_at((3.0, 2.0)))[0]
    assert plan.poses[-1, 2] == pytest.approx(math.pi / 2, abs=1e-6)


def test_a_goal_in_the_odometry_s_frame_stays_there_while_localisation_moves_it(start):
    _, peer = start()
    peer.publish_map(worlds.room())
    peer.pose_on = "nothing"
    peer.pose = None
    place = {"map": (0.0, 0.0, 0.0)}
    timer = peer.node.create_timer(0.02, lambda: (peer.publish_tf("map", "odom", place["map"]),
                                                  peer.publish_tf("odom", "base_link", START)))
    peer.spin(0.3)
    peer.send_goal((3.0, 1.5, 0.5), frame="odom")
    ends_at = lambda x, y: lambda plan: math.dist(plan.poses[-1, :2], (x, y)) < 1e-3  # noqa: E731
    peer.plans_after(0.0, ends_at(3.0, 1.5))
    place["map"] = (0.2, 0.4, 0.0)
    plan = peer.plans_after(0.0, ends_at(3.2, 1.9))[0]
    assert math.dist(plan.poses[0, :2], (1.2, 1.4)) < 0.05
    # In the robot's own frame: it is where that was when the goal was stamped, and doesn't run ahead of the robot.
    mark = peer.now()
    peer.send_goal((1.0, 0.0, 0.0), frame="base_link")
    peer.plans_after(mark, ends_at(2.2, 1.4))
    place["map"] = (0.2, 0.7, 0.0)
    peer.plans_after(mark, ends_at(2.2, 1.7))
    peer.node.destroy_timer(timer)
