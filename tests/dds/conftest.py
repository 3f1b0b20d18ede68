"""Fixtures: a graph of its own for each run, nodes that end cleanly, and peers that talk to them."""

import os

# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

import contextlib  # noqa: E402
import itertools  # noqa: E402

import pytest  # noqa: E402
import rclpy  # noqa: E402

import worlds  # noqa: E402
from peer import Peer  # noqa: E402
from process import BINARY, NodeProcess  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for node in NodeProcess.alive:
            report.sections.append((f"log of {node.full_name} (exit code {node.process.poll()})", node.log[-6000:]))


@pytest.fixture(scope="session")
def context():
    assert BINARY.is_file(), f"{BINARY} is missing: cargo build -p trm_node"
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


numbers = itertools.count(1)


def end(node: NodeProcess, peer: Peer) -> None:
    """Stops the node, which has to end cleanly."""
    code = node.stop()
    peer.close()
    assert code == 0, f"exit code {code} after SIGINT; the node's log:\n{node.log}"


@pytest.fixture
def start(context, tmp_path_factory):
    """Starts a node in a namespace of its own, and a peer for it. Both end with the test, the node with code 0."""
    started = []

    def start(parameters: dict | None = None, namespace: str | None = None, name: str = "",
              arguments: list[str] | None = None, remaps: dict[str, str] | None = None,
              under: list[str] | None = None) -> tuple[NodeProcess, Peer]:
        namespace = f"/robot{next(numbers)}" if namespace is None else namespace
        peer = Peer(context, namespace, name or "trm_node", remaps)
        node = NodeProcess(tmp_path_factory.mktemp("node"), parameters, namespace, name, remaps, arguments, under)
        started.append((node, peer))
        peer.connect(node)
        return node, peer

    yield start
    with contextlib.ExitStack() as all_of_them:
        for node, peer in started:
            all_of_them.callback(end, node, peer)


@pytest.fixture(scope="session")
def shared(context, tmp_path_factory):
    """One node with default parameters for all tests that need no other; in the root namespace, nothing remapped."""
    peer = Peer(context)
    node = NodeProcess(tmp_path_factory.mktemp("shared"))
    try:
        peer.connect(node)
        yield node, peer
    finally:
        end(node, peer)


@pytest.fixture
def peer(shared) -> Peer:
    """The peer of the shared node, in a fresh room with a robot in it and no goal under way."""
    node, peer = shared
    assert node.is_running, f"the node ended with exit code {node.process.returncode}:\n{node.log}"
    peer.pose_on, peer.pose_age = "tf", 0.0
    place = (1.0, 1.0, 0.0)
    peer.publish_map(worlds.room())
    # A goal where the robot is: done at once, and planning stops.
    mark = peer.now()
    peer.ask(place, place)
    peer.result("GOAL_REACHED", mark)
    peer.plans.clear()
    peer.statuses.clear()
    peer.diagnostics.clear()
    return peer
