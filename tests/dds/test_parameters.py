"""Parameters: from a file, at run time, refused with their range."""

import pytest
import yaml
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters

import worlds
from process import NodeProcess

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
FILE = worlds.ROOT / "config/trm_node.yaml"


def call(peer, kind, name, request):
    client = peer.node.create_client(kind, f"{peer.planner}/{name}")
    peer.wait(client.service_is_ready, f"the service {name}")
    future = client.call_async(request)
    peer.wait(future.done, f"an answer of {name}")
    peer.node.destroy_client(client)
    return future.result()


def value(v) -> ParameterValue:
    match v:
        case bool():
            return ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=v)
        case int():
            return ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=v)
        case float():
            return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=v)
        case list():
            return ParameterValue(type=ParameterType.PARAMETER_STRING_ARRAY, string_array_value=v)
    return ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=v)


def plain(v: ParameterValue):
    return {ParameterType.PARAMETER_BOOL: v.bool_value, ParameterType.PARAMETER_INTEGER: v.integer_value,
            ParameterType.PARAMETER_DOUBLE: v.double_value, ParameterType.PARAMETER_STRING: v.string_value,
            ParameterType.PARAMETER_STRING_ARRAY: list(v.string_array_value)}.get(v.type)


def set_parameter(peer, name, v):
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value(v))])
    return call(peer, SetParameters, "set_parameters", request).results[0]


def get_parameter(peer, name):
    """`None` for a name that isn't a parameter's: nothing is answered then, as in rclcpp and rclpy."""
    values = call(peer, GetParameters, "get_parameters", GetParameters.Request(names=[name])).values
    return plain(values[0]) if values else None


@pytest.mark.parametrize("parameters, texts", [
    ({"robot_radius": -0.1}, ["robot_radius", "-0.1", "from 0 to 10"]),
    ({"planner_frequency": 0.0}, ["planner_frequency", "from 0.1 to 1000"]),
    ({"grid_source": "scan"}, ["grid_source", "scan", "map, costmap"]),
    ({"window_size": "big"}, ["window_size", "big", "whole number from 16 to 512"]),
    ({"allow_fallback": 1}, ["allow_fallback", "true or false"]),
    ({"bundle": "/nowhere"}, ["/nowhere"]),
], ids=lambda v: next(iter(v)) if isinstance(v, dict) else "")
def test_a_bad_value_at_start_is_refused_by_name(context, tmp_path, parameters, texts):
    node = NodeProcess(tmp_path, parameters)
    try:
        assert node.wait() == 1, node.log
        for text in texts:
            assert text in node.log
        assert "panicked" not in node.log
    finally:
        node.stop()


def test_a_name_that_is_none_is_a_warning_and_the_rest_counts(start):
    node, peer = start({"robot_raduis": 0.3, "controller_frequency": 20.0, "robot_radius": 0.31})
    assert get_parameter(peer, "robot_radius") == 0.31
    assert "parameter robot_raduis: 0.3 is not a parameter of this node, and is ignored; robot_radius is one" in node.log
    assert "parameter controller_frequency: 20.0 is not a parameter of this node, and is ignored" in node.log
    assert get_parameter(peer, "controller_frequency") is None


def test_a_section_for_the_same_name_elsewhere_is_told(start, tmp_path):
    file = tmp_path / "bare.yaml"
    file.write_text(yaml.safe_dump({"trm_node": {"ros__parameters": {"robot_radius": 0.31}}}))
    node, peer = start(namespace="/told", arguments=["--params-file", str(file)])
    assert get_parameter(peer, "robot_radius") == 0.2
    assert "nothing of /trm_node is for this node, which is /told/trm_node" in node.log


def test_a_frame_with_a_leading_slash_is_the_same_frame(start):
    _, peer = start({"map_frame": "/map", "robot_base_frame": "/base_link"})
    assert get_parameter(peer, "map_frame") == "map"
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_the_shipped_file_holds_every_parameter_with_its_default(start):
    """The node takes config/trm_node.yaml as it is, and has nothing that isn't in it."""
    shipped = yaml.safe_load(FILE.read_text())["/**"]["ros__parameters"]
    _, peer = start(arguments=["--params-file", str(FILE)])
    listed = call(peer, ListParameters, "list_parameters", ListParameters.Request()).result.names
    of_others = ("qos_overrides.", "GridBased.")
    own = {name for name in listed if name != "use_sim_time" and not name.startswith(of_others)}
    assert own == set(shipped)
    for name, wanted in shipped.items():
        got = get_parameter(peer, name)
        assert got == wanted and type(got) is type(wanted), name
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_a_planner_has_the_parameters_of_the_list_and_follows_those_without_its_name(peer):
    listed = call(peer, ListParameters, "list_parameters", ListParameters.Request(prefixes=["GridBased"])).result.names
    assert {"GridBased.tolerance", "GridBased.deadline_ms", "GridBased.bundle", "GridBased.stop_verified"} <= set(listed)
    assert "GridBased.robot_radius" not in listed and get_parameter(peer, "GridBased.map_frame") is None
    before = get_parameter(peer, "tolerance")
    assert get_parameter(peer, "GridBased.tolerance") == before
    assert set_parameter(peer, "tolerance", 0.75).successful and get_parameter(peer, "GridBased.tolerance") == 0.75
    assert set_parameter(peer, "GridBased.tolerance", 0.25).successful
    assert (get_parameter(peer, "tolerance"), get_parameter(peer, "GridBased.tolerance")) == (0.75, 0.25)
    refused = set_parameter(peer, "GridBased.tolerance", -1.0)
    assert not refused.successful and "GridBased.tolerance: -1.0 is not a number from 0 to 100" in refused.reason
    assert not set_parameter(peer, "GridBased.window_size", 64).successful
    for name in ("tolerance", "GridBased.tolerance"):
        assert set_parameter(peer, name, before).successful
    peer.plan_to(START, GOAL)


