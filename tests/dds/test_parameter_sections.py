"""Which sections of parameter files apply to the node: what rclpy makes of the same files and arguments, it must make, too.

Each section sets other parameters, so that one start of the node shows which of many sections it took.
"""

import itertools
import os
import random

import pytest
import rclpy
import yaml
from rcl_interfaces.srv import GetParameters
from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.node import Node

import worlds
from peer import Peer
from process import NodeProcess
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
    sections = yaml.safe_load((worlds.ROOT / "config/trm_node.yaml").read_text())
    return sections["/**"]["ros__parameters"]


@pytest.fixture(scope="module")
def alone():
    """A graph of its own: nodes of the other tests have the same names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) % 100 + 1))
        context = Context()
        rclpy.init(context=context)
        yield context
        context.try_shutdown()


@pytest.fixture
def compare(alone, tmp_path):
    """Starts the node with these sections in files and these arguments, and compares it with rclpy's. Returns how many
    parameters were given to it."""
    def compare(namespace: str, name: str, files: list[list[tuple]], before: list[str], after: list[str]) -> int:
        arguments = [*before]
        for number, sections in enumerate(files):
            file = tmp_path / f"{number}.yaml"
            file.write_text("".join(section(form, parameters) for form, parameters in sections))
            arguments += ["--params-file", str(file)]
        arguments += after
        given = by_rclpy(namespace, name, arguments)
        node = NodeProcess(tmp_path, None, namespace, name, arguments=arguments)
        if given is None:
            assert node.wait() == 1, node.log
            return 0
        peer = Peer(alone, namespace, name or "trm_node")
        try:
            values = call(peer, GetParameters, "get_parameters", GetParameters.Request(names=NAMES)).values
            found = {name: plain(value) for name, value in zip(NAMES, values)}
            assert found == {name: given.get(name, value) for name, value in defaults().items() if name in STEPS}
        finally:
            peer.close()
            assert node.stop() == 0
        return sum(name in given for name in NAMES)

    return compare


def assigned(numbers, names) -> dict:
    """A value for each of these parameters, which no other section gives it."""
    return {name: round(STEPS[name] * next(numbers), 6) for name in names}


@pytest.mark.parametrize("namespace, name", NODES)
def test_each_form_of_a_section(compare, namespace, name):
    """Each form sets a parameter of its own, a dozen in one start."""
    numbers, taken = itertools.count(20), 0
    for first in range(0, len(FORMS), len(NAMES)):
        forms = FORMS[first:first + len(NAMES)]
        sections = [(form, assigned(numbers, [parameter])) for form, parameter in zip(forms, NAMES)]
        taken += compare(namespace, name, [sections], [], [])
    assert 0 < taken < len(FORMS)


@pytest.mark.parametrize("seed", range(8))
def test_several_files_and_arguments(compare, seed):
    """Sections in any order, in up to three files, with parameters on the command line before and after them."""
    rng = random.Random(seed)
    numbers = itertools.count(20)
    namespace, name = NODES[seed % len(NODES)]
    files = [[(form, assigned(numbers, rng.sample(NAMES, rng.randint(1, 6))))
              for form in rng.sample(FORMS, rng.randint(1, 8))] for _ in range(rng.randint(1, 3))]
    own = name or "trm_node"

    def arguments() -> list[str]:
        given = assigned(numbers, rng.sample(NAMES, rng.randint(0, 3)))
        prefix = rng.choice(["", "", f"{own}:", "other:"])
        return [part for parameter, value in given.items() for part in ("-p", f"{prefix}{parameter}:={value}")]

    compare(namespace, name, files, arguments(), arguments())
