"""A robot with a footprint: the parameters, the topic `footprint`, and what `is_path_valid` says of its turns."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import Point32, Polygon, PolygonStamped
from nav2_msgs.srv import IsPathValid
from nav_msgs.msg import Path

import worlds
from action_client import stamped
from test_parameters import get_parameter, set_parameter

CAR = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]"
LONG = [(0.7, 0.1), (-0.7, 0.1), (-0.7, -0.1), (0.7, -0.1)]
# 1.4 m wide and 0.7 m deep.
WIDE = [(0.35, 0.7), (-0.35, 0.7), (-0.35, -0.7), (0.35, -0.7)]
RADIUS = 0.5
# Along the middle of a corridor of 1.1 m, and turned across.
ALONG = [(1.0, 0.6, 0.0), (1.5, 0.6, 0.0), (2.0, 0.6, 0.0)]
ACROSS = [(1.0, 0.6, 0.0), (1.5, 0.6, 0.0), (1.5, 0.6, math.pi / 2)]


@pytest.mark.parametrize(("name", "bad", "texts"), [
    ("footprint", "[[1, 1], [2, x]]", ["footprint", "[[1, 1], [2, x]]", "at character 13"]),
    ("footprint", "[[1, 1], [-1, -1], [1, -1], [-1, 1]]", ["footprint", "sides after points 0 and 2 meet"]),
    ("footprint_padding", -0.1, ["footprint_padding", "-0.1", "from 0 to 1"]),
    ("minimum_turning_radius", 0.0, ["minimum_turning_radius", "0.0", "from 0.01"]),
    ("motion_model", "boat", ["motion_model", "boat", "omni, diff, car"]),
    ("goal_heading", "any", ["goal_heading", "any", "default, bidirectional, all"]),
])
def test_a_bad_parameter_is_refused_by_name_and_value(peer, name, bad, texts):
    before = get_parameter(peer, name)
    result = set_parameter(peer, name, bad)
    assert not result.successful and all(text in result.reason for text in texts), result.reason
    assert get_parameter(peer, name) == before


def test_the_topic_replaces_the_footprint_and_a_bad_polygon_does_not(start):
    node, peer = start({"footprint": CAR})
    publisher = peer.node.create_publisher(PolygonStamped, "footprint", 1)
    peer.wait(publisher.get_subscription_count, "the subscription")

    def publish(points, frame=""):
        message = PolygonStamped(polygon=Polygon(points=[Point32(x=x, y=y) for x, y in points]))
        message.header.frame_id = frame
        publisher.publish(message)

    publish([(1.0, 0.0), (math.nan, 1.0), (0.0, -1.0)])
    peer.wait(lambda: "topic footprint: the polygon is refused" in node.log, "the warning")
    assert "point 1 is (NaN, 1)" in node.log and get_parameter(peer, "footprint") == CAR
    peer.spin(2.5)  # warnings of a kind are limited
    publish(LONG, "map")
    peer.wait(lambda: "in the frame map, not in robot_base_frame base_link" in node.log, "the warning")
    publish(LONG, "base_link")
    wanted = "[[0.7, 0.1], [-0.7, 0.1], [-0.7, -0.1], [0.7, -0.1]]"
    peer.wait(lambda: get_parameter(peer, "footprint") == wanted, "the new footprint")


def test_a_robot_that_is_longer_than_a_corridor_is_wide_does_not_turn_there(start):
    _, peer = start({"footprint": "", "robot_radius": 0.1})
    peer.publish_map(worlds.room(width=80, height=24))
    service = peer.node.create_client(IsPathValid, "is_path_valid")
    peer.wait(service.service_is_ready, "the service")

    def ask(poses):
        path = Path()
        path.header.frame_id = "map"
        path.poses = [stamped(pose) for pose in poses]
        future = service.call_async(IsPathValid.Request(path=path))
        peer.wait(future.done, "an answer")
        return future.result().is_valid, list(future.result().invalid_pose_indices)

    peer.wait(lambda: ask(ACROSS) == (True, []), "the map; a disc may turn")
    corners = ", ".join(f"[{x}, {y}]" for x, y in LONG)
    assert set_parameter(peer, "footprint", f"[{corners}]").successful
    assert ask(ALONG) == (True, [])
    assert ask(ACROSS) == (False, [2])
    peer.node.destroy_client(service)


def first_hit(grid, corners, poses):
    """The first pose, or place between two, where a rectangle overlaps an occupied cell. The axes that part them, if any,
    are those of the grid or of the rectangle."""
    corners = np.array(corners)
    occupied = np.argwhere(grid.state == worlds.OCCUPIED)[:, ::-1]
    cells = (occupied[:, None, :] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)])) * grid.resolution + grid.origin[:2]
    turn = lambda a, b: (b - a + math.pi) % (2 * math.pi) - math.pi  # noqa: E731
    places = [poses[0]]
    for a, b in zip(poses, poses[1:]):
        between = lambda share: np.append(a[:2] + share * (b[:2] - a[:2]), a[2] + share * turn(a[2], b[2]))  # noqa: B023, E731
        places += [between(share) for share in (0.25, 0.5, 0.75, 1.0)]
    for x, y, yaw in places:
        axes = np.array([(math.cos(yaw), math.sin(yaw)), (-math.sin(yaw), math.cos(yaw)), (1, 0), (0, 1)])
        robot = (corners @ axes[:2] + (x, y)) @ axes.T
        around = cells @ axes.T
        parted = (around.max(1) <= robot.min(0) + 1e-6) | (around.min(1) >= robot.max(0) - 1e-6)
        if not parted.any(1).all():
            return x, y, yaw
    return None


def test_what_is_published_for_a_car_is_clear_for_its_footprint_and_can_be_steered(start):
    _, peer = start({"footprint": CAR, "motion_model": "car", "minimum_turning_radius": RADIUS, "deadline_ms": 1000.0})
    grid = worlds.gap(width=120, height=80)
    peer.publish_map(grid)
    goal = (4.8, 2.8, math.pi / 2)
    plans = peer.plan_to((1.2, 1.0, 0.0), goal, 5)
    corners = [(x, y) for x in (0.71, -0.21) for y in (0.32, -0.32)]
    for plan in plans:
        assert first_hit(grid, corners, plan.poses) is None
        assert plan.ends_at(goal) and abs(plan.poses[-1, 2] - goal[2]) <= 0.25
        chords = np.hypot(*np.diff(plan.poses[1:, :2], axis=0).T)
        turns = np.abs((np.diff(plan.poses[1:, 2]) + math.pi) % (2 * math.pi) - math.pi)
        assert (chords >= 2 * RADIUS * np.sin(turns / 2) - 1e-4).all()
    sources = [status.source for status in peer.statuses if status.result == "SUCCEEDED"]
    assert sources[0] == "lattice" and set(sources) <= {"lattice", "previous"}


def test_a_new_footprint_holds_for_the_next_path(start):
    _, peer = start({"footprint": CAR, "motion_model": "diff", "deadline_ms": 1000.0})
    grid = worlds.gap(width=120, height=80)
    peer.publish_map(grid)
    goal = (4.8, 2.0, 0.0)
    peer.plan_to((1.2, 2.0, 0.0), goal, 3)
    # A load that is too wide for the lower gap, of 0.7 m, and for the upper one.
    corners = ", ".join(f"[{x}, {y}]" for x, y in WIDE)
    mark = peer.now()
    assert set_parameter(peer, "footprint", f"[{corners}]").successful
    changed = peer.now()
    status = peer.status_after(changed, lambda s: s.result == "NO_VALID_PATH", "that there is no way for it")
    assert status.source == "none"
    late = [plan for plan in peer.plans if plan.stamp > changed]
    assert not late, "published for the footprint before"
    assert set_parameter(peer, "footprint", CAR).successful
    assert peer.plans_after(mark, lambda plan: plan.stamp > changed and plan.ends_at(goal))
