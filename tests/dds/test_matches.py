"""Publishers and subscriptions that don't fit the node's, and what `qos_overrides` change."""

import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rcl_interfaces.srv import DescribeParameters, ListParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

import worlds
from process import NodeProcess
from test_parameters import call, get_parameter, set_parameter

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
VOLATILE = QoSProfile(depth=1, durability=DurabilityPolicy.VOLATILE)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def topics(peer, text: str) -> int:
    """Waits until the diagnostics of the topics say this, in the message or in a value, and gives the level."""
    def found():
        status = next((s for _, s in reversed(peer.diagnostics) if s.name == f"{peer.planner}: topics"), None)
        whole = " | ".join([status.message, *(f"{v.key}: {v.value}" for v in status.values)]) if status else ""
        return status if text in whole else None
    return ord(peer.wait(found, f"topics: {text}").level)


def test_a_volatile_map_is_told_with_both_profiles_and_the_parameter(start):
    node, peer = start(namespace="/latched")
    publisher = peer.node.create_publisher(OccupancyGrid, "map", VOLATILE)
    said = ("topic /latched/map: the publisher of /latched/peer (reliable, volatile) doesn't fit this node's "
            "subscription (reliable, transient_local), nothing passes between them: durability; "
            "qos_overrides./latched/map.subscription.durability sets this node's")
    assert topics(peer, said) == 1
    peer.spin(2.0)
    assert node.log.count(said) == 1, "once"
    peer.node.destroy_publisher(publisher)
    assert topics(peer, "all who are there fit") == 0


@pytest.mark.parametrize("parameters", [
    {"map_subscribe_transient_local": False},
    {"qos_overrides./volatile/map.subscription.durability": "volatile"},
], ids=lambda parameters: next(iter(parameters)))
def test_a_volatile_map_is_heard_when_a_parameter_says_so(start, parameters):
    _, peer = start(parameters, namespace="/volatile")
    # The peer's other publisher of the map has nothing to say.
    publisher = peer.node.create_publisher(OccupancyGrid, "map", VOLATILE)
    peer.wait(publisher.get_subscription_count, "the node's subscription")
    publisher.publish(worlds.grid_message(worlds.room(), peer.stamp()))
    peer.plan_to(START, GOAL)
    topics(peer, "topic /volatile/map has 2 publishers, which all count: /volatile/peer, /volatile/peer")
    peer.node.destroy_publisher(publisher)


def test_a_subscription_of_the_plan_that_asks_for_more_is_told(start):
    node, peer = start(namespace="/more")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    subscription = peer.node.create_subscription(Path, "plan", lambda _: None, latched)
    said = ("topic /more/plan: the subscription of /more/peer (reliable, transient_local) doesn't fit this node's "
            "publisher (reliable, volatile)")
    topics(peer, said)
    node.wait_for_log(said)
    peer.node.destroy_subscription(subscription)


def test_goals_of_best_effort_are_told_and_heard_when_overridden(start):
    _, peer = start(namespace="/goals")
    publisher = peer.node.create_publisher(PoseStamped, "goal_pose", BEST_EFFORT)
    topics(peer, "topic /goals/goal_pose: the publisher of /goals/peer (best_effort, volatile) doesn't fit")
    peer.node.destroy_publisher(publisher)
    _, peer = start({"qos_overrides./heard/goal_pose.subscription.reliability": "best_effort"}, namespace="/heard")
    peer.goal = peer.node.create_publisher(PoseStamped, "goal_pose", BEST_EFFORT)
    topics(peer, "/heard/goal_pose subscription: best_effort, volatile; 2 connected")
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_odometry_of_best_effort_is_heard(start):
    _, peer = start({"start_source": "odom"}, namespace="/wheels")
    peer.node.destroy_publisher(peer.odom)
    peer.odom = peer.node.create_publisher(Odometry, "odom", BEST_EFFORT)
    peer.pose_on = "odom"
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_the_overrides_are_parameters_of_every_topic_by_its_full_name(start):
    _, peer = start({"qos_overrides./fleet/path.publisher.depth": 3}, namespace="/fleet", remaps={"plan": "path"})
    listed = set(call(peer, ListParameters, "list_parameters", ListParameters.Request()).result.names)
    ends = {"/fleet/path.publisher": 3, "/fleet/trm_node/status.publisher": 10, "/fleet/trm_node/state.publisher": 1,
            "/diagnostics.publisher": 10, "/parameter_events.publisher": 1000,
            "/fleet/trm_node/transition_event.publisher": 10, "/fleet/bond.publisher": 5, "/fleet/bond.subscription": 100,
            "/fleet/map.subscription": 1, "/fleet/map_updates.subscription": 0,
            "/fleet/footprint.subscription": 1, "/fleet/goal_pose.subscription": 1, "/fleet/tf.subscription": 100,
            "/fleet/tf_static.subscription": 0}
    policies = ("reliability", "durability", "history", "depth")
    wanted = {f"qos_overrides.{end}.{policy}" for end in ends for policy in policies}
    assert {name for name in listed if name.startswith("qos_overrides.")} == wanted
    for end, depth in ends.items():
        assert get_parameter(peer, f"qos_overrides.{end}.depth") == depth
    name = "qos_overrides./fleet/map.subscription.durability"
    assert get_parameter(peer, name) == "transient_local"
    answer = set_parameter(peer, name, "volatile")
    assert not answer.successful and name in answer.reason
    request = DescribeParameters.Request(names=[name])
    [described] = call(peer, DescribeParameters, "describe_parameters", request).descriptors
    assert described.read_only


def test_an_override_of_an_unknown_topic_is_a_warning(start):
    node, _ = start({"qos_overrides./scan.subscription.reliability": "best_effort"})
    assert 'qos_overrides./scan.subscription.reliability: "best_effort" is not a parameter of this node' in node.log


def test_a_bad_override_is_refused_by_name(tmp_path):
    node = NodeProcess(tmp_path, {"qos_overrides./map.subscription.durability": "latched"})
    try:
        assert node.wait() == 1
        said = 'parameter qos_overrides./map.subscription.durability: "latched" is not one of volatile, transient_local'
        assert said in node.log
    finally:
        node.stop()
