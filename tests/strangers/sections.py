"""Which sections of parameter files apply to a node, as rclpy judges. Each section sets other parameters, so that one
start of the node shows which of many it took.
"""

import dataclasses
import itertools
from collections.abc import Iterator

import rclpy
import yaml
from rcl_interfaces.srv import GetParameters
from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.node import Node

from bench import Bench
from case import Case
from process import ROOT, NodeProcess
from peer import Peer
from test_parameters import call, plain

# Parameters that nothing else depends on, and the step between values that are told apart.
STEPS = {
    "goal_reached_tolerance": 0.01, "max_map_lag_ms": 1.0, "robot_radius": 0.01, "inflation_radius": 0.01,
    "cost_scaling_factor": 0.1, "tolerance": 0.01, "start_tolerance": 0.01, "transform_tolerance": 0.01,
    "settled_threshold": 0.001, "reserve_ms": 0.1, "planner_frequency": 0.1, "deadline_ms": 1.0,
}
NAMES = list(STEPS)

# Forms that were seen in the field (ros2/ros2#569, ros-navigation/navigation2#3376, ros2/rcl#954), and others.
FORMS = [
    "/robot1/trm_node", "robot1/trm_node", "trm_node", "/trm_node", "/**", "**", "/*", "*", "/*/trm_node", "*/trm_node",
    "/**/trm_node", "**/trm_node", "/robot1/*", "/robot1/**", "/*/*", "/*/*/*", "/robot1", "/robot1/**/trm_node",
    "/**/robot1/trm_node", "/**/robot1/**", "/r/**", "/robot2/trm_node", "/robot1/trm_node/**", "/**/**", "/**/*",
    ("robot1", "trm_node"), ("/robot1", "trm_node"), ("/**", "trm_node"), ("/*", "trm_node"), ("robot2", "trm_node"),
]
IDS = {"/**": "rclcpp#762", ("/*", "trm_node"): "rcl#954", "trm_node": "ros2cli#648", "/**/trm_node": "ros2#1092"}
NODES = [("", ""), ("/robot1", ""), ("/a/robot1", ""), ("/robot1", "planner")]


def section(form, parameters: dict) -> str:
    keys = [form] if isinstance(form, str) else form
    lines = [f'{"  " * depth}"{key}":' for depth, key in enumerate(keys)]
    indent = "  " * len(keys)
    return "\n".join([*lines, f"{indent}ros__parameters:", *(f"{indent}  {k}: {v}" for k, v in parameters.items()), ""])


def by_rclpy(namespace: str, name: str, arguments: list[str]) -> dict | None:
    """What a node of rclpy is given; `None` when rcl refuses the files or arguments."""
    context = Context()
    remaps = ["-r", f"__ns:={namespace or '/'}", *(["-r", f"__node:={name}"] if name else [])]
    try:
        rclpy.init(args=["--ros-args", *remaps, *arguments], context=context)
    except RCLError:
        return None
    try:
        node = Node("trm_node", context=context, automatically_declare_parameters_from_overrides=True,
                    start_parameter_services=False, enable_rosout=False)
        given = {name: parameter.value for name, parameter in node.get_parameters_by_prefix("").items()}
        node.destroy_node()
        return given
    finally:
        context.shutdown()


def defaults() -> dict:
    """Of the parameters that the sections set."""
    sections = yaml.safe_load((ROOT / "config/trm_node.yaml").read_text())
    return {name: sections["/**"]["ros__parameters"][name] for name in NAMES}


@dataclasses.dataclass
class Comparison:
    """The values of a node of rclpy and of trm_node with the same files and arguments; `None` where one was refused."""

    given: dict | None
    expected: dict | None
    found: dict | None


def compare(bench: Bench, namespace: str, name: str, files: list[list[tuple]], before: list[str],
            after: list[str]) -> Comparison:
    """Starts both with these sections in files and these arguments."""
    folder, arguments = bench.folder(), [*before]
    for number, sections in enumerate(files):
        file = folder / f"{number}.yaml"
        file.write_text("".join(section(form, parameters) for form, parameters in sections))
        arguments += ["--params-file", str(file)]
    arguments += after
    given = by_rclpy(namespace, name, arguments)
    node = NodeProcess(folder, None, namespace, name, arguments=arguments)
    if given is None:
        return Comparison(None, None, None if node.wait() == 1 else {"exit code": node.wait()})
    peer = Peer(bench.context, namespace, name or "trm_node")
    try:
        values = call(peer, GetParameters, "get_parameters", GetParameters.Request(names=NAMES)).values
        found = {name: plain(value) for name, value in zip(NAMES, values)}
        return Comparison(given, {name: given.get(name, value) for name, value in defaults().items()}, found)
    finally:
        peer.close()
        assert node.stop() == 0, node.log


def assigned(numbers, names) -> dict:
    """A value for each of these parameters, which no other section gives it."""
    return {name: round(STEPS[name] * next(numbers), 6) for name in names}


def cases(bench: Bench, nodes=NODES) -> Iterator[Case]:
    """Each form sets a parameter of its own, a dozen in one start."""
    numbers, usual = itertools.count(20), defaults()
    for (namespace, name), first in itertools.product(nodes, range(0, len(FORMS), len(NAMES))):
        forms = FORMS[first:first + len(NAMES)]
        sections = [(form, assigned(numbers, [parameter])) for form, parameter in zip(forms, NAMES)]
        result = compare(bench, namespace, name, [sections], [], [])
        for form, given in sections:
            [(parameter, value)] = given.items()
            taken = {value: "applies", usual[parameter]: "doesn't apply"}
            text = form if isinstance(form, str) else " > ".join(form)
            expected = "refused" if result.expected is None else taken.get(result.expected[parameter], "another value")
            got = "refused" if result.found is None else taken.get(result.found.get(parameter), "another value")
            yield Case(IDS.get(form, "own"), f"section {text} for {namespace}/{name or 'trm_node'}", expected, got)
