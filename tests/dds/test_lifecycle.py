"""The node is a managed node, as rclpy has them: the same requests get the same answers, and what a state means."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode

import worlds
from managed import (ACTIVATE, ACTIVE, CLEANUP, CONFIGURE, DEACTIVATE, FINALIZED, INACTIVE, SHUTDOWN, UNCONFIGURED,
                     Managed)
from skips import needs_strace
from peer import Peer
from process import ROOT

START, GOAL, OTHER = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5), (3.0, 2.4, 0.0)
WAY = {UNCONFIGURED: [], INACTIVE: [CONFIGURE], ACTIVE: [CONFIGURE, ACTIVATE]}


class Judge(LifecycleNode):
    """rclpy's managed node. To an unknown number it raises and never answers; like rclcpp this one says no."""

    def _LifecycleNodeMixin__on_change_state(self, request, response):
        try:
            return super()._LifecycleNodeMixin__on_change_state(request, response)
        except Exception as error:
            assert "Transition is not registered" in str(error), error
            response.success = False
            return response


@pytest.fixture
def judge(context):
    """Gives what manages the judge, through a peer."""
    node = Judge("judge", namespace="/court", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    peer = Peer(context, "/court", "nobody")
    try:
        yield Managed(peer, "/court/judge").connect()
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        peer.close()


def active(start, **parameters) -> tuple:
    """A node that has been brought up by hand, its peer and what manages it."""
    node, peer = start({"autostart": False, **parameters})
    managed = Managed(peer).connect()
    assert managed.change(CONFIGURE) and managed.change(ACTIVATE)
    return node, peer, managed


def requests(rng: random.Random, count: int) -> list[tuple[int, str]]:
    """Known and unknown ones, by number, by label, and by both, where the label counts."""
    ids = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 20, 30, 40, 50, 60, 62, 99, 255]
    labels = ["configure", "cleanup", "activate", "deactivate", "destroy", "transition_success", "Configure", "nope"]
    walk = [rng.choice([(1, ""), (2, ""), (3, ""), (4, "")]) for _ in range(count)]
    odd = [(rng.choice(ids), rng.choice(["", *labels])) for _ in range(count)]
    return [request for pair in zip(walk, odd) for request in pair]


def steps(managed: Managed) -> list[tuple]:
    return [(e.timestamp, e.transition.id, e.transition.label, e.start_state.id, e.start_state.label, e.goal_state.id,
             e.goal_state.label) for e in managed.events]


@pytest.mark.parametrize("last", [UNCONFIGURED, INACTIVE, ACTIVE], ids=["unconfigured", "inactive", "active"])
def test_the_same_requests_get_the_answers_of_rclpys_lifecycle_node(start, judge, last):
    node, peer = start({"autostart": False})
    managed = Managed(peer).connect()
    assert managed.states() == judge.states()
    assert managed.graph() == judge.graph()

    def both(id: int, label: str) -> None:
        """Asks both, and compares all that they say."""
        answers = [one.change(id, label) for one in (managed, judge)]
        assert answers[0] == answers[1], (id, label)
        assert managed.named_state() == judge.named_state(), (id, label)
        assert managed.transitions() == judge.transitions(), (id, label)

    assert managed.named_state() == judge.named_state() == (UNCONFIGURED, "unconfigured")
    for request in requests(random.Random(last), 25):
        both(*request)
    # Shutdown by another state's number is refused.
    for state, id in SHUTDOWN.items():
        if state != managed.state():
            both(id, "")
    for back in (DEACTIVATE, CLEANUP):
        both(back, "")
    for id in WAY[last]:
        both(id, "")
    assert managed.state() == last
    both(*((0, "shutdown") if last == INACTIVE else (SHUTDOWN[last], "")))
    assert managed.state() == FINALIZED
    for request in requests(random.Random(7), 5):
        both(*request)
    peer.wait(lambda: len(managed.events) >= len(judge.events), "the node's events")
    judge.peer.wait(lambda: len(managed.events) <= len(judge.events), "the judge's events")
    assert steps(managed) == steps(judge) and len(managed.events) >= 8
    assert "change_state: there is no transition" in node.log


def test_a_finalized_node_lives_on_until_a_signal(start):
    node, _, managed = active(start)
    assert managed.change(label="shutdown")
    managed.peer.spin(0.5)
    assert node.is_running and managed.state() == FINALIZED
    assert node.stop(signal.SIGTERM) == 0


def test_a_signal_deactivates_and_cleans_up_as_nav2s_nodes_do(start):
    node, peer, managed = active(start)
    peer.wait(lambda: len(managed.events) == 4, "the events of the start")
    assert node.stop() == 0
    peer.wait(lambda: len(managed.events) == 8, "the events of the end")
    labels = [e.goal_state.label for e in managed.events[4:]]
    assert labels == ["deactivating", "inactive", "cleaningup", "unconfigured"]