def test_a_whole_number_in_a_file_is_a_number(start):
    """`planner_frequency: 5` is what people write."""
    _, peer = start({"planner_frequency": 5, "robot_radius": 0})
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)


def test_a_bad_value_at_run_time_is_refused_with_the_reason(peer):
    for name, bad, texts in (("robot_radius", -1.0, ["robot_radius", "from 0 to 10"]),
                             ("planner_frequency", 1e9, ["planner_frequency", "1000"]),
                             ("smooth", 3, ["smooth", "true or false"]),
                             ("speed", 1.0, ["speed"])):
        before = get_parameter(peer, name)
        answer = set_parameter(peer, name, bad)
        assert not answer.successful, name
        for text in texts:
            assert text in answer.reason, answer.reason
        assert get_parameter(peer, name) == before
    peer.plan_to(START, GOAL)


def test_a_good_value_at_run_time_counts_from_then_on(start):
    _, peer = start()
    peer.publish_map(worlds.gap())
    peer.plan_to(START, GOAL)
    assert set_parameter(peer, "planner_frequency", 2.5).successful
    assert get_parameter(peer, "planner_frequency") == 2.5
    stamps = [p.stamp for p in peer.plans_after(peer.now(), lambda p: True, 5)][-3:]
    assert all(0.2 < b - a for a, b in zip(stamps, stamps[1:]))
    # The radius is in the grid's costs and the deadline in each plan.
    assert set_parameter(peer, "deadline_ms", 77.0).successful
    mark = peer.now()
    assert set_parameter(peer, "robot_radius", 0.5).successful
    assert peer.result("NO_VALID_PATH", mark).deadline_ms == 77.0
    assert set_parameter(peer, "robot_radius", 0.2).successful
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL))


def test_what_the_node_is_built_on_cannot_be_changed_at_run_time(peer):
    fixed = {"grid_source": "costmap", "map_frame": "world", "window_size": 48, "use_sim_time": True}
    for name, other in fixed.items():
        answer = set_parameter(peer, name, other)
        assert not answer.successful and name in answer.reason, answer.reason
        assert get_parameter(peer, name) != other
    peer.plan_to(START, GOAL)


def test_a_larger_robot_keeps_a_larger_distance(start):
    """So large that the gap is too small."""
    _, peer = start({"robot_radius": 0.5})
    peer.publish_map(worlds.gap())
    mark = peer.now()
    peer.ask(START, GOAL)
    peer.result("NO_VALID_PATH", mark)


def dumped(peer) -> dict:
    """What `ros2 param dump` writes of the node: names are split at their dots."""
    tree: dict = {}
    for name in sorted(call(peer, ListParameters, "list_parameters", ListParameters.Request()).result.names):
        *folders, last = name.split(".")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[last] = get_parameter(peer, name)
    return {peer.planner: {"ros__parameters": tree}}


def test_what_a_node_dumps_starts_another_one_like_it(start, tmp_path):
    given = {"robot_radius": 0.31, "planner_frequency": 12.0, "suspect_map": "warn", "smooth": False, "max_steps": 9,
             "settled_threshold": 1e-05, "map_frame": "true", "robot_base_frame": "7", "use_sim_time": True,
             "qos_overrides./dumped/plan.publisher.depth": 3,
             "qos_overrides./dumped/tf_static.subscription.reliability": "best_effort"}
    node, peer = start(given, namespace="/dumped")
    assert set_parameter(peer, "tolerance", 0.75).successful
    written = dumped(peer)
    file = tmp_path / "dumped.yaml"
    file.write_text(yaml.dump(written, default_flow_style=False))
    assert node.stop() == 0
    node, peer = start(namespace="/dumped", arguments=["--params-file", str(file)])
    assert dumped(peer) == written
    for name, wanted in {**given, "tolerance": 0.75}.items():
        assert get_parameter(peer, name) == wanted, name
    assert "is not a parameter of this node" not in node.log and "nothing of" not in node.log
