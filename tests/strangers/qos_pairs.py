"""Publishers and subscriptions of every profile on every topic of the node. Whether they fit is what rclpy says of both
profiles. The node must be connected with those that fit, and name the others in `/diagnostics`.
"""

import itertools
from collections.abc import Iterator

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from map_msgs.msg import OccupancyGridUpdate
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rcl_interfaces.msg import ParameterEvent
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from tf2_msgs.msg import TFMessage
from trm_msgs.msg import PlannerState, PlanStatus

from bench import Bench
from case import Case
from peer import Peer

HEARD = {"map": OccupancyGrid, "map_updates": OccupancyGridUpdate, "goal_pose": PoseStamped, "tf": TFMessage,
         "tf_static": TFMessage, "odom": Odometry}
SENT = {"plan": Path, "trm_node/status": PlanStatus, "trm_node/state": PlannerState, "/diagnostics": DiagnosticArray,
        "/parameter_events": ParameterEvent}
PROFILES = list(itertools.product((ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT),
                                  (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL)))
IDS = {("map", "publisher", "reliable, volatile"): "navigation2#4146",
       ("map", "publisher", "reliable, transient_local"): "rviz#400",
       ("plan", "subscription", "reliable, transient_local"): "rviz#478",
       ("odom", "publisher", "best_effort, volatile"): "depthai-ros#94"}
# Nodes with other parameters, and what of them is tried.
VARIANTS = [
    ({"grid_source": "costmap"}, {"costmap": OccupancyGrid, "costmap_updates": OccupancyGridUpdate}, {}),
    ({"map_subscribe_transient_local": False}, {"map": OccupancyGrid}, {}),
    ({"qos_overrides./robot/tf.subscription.reliability": "best_effort",
      "qos_overrides./robot/plan.publisher.durability": "transient_local"}, {"tf": TFMessage}, {"plan": Path}),
]


def text(profile) -> str:
    reliability, durability = profile
    return f"{reliability.name.lower()}, {durability.name.lower()}"


def diagnosed(peer: Peer):
    """The last status of the node's topics."""
    return next((status for _, status in reversed(peer.diagnostics) if status.name == f"{peer.planner}: topics"), None)


def own_profile(peer: Peer, topic: str, kind: str) -> QoSProfile:
    """Of the node's end, as the middleware tells everybody."""
    get = {"publisher": peer.node.get_subscriptions_info_by_topic,
           "subscription": peer.node.get_publishers_info_by_topic}[kind]
    # The name of a node comes a little later than its ends.
    find = lambda: next((info.qos_profile for info in get(topic) if info.node_name == "trm_node"), None)  # noqa: E731
    found = peer.wait(find, f"the node's end of {topic}")
    return QoSProfile(depth=1, reliability=found.reliability, durability=found.durability)


def judged(kind: str, theirs: QoSProfile, ours: QoSProfile) -> str:
    verdict, _ = qos_check_compatible(*((theirs, ours) if kind == "publisher" else (ours, theirs)))
    return "named" if verdict == QoSCompatibility.ERROR else "connected"


def of_a_stranger(bench: Bench, peer: Peer, kind: str, topics: dict, profile, name: str) -> Iterator[Case]:
    """A node that has an end of each topic, all of one profile."""
    namespace = peer.planner.rpartition("/")[0]
    qos = QoSProfile(depth=1, reliability=profile[0], durability=profile[1])
    node = Node(name, namespace="/stranger", context=bench.context, start_parameter_services=False, enable_rosout=False)
    full = {topic: topic if topic.startswith("/") else f"{namespace}/{topic}" for topic in topics}
    # How many the middleware has connected it with.
    connected = {}
    for topic, message in topics.items():
        if kind == "publisher":
            connected[topic] = node.create_publisher(message, full[topic], qos).get_subscription_count
        else:
            connected[topic] = node.create_subscription(message, full[topic], lambda _: None, qos).get_publisher_count
    ours = {topic: own_profile(peer, full[topic], kind) for topic in topics}
    expected = {topic: judged(kind, qos, ours[topic]) for topic in topics}

    def found() -> dict[str, str]:
        status = diagnosed(peer)
        lines = status.message.split("; ") if status else []
        def of(topic: str) -> str:
            is_named = any(line.startswith(f"topic {full[topic]}: the {kind} of /stranger/{name} ") for line in lines)
            # Other nodes publish on topics without a namespace, too.
            is_connected = connected[topic]() > 0 and not (is_named and topic.startswith("/"))
            return " and ".join(["named"] * is_named + ["connected"] * is_connected) or "neither"
        return {topic: of(topic) for topic in topics} if status else {}

    # What isn't named at first may only be unknown yet: the answer must stand for a while.
    with_patience(peer, lambda: found() == expected)
    peer.diagnostics.clear()
    peer.wait(lambda: diagnosed(peer), "the diagnostics of the topics")
    got = found()
    node.destroy_node()
    for topic in topics:
        mine = text((ours[topic].reliability, ours[topic].durability))
        yield Case(IDS.get((topic, kind, text(profile)), "own"), f"{kind} of {topic} ({text(profile)}), ours ({mine})",
                   expected[topic], got.get(topic, "nothing"))


def with_patience(peer: Peer, condition) -> None:
    try:
        peer.wait(condition, "the expected", patience=8.0)
    except AssertionError:
        pass


def several(bench: Bench, peer: Peer) -> Iterator[Case]:
    """A second publisher of the grid, of the right profile."""
    namespace = peer.planner.rpartition("/")[0]
    node = rclpy.create_node("second", namespace="/stranger", context=bench.context)
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for topic, message in (("map", OccupancyGrid), ("map_updates", OccupancyGridUpdate)):
        publisher = node.create_publisher(message, f"{namespace}/{topic}", qos)
        both = f"topic {namespace}/{topic} has 2 publishers, which all count: {namespace}/peer, /stranger/second"
        with_patience(peer, lambda: (status := diagnosed(peer)) and both in status.message)
        got = "both named" if both in diagnosed(peer).message else "not named"
        yield Case("own", f"two publishers of {topic}", "both named", got)
        node.destroy_publisher(publisher)
    node.destroy_node()


def cases(bench: Bench, profiles=PROFILES) -> Iterator[Case]:
    numbers = itertools.count(1)
    variants = [({}, HEARD, SENT), *VARIANTS]
    for parameters, heard, sent in variants if profiles is PROFILES else variants[:1]:
        with bench.node({"start_source": "odom", **parameters}, "/robot") as (_, peer):
            for profile in profiles:
                for kind, topics in (("publisher", heard), ("subscription", sent)):
                    if topics:
                        yield from of_a_stranger(bench, peer, kind, topics, profile, f"s{next(numbers)}")
            if not parameters:
                yield from several(bench, peer)