@needs_strace
def test_autostart_configures_and_activates_and_tells(start, context, tmp_path):
    """Who listens hears of it once DDS has connected both: the node is held up for so long on its way there."""
    namespace = "/autostart"
    witness = Peer(context, namespace, "nobody")
    seen = Managed(witness, f"{namespace}/trm_node")
    manifest = ROOT / "models/bundles/nav_d32/manifest.yaml"
    slow = ["strace", "-D", "-f", "-o", str(tmp_path / "calls"), "-P", str(manifest), "-e", "trace=openat",
            "-e", "inject=openat:delay_enter=8000000"]
    _, peer = start({"bundle": str(manifest.parent)}, namespace, under=slow)
    managed = Managed(peer).connect()
    assert managed.named_state() == (ACTIVE, "active")
    witness.wait(lambda: len(seen.events) >= 4, "the events of the start")
    assert [e.goal_state.label for e in seen.events] == ["configuring", "inactive", "activating", "active"]
    witness.close()


def test_activation_waits_for_neither_a_grid_nor_a_transform(start):
    _, peer = start({"autostart": False})
    managed = Managed(peer).connect()
    assert managed.change(CONFIGURE, patience=2.0)
    assert managed.change(ACTIVATE, patience=2.0)
    assert managed.state(patience=2.0) == ACTIVE
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_goals_are_refused_while_the_node_is_not_configured_and_wait_while_it_is_inactive(start):
    _, peer = start({"autostart": False})
    managed = Managed(peer).connect()
    peer.publish_map(worlds.room())

    def is_refused() -> None:
        mark = peer.now()
        peer.ask(START, GOAL)
        status = peer.result("UNKNOWN", mark)
        assert "the node isn't configured" in status.message and status.plan_id == 0
        peer.inputs("the node isn't configured", mark)

    is_refused()
    assert managed.change(CONFIGURE)
    peer.spin(0.5)
    assert not peer.plans, "a refused goal is forgotten"
    peer.ask(START, GOAL)
    peer.spin(0.5)
    assert not peer.plans
    assert managed.change(ACTIVATE)
    peer.plans_after(0.0, lambda p: p.ends_at(GOAL))
    assert managed.change(DEACTIVATE)
    # Another one that comes meanwhile replaces it.
    peer.send_goal(OTHER)
    peer.spin(0.5)
    mark = peer.now()
    assert managed.change(ACTIVATE)
    peer.plans_after(mark, lambda p: p.ends_at(OTHER))
    assert all(p.ends_at(OTHER) for p in peer.plans if p.stamp > mark)
    # What is cleaned up is forgotten.
    assert managed.change(DEACTIVATE) and managed.change(CLEANUP)
    is_refused()
    mark = peer.now()
    assert managed.change(CONFIGURE) and managed.change(ACTIVATE)
    peer.spin(0.5)
    assert not [p for p in peer.plans if p.stamp > mark]
    peer.plan_to(START, GOAL)
    assert managed.change(label="shutdown")
    is_refused()


def test_fifty_quick_cycles_while_the_node_plans_at_20_hz(start):
    node, peer, managed = active(start, planner_frequency=20.0)
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 3)
    pauses = []
    for number in range(50):
        assert managed.change(DEACTIVATE, patience=2.0)
        begin = peer.now()
        peer.spin(0.02 * (number % 3))
        pauses.append((begin, peer.now()))
        assert managed.change(ACTIVATE, patience=2.0)
        peer.spin(0.03 * (number % 4))
    mark = peer.now()
    peer.plans_after(mark, lambda p: p.ends_at(GOAL), 5)
    stray = [p.stamp for p in peer.plans for begin, end in pauses if begin < p.stamp < end]
    assert not stray, "published while the node was inactive"
    assert managed.state() == ACTIVE and node.is_running


def test_a_client_that_dies_in_a_call_does_no_harm(start):
    _, peer = start({"autostart": False})
    managed = Managed(peer).connect()
    client = textwrap.dedent(f"""
        import os, signal, rclpy
        from lifecycle_msgs.srv import ChangeState
        rclpy.init()
        node = rclpy.create_node("dies")
        client = node.create_client(ChangeState, "{peer.planner}/change_state")
        assert client.wait_for_service(20.0)
        def ask(transition):
            request = ChangeState.Request()
            request.transition.id = transition
            return client.call_async(request)
        # Until both sides know each other: what is sent before is lost with the client.
        configured = ask(1)
        rclpy.spin_until_future_complete(node, configured, timeout_sec=20.0)
        assert configured.done()
        for transition in (1, 3, 4, 3) * 20:
            ask(transition)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    # Over UDP: a process that is killed while it writes to the shared memory of others leaves its locks there.
    environment = {**os.environ, "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}
    done = subprocess.run([sys.executable, "-c", client], env=environment, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert managed.state(patience=5.0) in (INACTIVE, ACTIVE)
    managed.change(DEACTIVATE, patience=2.0)
    assert managed.change(CLEANUP, patience=2.0) and managed.state() == UNCONFIGURED


def test_of_two_clients_that_want_the_same_one_gets_it(start):
    _, peer = start({"autostart": False})
    one, two = Managed(peer).connect(), Managed(peer).connect()
    ways = [CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP] * 5
    for id in ways:
        futures = [client.ask_for(id) for client in (one, two)]
        peer.wait(lambda: all(future.done() for future in futures), "both answers")
        assert sorted(future.result().success for future in futures) == [False, True]
    peer.wait(lambda: len(one.events) == 2 * len(ways), "two events a transition")
    assert one.state() == UNCONFIGURED
