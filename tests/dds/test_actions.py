"""Nav2's planner actions, asked by rclpy's own clients."""

import math
import time

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalInfo, GoalStatusArray
from action_msgs.srv import CancelGoal
from geometry_msgs.msg import PoseStamped
from unique_identifier_msgs.msg import UUID

import worlds
from action_client import (
    ABORTED, CANCELED, SUCCEEDED, THROUGH_POSES, TO_POSE, PathClient, leads, poses_of, seconds, stamped, through_poses,
    to_pose)
from peer import LATCHED

START, GOAL, OTHER = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5), (1.5, 2.3, -1.0)


@pytest.fixture
def client(peer):
    client = PathClient(peer)
    peer.wait(lambda: client.ask(to_pose(GOAL, START))[0] == SUCCEEDED, "the map")
    yield client
    client.close()


def refused(client, goal, code, *said):
    """The goal ends aborted with this code, and an empty path that carries frame and stamp."""
    before = client.peer.now()
    status, result = client.ask(goal)
    assert (status, result.error_code, len(result.path.poses)) == (ABORTED, code, 0), result
    assert result.path.header.frame_id == "map" and seconds(result.path.header.stamp) >= before - 0.1
    assert all(text in result.error_msg for text in said), result.error_msg
    return result


def test_a_path_from_a_given_start_and_from_where_the_robot_is(client, peer):
    status, result = client.ask(to_pose(GOAL, OTHER))
    assert (status, result.error_code, result.error_msg) == (SUCCEEDED, TO_POSE.NONE, "")
    leads(result.path, OTHER, GOAL, worlds.room())
    assert 0.0 < seconds(result.planning_time) < 5.0
    peer.pose = START
    peer.spin(0.1)
    status, result = client.ask(to_pose(OTHER))
    leads(result.path, START, OTHER, worlds.room())
    # As Nav2 does, for who watches.
    peer.wait(lambda: any(plan.msg == result.path for plan in peer.plans), "the same path on the topic")


def test_start_and_goal_in_one_place_give_one_pose(client):
    status, result = client.ask(to_pose(START, START))
    assert (status, len(result.path.poses)) == (SUCCEEDED, 1)


def test_a_path_through_poses_passes_each_of_them_once(client):
    goals = [GOAL, OTHER, (3.0, 2.4, 1.0)]
    status, result = client.ask(through_poses(goals, START))
    assert (status, result.error_code) == (SUCCEEDED, THROUGH_POSES.NONE)
    poses = leads(result.path, START, goals[-1], worlds.room())
    for goal in goals:
        assert np.count_nonzero(np.hypot(*(poses[:, :2] - goal[:2]).T) < 1e-6) == 1
    assert np.hypot(*np.diff(poses[:, :2], axis=0).T).max() < 0.1


@pytest.mark.parametrize(("start", "goal", "name"), [
    ((20.0, 1.0, 0.0), GOAL, "START_OUTSIDE_MAP"),
    (START, (20.0, 1.0, 0.0), "GOAL_OUTSIDE_MAP"),
    ((2.9, 1.4, 0.0), START, "START_OCCUPIED"),
    (START, (2.9, 1.4, 0.0), "GOAL_OCCUPIED"),
    (START, (3.85, 2.5, 0.0), "NO_VALID_PATH"),
])
def test_codes_are_nav2s(client, peer, start, goal, name):
    blocked = worlds.with_block(worlds.room(), slice(40, 70), slice(0, 60))
    peer.publish_map(blocked)
    peer.wait(lambda: client.ask(to_pose((3.85, 2.5, 0.0), START))[0] == ABORTED, "the other map")
    refused(client, to_pose(goal, start), getattr(TO_POSE, name))
    legs = through_poses([START, goal], start)
    which = "goals[0]" if name.startswith("START") else "goals[1]"
    refused(client, legs, getattr(THROUGH_POSES, name), which)
    assert client.ask(to_pose(OTHER, START))[0] == SUCCEEDED


