"""deploy/sros2/policy.xml allows what the node uses, and no more."""

import xml.etree.ElementTree

from process import ROOT

PROFILE = xml.etree.ElementTree.parse(ROOT / "deploy/sros2/policy.xml").find("enclaves/enclave/profiles/profile")
# What a node with default parameters doesn't listen to and doesn't publish.
EVERYWHERE = {"grid_source": "costmap", "start_source": "odom", "use_sim_time": True, "publish_steps": True,
              "record_plans": True}


def allowed(kind: str, how: str, node: str) -> set[str]:
    """Full names of what the profile allows a node in the root namespace."""
    names = [e.text for group in PROFILE.findall(f"{kind}s") if group.get(how) == "ALLOW" for e in group.findall(kind)]
    return {name.replace("~", f"/{node}") if name[0] in "~/" else f"/{name}" for name in names}


def of_actions(*ends: str) -> set[str]:
    """What of an action's topics or services belongs to its server."""
    actions = [e.text for group in PROFILE.findall("actions") for e in group if group.get("execute") == "ALLOW"]
    return {f"/{action}/_action/{end}" for action in actions for end in ends}


def used(listed: list[tuple[str, list[str]]]) -> set[str]:
    return {name for name, _ in listed}


def test_the_policy_allows_what_the_node_uses_and_no_more(start):
    heard: set[str] = set()
    for number, parameters in enumerate([{}, EVERYWHERE]):
        name = f"policy{number}"
        _, peer = start(parameters, namespace="", name=name)
        node, me = peer.node, (name, "/")
        peer.wait(lambda: me in node.get_node_names_and_namespaces(), "the node's name")
        # Which topics are whose is told separately.
        peer.spin(1.0)
        published = used(node.get_publisher_names_and_types_by_node(*me))
        served = used(node.get_service_names_and_types_by_node(*me))
        optional = {f"/{name}/steps", f"/{name}/plan_log"} if not parameters else set()
        assert published == allowed("topic", "publish", name) - optional | of_actions("status", "feedback")
        assert served == allowed("service", "reply", name) | of_actions("send_goal", "cancel_goal", "get_result")
        assert not used(node.get_client_names_and_types_by_node(*me))
        heard |= used(node.get_subscriber_names_and_types_by_node(*me))
    assert heard == allowed("topic", "subscribe", name)


def test_nothing_is_allowed_that_a_planner_has_no_use_for():
    assert {group.tag for group in PROFILE} == {"topics", "services", "actions"}
    assert {key for group in PROFILE for key in group.keys()} == {"publish", "subscribe", "reply", "execute"}
