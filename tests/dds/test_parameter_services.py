"""The parameter services beside those of an rclpy node with the same parameters, which is the judge."""

import dataclasses
import math

import pytest
from rcl_interfaces.msg import Parameter, ParameterEvent, ParameterType, ParameterValue
from rclpy.node import Node
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import qos_profile_parameter_events

from test_parameters import plain, value

# What every rclpy node has; this node's own are compared with the file in test_parameters.py.
OF_ROS = {"use_sim_time", "start_type_description_service"}
LONG = "robot_radius" * 2000
FLOAT, TEXT = "robot_radius", "suspect_map"
PLAN = "qos_overrides./judged/plan.publisher"


class Asker:
    """Asks a node for its parameters, and hears what it tells of them."""

    def __init__(self, peer, name: str):
        self.peer, self.name = peer, name
        self.client = AsyncParameterClient(peer.node, name)
        self.events: list[ParameterEvent] = []
        self.subscription = peer.node.create_subscription(
            ParameterEvent, "/parameter_events", self.hear, qos_profile_parameter_events)
        peer.wait(self.client.services_are_ready, f"the parameter services of {name}")

    def hear(self, event: ParameterEvent) -> None:
        if event.node == self.name:
            self.events.append(event)

    def answer(self, future):
        self.peer.wait(future.done, f"an answer of {self.name}")
        return future.result()

    def told(self, count: int) -> list[dict]:
        """So many events: names and values that were set in each. Of a name that is there twice the last value counts."""
        self.peer.wait(lambda: len(self.events) >= count, f"{count} events of {self.name}, not {len(self.events)}")
        assert not any(event.new_parameters or event.deleted_parameters for event in self.events[:count])
        return [{p.name: plain(p.value) for p in event.changed_parameters} for event in self.events]


@dataclasses.dataclass
class Both:
    ours: Asker
    judge: Asker

    def ask(self, what) -> tuple:
        return what(self.ours), what(self.judge)


@pytest.fixture(scope="module")
def both(context, tmp_path_factory):
    """This node, and an rclpy node that has declared the same parameters."""
    from conftest import end
    from peer import Peer
    from process import NodeProcess
    peer = Peer(context, "/judged")
    node = NodeProcess(tmp_path_factory.mktemp("node"), None, "/judged")
    peer.connect(node)
    ours = Asker(peer, "/judged/trm_node")
    names = list(ours.answer(ours.client.list_parameters()).result.names)
    values = ours.answer(ours.client.get_parameters(names)).values
    descriptors = ours.answer(ours.client.describe_parameters(names)).descriptors
    judge = Node("judge", namespace="/judged", context=context)
    for name, given, descriptor in zip(names, values, descriptors, strict=True):
        if name not in OF_ROS:
            judge.declare_parameter(name, plain(given), descriptor)
    peer.executor.add_node(judge)
    yield Both(ours, Asker(peer, "/judged/judge"))
    peer.executor.remove_node(judge)
    judge.destroy_node()
    end(node, peer)


@pytest.mark.parametrize("prefixes", [
    [], ["qos_overrides"], [PLAN], [f"{PLAN}.depth"], [FLOAT], ["robot"], ["nothing"], [""], ["qos_overrides."],
    ["qos_overrides", "qos_overrides"], [FLOAT, PLAN, TEXT], [LONG],
], ids=lambda prefixes: ",".join(prefixes)[:40] or "none")
@pytest.mark.parametrize("depth", range(6))
def test_lists(both, prefixes, depth):
    def what(asker):
        listed = asker.answer(asker.client.list_parameters(prefixes, depth)).result
        return sorted(set(listed.names) - OF_ROS), sorted(listed.prefixes), len(listed.names) - len(set(listed.names))
    ours, judge = both.ask(what)
    assert ours == judge


@pytest.mark.parametrize("names", [
    [], [FLOAT], [FLOAT, TEXT, f"{PLAN}.depth"], [FLOAT, FLOAT], ["speed"], [FLOAT, "speed"], ["speed", FLOAT], [""],
    ["robot"], ["qos_overrides"], [LONG],
], ids=lambda names: ",".join(names)[:40] or "none")
def test_values_types_and_descriptions(both, names):
    ours, judge = both.ask(lambda asker: asker.answer(asker.client.get_parameters(names)).values)
    assert ours == judge
    ours, judge = both.ask(lambda asker: asker.answer(asker.client.get_parameter_types(names)).types)
    assert ours == judge
    ours, judge = both.ask(lambda asker: asker.answer(asker.client.describe_parameters(names)).descriptors)
    assert ours == judge


