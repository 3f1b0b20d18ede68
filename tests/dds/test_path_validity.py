"""Nav2's service is_path_valid, asked by rclpy."""

import math

import numpy as np
import pytest
from nav2_msgs.srv import IsPathValid
from nav_msgs.msg import Path

import worlds
from action_client import SUCCEEDED, PathClient, stamped, to_pose

START, GOAL = (0.5, 1.5, 0.0), (3.5, 1.5, 0.0)


@pytest.fixture
def is_valid(peer):
    service = peer.node.create_client(IsPathValid, "is_path_valid")
    peer.wait(service.service_is_ready, "the service")

    def ask(points, frame="map"):
        path = Path()
        path.header.frame_id = frame
        path.poses = [stamped((*point, 0.0), frame) for point in points]
        future = service.call_async(IsPathValid.Request(path=path))
        peer.wait(future.done, "an answer")
        return future.result().is_valid, list(future.result().invalid_pose_indices)

    yield ask
    peer.node.destroy_client(service)


def test_a_path_is_valid_until_something_stands_on_what_is_left_of_it(peer, is_valid):
    peer.pose = START
    peer.spin(0.1)
    client = PathClient(peer)
    peer.wait(lambda: client.ask(to_pose(GOAL, START))[0] == SUCCEEDED, "the map")
    points = [(p.pose.position.x, p.pose.position.y) for p in client.ask(to_pose(GOAL, START))[1].path.poses]
    client.close()
    assert is_valid(points) == (True, [])
    blocked = worlds.with_block(worlds.room(), slice(40, 42), slice(28, 32))
    peer.publish_map(blocked)
    # By another program: the points from which the robot's disc touches the obstacle.
    touched = [at for at, point in enumerate(points)
               if worlds.Checker(blocked, worlds.RADIUS).collisions(blocked.to_cells(np.array([point])))]
    peer.wait(lambda: not is_valid(points)[0], "the obstacle")
    found = is_valid(points)[1]
    assert set(touched) <= set(found) and max(found) <= max(touched) + 2 and min(found) >= min(touched) - 1
    # Two poses, with the obstacle between them.
    assert is_valid([START[:2], GOAL[:2]]) == (False, [1])
    peer.pose = (3.0, 1.5, 0.0)
    peer.spin(0.1)
    peer.wait(lambda: is_valid(points) == (True, []), "the robot has passed it")


def test_what_cannot_be_driven_is_not_valid(peer, is_valid):
    assert is_valid([]) == (False, [])
    assert is_valid([(1.0, 1.0), (9.0, 1.0)]) == (False, [1])
    assert is_valid([(1.0, 1.0), (math.nan, 1.0)]) == (False, [])
    assert is_valid([(1.0, 1.0), (2.0, 1.0)], "nowhere") == (False, [])
    assert is_valid([(1.0, 1.0), (2.0, 1.0)]) == (True, [])
    peer.publish_tf("map", "shelf", (1.0, 1.0, 0.0))
    peer.wait(lambda: is_valid([(0.0, 0.0), (1.0, 0.0)], "shelf") == (True, []), "the frame")
