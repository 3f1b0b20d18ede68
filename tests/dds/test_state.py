"""`~/state`: what the node is and what it waits for."""

import hashlib
import math

import pytest
from peer import LATCHED
from trm_msgs.msg import PlannerState

import worlds
from managed import ACTIVATE, DEACTIVATE, Managed
from test_parameters import set_parameter

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
MANIFEST = worlds.ROOT / "models/bundles/nav_d32/manifest.yaml"


def seen(peer, fits, what: str) -> PlannerState:
    """Waits until the last state is such."""
    return peer.wait(lambda: peer.states and fits(peer.states[-1]) and peer.states[-1], what)


def test_a_state_says_what_the_node_is_and_what_it_misses(start):
    _, peer = start({"robot_radius": 0.25, "planner_frequency": 10.0, "deadline_ms": 40.0, "thread_priority": 0})
    missing = ["no grid has come on topic map",
               "transform map -> base_link: no transform has come that names frame map"]
    state = seen(peer, lambda s: list(s.missing) == missing, "a state without a grid and a pose")
    assert state.header.frame_id == "map" and state.lifecycle_state == PlannerState.ACTIVE
    assert (state.has_map, state.has_goal) == (False, False)
    assert list(state.planner_ids) == [""] and list(state.bundle_names) == ["nav_d32"]
    assert list(state.bundle_hashes) == [hashlib.sha256(MANIFEST.read_bytes()).hexdigest()]
    assert (state.robot_radius_m, state.planner_frequency_hz, list(state.deadlines_ms)) == (0.25, 10.0, [40.0])
    assert (state.thread_priority, state.memory_locked, list(state.not_granted)) == (0, False, [])


def test_the_state_follows_the_map_the_pose_and_the_goal(start):
    _, peer = start()
    seen(peer, lambda s: s.missing, "a state")
    grid = worlds.room(70, 50, origin=(-1.0, -2.0, 0.5))
    peer.publish_map(grid)
    state = seen(peer, lambda s: s.has_map, "a state with the map")
    assert (state.map.width, state.map.height) == (70, 50)
    assert state.map.resolution == pytest.approx(worlds.RESOLUTION)
    origin = state.map.origin
    assert (origin.position.x, origin.position.y) == (-1.0, -2.0)
    assert worlds.yaw_of(origin.orientation) == pytest.approx(0.5)
    assert not any("grid" in text for text in state.missing)
    peer.publish_map(worlds.room())
    mark = peer.now()
    peer.ask(START, GOAL)
    state = seen(peer, lambda s: s.has_goal and s.map.width == 80 and not s.missing, "a state with the goal")
    assert math.dist((state.goal.position.x, state.goal.position.y), GOAL[:2]) < 1e-9
    assert worlds.yaw_of(state.goal.orientation) == pytest.approx(GOAL[2])
    # The pose grows old.
    peer.pose = None
    old = seen(peer, lambda s: s.missing, "a state without a pose")
    assert list(old.missing) == ["transform map -> base_link is older than transform_tolerance"] and old.has_goal
    peer.pose = GOAL
    peer.result("GOAL_REACHED", mark)
    seen(peer, lambda s: not s.has_goal and not s.missing, "a state without a goal")


def test_the_state_follows_parameters_and_pauses(start):
    _, peer = start()
    assert set_parameter(peer, "deadline_ms", 55.0).successful
    seen(peer, lambda s: list(s.deadlines_ms) == [55.0], "a state with the deadline")
    managed = Managed(peer).connect()
    assert managed.change(DEACTIVATE)
    seen(peer, lambda s: s.lifecycle_state == PlannerState.INACTIVE, "a paused state")
    assert managed.change(ACTIVATE)
    seen(peer, lambda s: s.lifecycle_state == PlannerState.ACTIVE, "an active state")


def test_who_comes_later_hears_the_last_state_and_nothing_is_told_twice(start):
    _, peer = start()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 3)
    state = seen(peer, lambda s: s.has_goal and s.has_map and not s.missing, "a state with everything")
    count = len(peer.states)
    late = []
    subscription = peer.node.create_subscription(PlannerState, f"{peer.planner}/state", late.append, LATCHED)
    peer.wait(lambda: late, "the state for one who came later")
    # Plans go on, and nothing changes.
    plans = len(peer.plans)
    peer.wait(lambda: len(peer.plans) > plans + 30, "more plans")
    assert late == [state] and len(peer.states) == count
    peer.node.destroy_subscription(subscription)
    for before, after in zip(peer.states, peer.states[1:]):
        apart = [s.header.stamp.sec + s.header.stamp.nanosec * 1e-9 for s in (before, after)]
        assert apart[1] - apart[0] > 0.15
        after.header.stamp = before.header.stamp
        assert before != after


def test_what_the_system_refused_is_named(start):
    _, peer = start({"cpu_affinity": 1000})
    state = seen(peer, lambda s: s.not_granted, "a state with a refusal")
    assert any(text.startswith("cpu_affinity: CPU 1000 refused") for text in state.not_granted)