NOT_SET = ParameterValue(type=ParameterType.PARAMETER_NOT_SET)
DOUBLES = ParameterValue(type=ParameterType.PARAMETER_DOUBLE_ARRAY, double_array_value=[0.1, 0.2])
CASES = {
    "good": [(FLOAT, 0.3)], "the same again": [(FLOAT, 0.3), (FLOAT, 0.3)], "lowest": [(FLOAT, 0.0)],
    "highest": [(FLOAT, 10.0)], "too low": [(FLOAT, -0.1)], "too high": [(FLOAT, 10.5)], "NaN": [(FLOAT, math.nan)],
    "infinite": [(FLOAT, math.inf)], "infinitely low": [(FLOAT, -math.inf)], "largest": [(FLOAT, 1e308)],
    "a text for a number": [(FLOAT, "0.3")], "true for a number": [(FLOAT, True)], "an array": [(FLOAT, DOUBLES)],
    "none": [(FLOAT, NOT_SET)], "a number for a whole one": [("max_steps", 8.0)], "whole": [("max_steps", 8)],
    "a whole one too large": [("max_steps", 2**62)], "a whole one for a flag": [("smooth", 1)],
    "a flag": [("smooth", False)], "a text": [(TEXT, "warn")], "a whole one for a text": [(TEXT, 1)],
    "read only": [("window_size", 64)], "an override": [(f"{PLAN}.depth", 5)], "unknown": [("speed", 1.0)],
    "none of an unknown": [("speed", NOT_SET)], "a long name": [(LONG, 1.0)], "nothing": [],
    "some": [(FLOAT, 0.25), ("max_steps", 4), (TEXT, "stop")],
    "a bad one among good ones": [("max_steps", 5), (FLOAT, 99.0), ("deadline_ms", 20.0)],
    "an unknown one among good ones": [("max_steps", 6), ("speed", 1.0), ("deadline_ms", 25.0)],
    "a read-only one among good ones": [("max_steps", 7), ("window_size", 64), ("deadline_ms", 30.0)],
    "a name twice": [(FLOAT, 0.4), (FLOAT, 0.2)], "a name twice, bad at last": [(FLOAT, 0.3), (FLOAT, 77.0)],
}
# Not as rclcpp and rclpy have it, on purpose. A file has `planner_frequency: 20`, and what holds for files holds here.
# And a file that a running node has dumped can be loaded into it.
OURS = {"a whole number for a number": [(FLOAT, 1)], "a read-only one to what it is": [("window_size", 32)],
        "an override to what it is": [(f"{PLAN}.depth", 10)]}


def parameters(pairs) -> list[Parameter]:
    return [Parameter(name=name, value=v if isinstance(v, ParameterValue) else value(v)) for name, v in pairs]


def present(asker) -> dict:
    names = sorted({name for pairs in CASES.values() for name, _ in pairs} - {"speed", LONG})
    return dict(zip(names, map(plain, asker.answer(asker.client.get_parameters(names)).values), strict=True))


def set_all(asker, pairs, atomically: bool) -> tuple:
    """What is answered, what is told, and what is so afterwards."""
    asker.events.clear()
    if atomically:
        results = [asker.answer(asker.client.set_parameters_atomically(parameters(pairs))).result]
    else:
        results = asker.answer(asker.client.set_parameters(parameters(pairs))).results
    successes = [result.successful for result in results]
    assert all(result.successful or result.reason for result in results)
    # rclpy tells, too, when it was asked to set nothing.
    told = asker.told(sum(successes)) if pairs else []
    return successes, told, present(asker)


@pytest.mark.parametrize("atomically", [False, True], ids=["one by one", "atomically"])
@pytest.mark.parametrize("case", CASES)
def test_settings(both, case, atomically):
    ours, judge = both.ask(lambda asker: set_all(asker, CASES[case], atomically))
    assert ours == judge


@pytest.mark.parametrize("case", OURS)
def test_what_is_taken_though_others_refuse_it(both, case):
    ours, judge = both.ask(lambda asker: set_all(asker, OURS[case], False)[0])
    assert (ours, judge) == ([True], [False])


@pytest.mark.parametrize("name, bad", [(FLOAT, -1.0), (FLOAT, math.nan), (TEXT, "go"), ("smooth", 3), ("speed", 1.0),
                                       ("window_size", 64), (f"{PLAN}.depth", 5), (FLOAT, DOUBLES), (LONG, 1.0)],
                         ids=lambda v: str(v)[:20])
def test_a_refusal_names_the_parameter_and_is_short(both, name, bad):
    ours = both.ours
    before = present(ours)
    [result] = ours.answer(ours.client.set_parameters(parameters([(name, bad)]))).results
    assert not result.successful and name[:60] in result.reason and len(result.reason) < 400, result.reason
    assert present(ours) == before


def test_all_that_can_be_said_of_a_parameter_is_said(both):
    ours = both.ours
    names = ours.answer(ours.client.list_parameters()).result.names
    descriptors = ours.answer(ours.client.describe_parameters(list(names))).descriptors
    assert [descriptor.name for descriptor in descriptors] == list(names)
    for descriptor in descriptors:
        assert descriptor.description and not descriptor.dynamic_typing, descriptor
        ranges = {ParameterType.PARAMETER_INTEGER: descriptor.integer_range,
                  ParameterType.PARAMETER_DOUBLE: descriptor.floating_point_range}.get(descriptor.type)
        assert ranges is None or len(ranges) == 1, descriptor
    said = {descriptor.name: descriptor for descriptor in descriptors}
    radius = said[FLOAT]
    assert (radius.floating_point_range[0].from_value, radius.floating_point_range[0].to_value) == (0.0, 10.0)
    assert radius.description.endswith("[m]") and not radius.read_only
    assert said["window_size"].read_only and said["use_sim_time"].read_only
    assert said[TEXT].additional_constraints == "one of stop, warn"