def test_bad_goals_are_refused_by_field_and_value_and_the_next_one_is_planned(client):
    refused(client, to_pose(GOAL, START, "Smac"), TO_POSE.INVALID_PLANNER, '"Smac"', "GridBased")
    refused(client, through_poses([], START), THROUGH_POSES.NO_VIAPOINTS_GIVEN, "empty")
    refused(client, to_pose((math.nan, 1.0, 0.0), START), TO_POSE.UNKNOWN, "goal", "pose.position.x is NaN")
    refused(client, to_pose(GOAL, (1.0, math.inf, 0.0)), TO_POSE.UNKNOWN, "start", "pose.position.y is inf")
    zero = PoseStamped()
    zero.header.frame_id, zero.pose.orientation.w = "map", 0.0
    refused(client, through_poses([GOAL, zero], START), THROUGH_POSES.UNKNOWN, "goals[1]", "pose.orientation")
    refused(client, to_pose(stamped(GOAL, ""), START), TO_POSE.UNKNOWN, "goal", "header.frame_id")
    refused(client, to_pose(stamped(GOAL, "nowhere"), START), TO_POSE.TF_ERROR, "goal", "nowhere")
    refused(client, through_poses([GOAL] * 300, START), THROUGH_POSES.UNKNOWN, "300")
    refused(client, to_pose(GOAL, START, "x" * 1_000_000), TO_POSE.INVALID_PLANNER)
    assert client.ask(to_pose(GOAL, START, "GridBased"))[0] == SUCCEEDED


def test_start_and_goal_in_frames_of_their_own(client, peer):
    peer.publish_tf("map", "shelf", (2.0, 1.0, math.pi / 2))
    peer.publish_tf("map", "dock", (0.5, 0.5, 0.0))
    goal, start = stamped((0.5, -1.0, 0.0), "shelf"), stamped((0.5, 0.5, 0.0), "dock")
    status, result = client.ask(to_pose(goal, start))
    assert status == SUCCEEDED, result
    leads(result.path, (1.0, 1.0, 0.0), (3.0, 1.5, math.pi / 2), worlds.room())


def test_a_goal_waits_for_its_transform(client, peer):
    handle = client.send(to_pose(stamped((0.5, 0.5, 0.0), "late"), START))
    peer.spin(0.2)
    peer.publish_tf("map", "late", (1.0, 1.5, 0.0))
    status, result = client.result_of(handle)
    assert status == SUCCEEDED and math.dist(poses_of(result.path)[-1, :2], (1.5, 2.0)) < 1e-6


def test_a_cancelled_goal_ends_cancelled_at_once(client, peer):
    handle = client.send(to_pose(stamped((0.5, 0.5, 0.0), "never"), START))  # waits for its transform
    future = handle.cancel_goal_async()
    began = time.monotonic()
    status, result = client.result_of(handle)
    assert status == CANCELED and len(result.path.poses) == 0 and time.monotonic() - began < 0.4
    peer.wait(future.done, "the answer to the cancel")
    assert [bytes(info.goal_id.uuid) for info in future.result().goals_canceling] == [bytes(handle.goal_id.uuid)]
    again = handle.cancel_goal_async()
    peer.wait(again.done, "the answer to the second cancel")
    assert again.result().return_code == CancelGoal.Response.ERROR_GOAL_TERMINATED
    assert client.ask(to_pose(GOAL, START))[0] == SUCCEEDED


def test_all_goals_are_cancelled_by_one_request_of_another_client(client, peer, context):
    node = rclpy.create_node("other", context=context)
    peer.executor.add_node(node)
    other = PathClient(peer, node)
    handles = [client.send(to_pose(stamped(GOAL, "never"), START)), other.send(to_pose(stamped(GOAL, "never"), START))]
    service = peer.node.create_client(CancelGoal, "compute_path_to_pose/_action/cancel_goal")
    peer.wait(service.service_is_ready, "the service")
    unknown = service.call_async(CancelGoal.Request(goal_info=GoalInfo(goal_id=UUID(uuid=np.full(16, 7, np.uint8)))))
    peer.wait(unknown.done, "the answer")
    assert unknown.result().return_code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID
    everything = service.call_async(CancelGoal.Request())
    assert [client.result_of(handles[0])[0], other.result_of(handles[1])[0]] == [CANCELED, CANCELED]
    peer.wait(everything.done, "the answer")
    assert len(everything.result().goals_canceling) == 2
    peer.node.destroy_client(service)
    other.close()
    peer.executor.remove_node(node)
    node.destroy_node()


def test_a_newer_goal_of_a_client_pre_empts_its_older_one_and_no_other_client_s(client, peer, context):
    node = rclpy.create_node("other", context=context)
    peer.executor.add_node(node)
    other = PathClient(peer, node)
    slow = to_pose(stamped(GOAL, "soon"), START)
    theirs, older = other.send(slow), client.send(slow)
    newer = client.send(to_pose(GOAL, START))
    status, result = client.result_of(older)
    assert (status, result.error_code) == (ABORTED, TO_POSE.UNKNOWN) and "pre-empted" in result.error_msg
    assert client.result_of(newer)[0] == SUCCEEDED
    peer.publish_tf("map", "soon", (0.0, 0.0, 0.0))
    assert other.result_of(theirs)[0] == SUCCEEDED
    other.close()
    peer.executor.remove_node(node)
    node.destroy_node()


