"""The bond by which a lifecycle manager knows that the node lives."""

import os
import signal
import time

import pytest

import worlds
from managed import ACTIVATE, ACTIVE, CONFIGURE, DEACTIVATE, Managed
from sister import Sister
from stopped_thread import stopped

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
# What a busy machine may add.
SLACK = 3.0


@pytest.fixture
def bonded(start):
    """Gives a node that is active and bonded, its peer, what manages it, and the sister."""
    def bonded(**parameters):
        node, peer = start({"autostart": False, **parameters})
        managed = Managed(peer).connect()
        assert managed.change(CONFIGURE) and managed.change(ACTIVATE)
        sister = form(peer)
        return node, peer, managed, sister
    return bonded


def form(peer) -> Sister:
    sister = Sister(peer.node, "trm_node")
    peer.wait(lambda: sister.is_formed, "the bond", 10.0)
    peer.spin(0.5)  # until the node has heard it, too
    return sister


def test_an_active_node_forms_the_bond_and_beats_as_often_as_asked_for(bonded):
    _, peer, _, sister = bonded()
    mark = time.monotonic()
    peer.spin(3.0)
    beats = sister.said(True, mark)
    assert 20 <= len(beats) <= 31, beats
    status = sister.heard[-1][1]
    assert (status.id, status.heartbeat_timeout) == ("trm_node", 4.0)
    assert status.heartbeat_period == pytest.approx(0.1)
    assert len({status.instance_id for _, status in sister.heard}) == 1
    assert not sister.said(False)


def test_an_inactive_node_has_no_bond_and_one_without_a_sister_waits_ten_seconds(start):
    _, peer = start({"autostart": False, "bond_heartbeat_period": 0.25})
    listener = Sister(peer.node, "trm_node", answers=False)
    managed = Managed(peer).connect()
    assert managed.change(CONFIGURE)
    peer.spin(1.0)
    assert not listener.heard
    assert managed.change(ACTIVATE)
    begin = time.monotonic()
    peer.spin(12.5)
    beats = listener.said(True)
    assert 30 <= len(beats) <= 41
    assert 9.0 <= beats[-1] - begin <= 10.0 + SLACK / 2
    assert not listener.said(False) and managed.state() == ACTIVE


def test_with_a_period_of_zero_there_are_no_bonds(start):
    _, peer = start({"bond_heartbeat_period": 0.0})
    managed = Managed(peer).connect()
    assert managed.state() == ACTIVE
    topic = f"{peer.node.get_namespace()}/bond"
    assert peer.node.count_publishers(topic) == peer.node.count_subscribers(topic) == 0


def test_a_deactivated_node_says_that_it_dies_until_it_is_answered(bonded):
    _, peer, managed, sister = bonded()
    mark = time.monotonic()
    assert managed.change(DEACTIVATE)
    peer.wait(lambda: sister.is_broken, "the end of the bond", 1.0 + SLACK)
    peer.spin(0.5)
    words = sister.said(False, mark)
    assert 1 <= len(words) <= 8
    # The next bond is another instance, and the farewell of the sister before doesn't end it.
    assert managed.change(ACTIVATE)
    sister.say(False)
    second = form(peer)
    formed = time.monotonic()
    peer.spin(0.5)
    assert second.said(True, formed) and not second.said(False)
    instances = {status.instance_id for _, status in second.heard}
    assert not instances & {status.instance_id for at, status in sister.heard if at < mark}


def test_without_an_answer_it_says_so_every_20th_of_a_second_for_two_seconds(bonded):
    _, peer, managed, sister = bonded()
    sister.answers = False
    mark = time.monotonic()
    assert managed.change(DEACTIVATE)
    peer.spin(3.0 + SLACK)
    words = sister.said(False, mark)
    assert 25 <= len(words) <= 41
    assert 1.5 <= words[-1] - words[0] <= 2.0 + SLACK / 2
    assert not [at for at in sister.said(True, words[0])]


