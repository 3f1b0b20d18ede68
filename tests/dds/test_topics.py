"""QoS, rate, and what comes first."""

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

import worlds


def test_the_qos_of_every_topic(shared):
    _, peer = shared
    reliable, best_effort = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
    volatile, latched = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL

    def of_node(infos):
        return [(i.qos_profile.reliability, i.qos_profile.durability) for i in infos if i.node_name == "trm_node"]

    sent = {"/plan": volatile, "/trm_node/status": volatile, "/trm_node/state": latched, "/diagnostics": volatile}
    for topic, durability in sent.items():
        # The name of a node comes a little later than its ends.
        peer.wait(lambda: of_node(peer.node.get_publishers_info_by_topic(topic)), "the node's name")
        assert of_node(peer.node.get_publishers_info_by_topic(topic)) == [(reliable, durability)], topic
    subscriptions = peer.node.get_subscriptions_info_by_topic
    assert of_node(subscriptions("/map")) == [(reliable, latched)]
    assert of_node(subscriptions("/goal_pose"))[0][1] == volatile
    assert of_node(subscriptions("/tf")) == [(reliable, volatile)]
    # The second one is the scout.
    assert sorted(of_node(subscriptions("/map_updates"))) == sorted([(reliable, volatile), (best_effort, volatile)])
    assert of_node(subscriptions("/tf_static")) == [(reliable, latched)]
    # The grid comes from one topic; the other is not even listened to.
    assert not of_node(subscriptions("/costmap"))


def test_a_late_node_gets_the_map_that_was_published_before(context, start):
    from peer import Peer
    early = Peer(context, "/late")
    early.publish_map(worlds.room())
    _, peer = start(namespace="/late")
    # This second peer has published no map.
    plan = peer.plan_to((1.0, 1.0, 0.0), (3.0, 2.0, 0.5))[0]
    early.close()
    assert plan.ends_at((3.0, 2.0))


def test_plans_come_at_the_planner_frequency(peer):
    peer.plan_to((1.0, 1.0, 0.0), (3.0, 2.0, 0.5))
    count = len(peer.statuses)
    peer.wait(lambda: len(peer.statuses) >= count + 60, "60 plans")
    stamps = np.array([s.stamp for s in peer.statuses[count:]])
    # The node skips ticks on a machine that is too busy, and never makes up for them.
    assert 12.0 < 1.0 / np.median(np.diff(stamps)) < 24.0
    assert (len(stamps) - 1) / (stamps[-1] - stamps[0]) < 22.0


def test_another_planner_frequency(start):
    _, peer = start({"planner_frequency": 4.0})
    peer.publish_map(worlds.room())
    peer.plan_to((1.0, 1.0, 0.0), (3.0, 2.0, 0.5))
    count = len(peer.statuses)
    peer.wait(lambda: len(peer.statuses) >= count + 9, "9 plans")
    stamps = np.array([s.stamp for s in peer.statuses[count:]])
    assert 3.0 < 1.0 / np.median(np.diff(stamps)) < 5.0


def test_planning_ends_at_the_goal_and_begins_again_with_the_next(peer):
    goal = (3.0, 2.0, 0.5)
    peer.plan_to((1.0, 1.0, 0.0), goal)
    mark = peer.now()
    peer.pose = (2.95, 1.95, 0.0)  # within goal_reached_tolerance
    peer.result("GOAL_REACHED", mark)
    count = len(peer.statuses)
    peer.spin(0.5)
    assert len(peer.statuses) == count
    # Leaving the goal is no new request.
    peer.pose = (1.0, 1.0, 0.0)
    peer.spin(0.5)
    assert len(peer.statuses) == count
    peer.plan_to((1.0, 1.0, 0.0), (3.0, 0.8, 0.0))


def test_the_newest_goal_counts(peer):
    start, goals = (1.0, 1.0, 0.0), [(3.0, 2.0, 0.5), (3.0, 0.8, 0.0), (0.8, 2.4, 0.0)]
    peer.plan_to(start, goals[0])
    for goal in goals[1:]:
        peer.send_goal(goal)
    last = peer.plans_after(peer.now(), lambda p: p.ends_at(goals[-1]))[0]
    peer.plans_after(last.stamp, lambda p: True, 8)
    assert all(p.ends_at(goals[-1]) for p in peer.plans if p.stamp >= last.stamp)


def test_a_best_effort_listener_gets_plans_too(peer):
    """As RViz may ask for it."""
    from nav_msgs.msg import Path
    got = []
    subscription = peer.node.create_subscription(
        Path, "plan", got.append, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    peer.ask((1.0, 1.0, 0.0), (3.0, 2.0, 0.5))
    peer.wait(lambda: got, "a plan")
    peer.node.destroy_subscription(subscription)


def test_who_listens_to_plans_alone_learns_that_there_is_none(start):
    """With `publish_empty_path`, once; and the next path counts again."""
    _, peer = start({"publish_empty_path": True})
    peer.publish_map(worlds.room())
    peer.plan_to((1.0, 1.0, 0.0), (3.0, 1.0, 0.0))
    peer.publish_map(worlds.two_rooms())
    peer.result("NO_VALID_PATH", peer.now())
    peer.spin(0.5)
    ends = [len(p.poses) for p in peer.plans]
    assert ends.count(0) == 1 and ends[-1] == 0, ends
    assert peer.plans[-1].msg.header.frame_id == "map"
    mark = peer.now()
    peer.publish_map(worlds.room())
    assert peer.plans_after(mark, lambda p: len(p.poses) > 0)