def test_many_clients_get_their_own_paths(client, peer, context):
    nodes = [rclpy.create_node(f"client{n}", context=context) for n in range(4)]
    for node in nodes:
        peer.executor.add_node(node)
    clients = [PathClient(peer, node) for node in nodes]
    for turn in range(5):
        goals = [(1.0 + 0.5 * n, 0.8 + 0.3 * turn, 0.1 * n) for n in range(4)]
        handles = [client.send(to_pose(goal, START)) for client, goal in zip(clients, goals)]
        for client, handle, goal in zip(clients, handles, goals):
            status, result = client.result_of(handle)
            assert status == SUCCEEDED
            leads(result.path, START, goal, worlds.room())
    for client, node in zip(clients, nodes):
        client.close()
        peer.executor.remove_node(node)
        node.destroy_node()


def test_states_are_told_to_late_listeners_and_results_to_late_askers(client, peer):
    handle = client.send(to_pose(GOAL, START))
    peer.spin(0.3)
    states = []
    listener = peer.node.create_subscription(GoalStatusArray, "compute_path_to_pose/_action/status", states.append,
                                             LATCHED)
    peer.wait(lambda: states, "the states")
    last = states[-1].status_list[-1]
    assert bytes(last.goal_info.goal_id.uuid) == bytes(handle.goal_id.uuid) and last.status == SUCCEEDED
    assert client.result_of(handle)[0] == SUCCEEDED, "asked for after it had ended"
    peer.node.destroy_subscription(listener)


def test_ticks_go_on_beside_actions(client, peer):
    peer.plan_to(START, GOAL)
    mark, count = peer.now(), 0
    while peer.now() < mark + 2.0:
        status, result = client.ask(to_pose(OTHER, START))
        assert status == SUCCEEDED
        count += 1
    ticks = [plan for plan in peer.plans if plan.stamp >= mark and plan.ends_at(GOAL)]
    assert len(ticks) >= 20 and count >= 20, f"{len(ticks)} ticks and {count} actions in 2 s"


def test_without_a_map_and_without_a_robot_the_answer_comes_within_the_deadline(start):
    _, peer = start()
    client = PathClient(peer)
    result = refused(client, to_pose(GOAL, START), TO_POSE.UNKNOWN, "no grid")
    assert seconds(result.planning_time) < 1.0
    peer.publish_map(worlds.room())
    peer.wait(lambda: client.ask(to_pose(GOAL, START))[0] == SUCCEEDED, "the map")
    result = refused(client, to_pose(GOAL), TO_POSE.TF_ERROR, "base_link")
    assert seconds(result.planning_time) < 1.0
    client.close()


def test_planners_by_name_have_parameters_of_their_own(start):
    _, peer = start({"planner_plugins": ["GridBased", "ModelOnly", "Patient"], "ModelOnly": {"allow_fallback": False},
                     "GridBased": {"plugin": "nav2_navfn_planner::NavfnPlanner", "tolerance": 0.0, "use_astar": False},
                     "Patient": {"max_planning_time": 3.0, "tolerance": 1.0}, "expected_planner_frequency": 10.0})
    peer.publish_map(worlds.room())
    client = PathClient(peer)
    names = ["GridBased", "ModelOnly", "Patient"]
    for name in names:
        peer.wait(lambda: client.ask(to_pose(GOAL, START, name))[0] == SUCCEEDED, "the map")  # noqa: B023
    near_wall = (3.0, 0.1, 0.0)
    refused(client, to_pose(near_wall, START, "GridBased"), TO_POSE.GOAL_OCCUPIED)
    assert client.ask(to_pose(near_wall, START, "Patient"))[0] == SUCCEEDED, "within its tolerance"
    refused(client, to_pose(GOAL, START), TO_POSE.INVALID_PLANNER, '""', ", ".join(names))
    client.close()


def test_a_client_that_dies_in_the_middle_disturbs_nobody(client, peer, context):
    for _ in range(5):
        node = rclpy.create_node("mortal", context=context)
        peer.executor.add_node(node)
        mortal = PathClient(peer, node)
        mortal.send(to_pose(stamped(GOAL, "never"), START))
        mortal.close()
        peer.executor.remove_node(node)
        node.destroy_node()
    assert client.ask(to_pose(GOAL, START))[0] == SUCCEEDED