def test_when_the_sister_dies_the_node_answers_and_goes_on_as_it_is(bonded):
    node, peer, managed, sister = bonded()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)
    mark = time.monotonic()
    sister.break_bond()
    peer.wait(lambda: sister.said(False, mark), "the node's answer", 2.0 + SLACK)
    peer.spin(0.5)
    after = time.monotonic()
    peer.spin(0.5)
    assert not sister.said(True, after)
    assert managed.state() == ACTIVE
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL))
    node.wait_for_log("bond: the lifecycle manager has ended it")


def test_a_sister_that_is_silent_is_noticed_and_breaks_nothing(bonded):
    node, peer, managed, sister = bonded()
    sister.answers = False
    begin = time.monotonic()
    peer.wait(lambda: "bond: the lifecycle manager hasn't been heard for 4 s" in node.log, "a warning", 4.0 + SLACK)
    assert time.monotonic() - begin > 3.5
    mark = time.monotonic()
    peer.spin(1.0)
    assert sister.said(True, mark) and managed.state() == ACTIVE
    sister.answers = True
    peer.wait(lambda: "bond: the lifecycle manager is heard again" in node.log, "the news", SLACK)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_a_node_that_is_told_to_end_says_that_it_dies(bonded, how):
    node, peer, _, sister = bonded()
    mark = time.monotonic()
    os.kill(node.pid, how)
    peer.wait(lambda: sister.said(False, mark), "the node's farewell", 1.0 + SLACK)
    assert node.wait() == 0
    assert sister.is_broken


def test_the_sister_notices_within_four_seconds_that_the_node_was_killed(context, tmp_path):
    from peer import Peer
    from process import NodeProcess
    peer = Peer(context, "/killed")
    node = NodeProcess(tmp_path, {"autostart": True}, "/killed")
    peer.connect(node)
    sister = form(peer)
    node.process.kill()
    begin = time.monotonic()
    node.process.wait()
    NodeProcess.alive.remove(node)
    peer.wait(lambda: sister.is_broken, "the end of the bond", 4.0 + SLACK)
    took = time.monotonic() - begin
    assert not sister.said(False) and took > 3.5
    peer.close()


def test_a_node_that_is_stopped_is_noticed_and_beats_again_when_it_goes_on(bonded):
    node, peer, managed, sister = bonded()
    os.kill(node.pid, signal.SIGSTOP)
    try:
        peer.wait(lambda: sister.is_broken, "the end of the bond", 4.0 + SLACK)
        mark = time.monotonic()
        peer.spin(0.5)
        assert not sister.said(True, mark)
    finally:
        os.kill(node.pid, signal.SIGCONT)
    peer.wait(lambda: sister.said(True, mark), "a heartbeat", SLACK)
    assert managed.state() == ACTIVE


def test_of_a_node_whose_planner_thread_hangs_nothing_is_heard(bonded):
    node, peer, managed, sister = bonded()
    with stopped(node.pid, "planner"):
        begin = time.monotonic()
        peer.wait(lambda: sister.is_broken, "the end of the bond", 2.0 + 4.0 + SLACK)
        last = sister.said(True)[-1]
        assert last - begin < 2.0 + 0.5 + SLACK
        assert managed.state(patience=2.0) == ACTIVE, "services are answered all the same"
    mark = time.monotonic()
    peer.wait(lambda: sister.said(True, mark), "a heartbeat", 2.0 + SLACK)


def test_planning_delays_no_heartbeat(bonded):
    """At 100 Hz on a map with a way round, on a model of its full steps."""
    _, peer, _, sister = bonded(planner_frequency=100.0, stop_verified=False, stop_settled=False, skip_threshold=0.0)
    peer.publish_map(worlds.gap())
    peer.plan_to(START, GOAL, 3)
    mark = time.monotonic()
    peer.spin(3.0)
    beats = [mark, *sister.said(True, mark)]
    assert len(beats) >= 15 and max(b - a for a, b in zip(beats, beats[1:])) < 2.0
