"""Parameters `qos_overrides.*`: what rclpy makes of a value for a topic that allows all four, the node must
make, too.
"""

from collections.abc import Iterator

import rclpy
from nav_msgs.msg import Path
from rcl_interfaces.srv import GetParameters
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from bench import Bench
from case import Case
from test_parameters import call, plain

POLICIES = {"reliability": QoSPolicyKind.RELIABILITY, "durability": QoSPolicyKind.DURABILITY,
            "history": QoSPolicyKind.HISTORY, "depth": QoSPolicyKind.DEPTH}
# All others but those that depend on the case of letters, which rclpy ignores and rclcpp doesn't.
VALUES = {
    "reliability": ["reliable", "best_effort", "system_default", "best_available", "sometimes", "1", "true"],
    "durability": ["volatile", "transient_local", "system_default", "best_available", "transient", "0"],
    "history": ["keep_last", "keep_all", "system_default", "keep_first", "[keep_last]"],
    "depth": ["0", "1", "25", "ten", "1.5", "true"],
}
IDS = {("reliability", "best_effort"): "teleop_twist_joy#64", ("durability", "transient_local"): "rclcpp#1408"}
# A publisher: with any profile the peer sees it.
PREFIX = "qos_overrides./robot/plan.publisher"


def by_rclpy(arguments: list[str]) -> dict | None:
    """The values of a publisher of rclpy; `None` when it isn't made."""
    context = Context()
    rclpy.init(args=["--ros-args", *arguments], context=context)
    node = Node("judge", context=context, start_parameter_services=False, enable_rosout=False)
    try:
        node.create_publisher(Path, "/robot/plan", QoSProfile(depth=10),
                              qos_overriding_options=QoSOverridingOptions(POLICIES.values()))
        return {name: node.get_parameter(f"{PREFIX}.{name}").value for name in POLICIES}
    except Exception:  # of several kinds: the declaration's, the conversion's, rcl's
        return None
    finally:
        node.destroy_node()
        context.shutdown()


def by_node(bench: Bench, arguments: list[str], name: str, is_expected: bool) -> str:
    if not is_expected:
        code, log = bench.refusal(["-r", "__ns:=/robot", *arguments])
        return "refused" if code == 1 and f"parameter {name}: " in log else f"exit code {code}" if code else "it runs"
    with bench.node(None, "/robot", arguments=arguments) as (_, peer):
        names = [f"{PREFIX}.{policy}" for policy in POLICIES]
        values = call(peer, GetParameters, "get_parameters", GetParameters.Request(names=names)).values
        return shown({policy: plain(value) for policy, value in zip(POLICIES, values)})


def shown(values: dict) -> str:
    return "/".join(str(value) for value in values.values())


def cases(bench: Bench, policies=tuple(VALUES)) -> Iterator[Case]:
    for policy in policies:
        for value in VALUES[policy]:
            name = f"{PREFIX}.{policy}"
            arguments = ["-p", f"{name}:={value}"]
            given = by_rclpy(arguments)
            got = by_node(bench, arguments, name, given is not None)
            expected = "refused" if given is None else shown(given)
            yield Case(IDS.get((policy, value), "own"), f"{name} := {value}", expected, got)
