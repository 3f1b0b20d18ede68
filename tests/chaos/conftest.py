"""Attacks on the node over DDS, judged by an oracle that knows what was published when (oracle.py).

`python3 -m pytest tests/chaos` runs a sample of a few minutes against the node that TRM_NODE names. The module limits
says which bounds hold, and which environment variables change them or make the runs longer. The figures of all
scenarios stand at the end of pytest's output.
"""

import contextlib
import importlib.util
import itertools
import pathlib
import sys

import pytest

DDS = pathlib.Path(__file__).resolve().parents[1] / "dds"
sys.path.insert(0, str(DDS))
# Under a name of its own: this file is called conftest, too.
spec = importlib.util.spec_from_file_location("dds_conftest", DDS / "conftest.py")
dds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dds)

from field import PARAMETERS  # noqa: E402
from process import NodeProcess  # noqa: E402
from watcher import Watcher  # noqa: E402

context = dds.context
pytest_runtest_makereport = dds.pytest_runtest_makereport
lines: list[str] = []
numbers = itertools.count(1)


@pytest.fixture
def figures(request):
    """Prints what a scenario measured, under its name, when all is over."""
    return lambda text: lines.append(f"{request.node.name}: {text}")


def pytest_terminal_summary(terminalreporter):
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


def end(node: NodeProcess, peer: Watcher) -> None:
    """As in tests/dds, but a log that was flooded isn't shown in full."""
    try:
        dds.end(node, peer)
    except AssertionError as failed:
        text = str(failed)
        raise AssertionError(text if len(text) < 4000 else f"{text[:1000]}\n...\n{text[-2000:]}") from None


@contextlib.contextmanager
def launched(context, folder: pathlib.Path, parameters: dict | None = None, namespace: str | None = None):
    namespace = f"/chaos{next(numbers)}" if namespace is None else namespace
    peer = Watcher(context, namespace)
    node = NodeProcess(folder, parameters, namespace)
    try:
        peer.connect(node)
        yield node, peer
    finally:
        end(node, peer)


@pytest.fixture
def launch(context, tmp_path_factory):
    """Starts a node in a namespace of its own, and a watcher. Both end with the test, the node with code 0."""
    with contextlib.ExitStack() as all_of_them:
        yield lambda parameters=None, namespace=None: all_of_them.enter_context(
            launched(context, tmp_path_factory.mktemp("node"), parameters, namespace))


@pytest.fixture(scope="module")
def once(context, tmp_path_factory):
    """One node for all tests of a file."""
    with launched(context, tmp_path_factory.mktemp("node"), PARAMETERS) as pair:
        yield pair


@pytest.fixture
def peer(once) -> Watcher:
    """The watcher of that node."""
    node, peer = once
    assert node.is_running, f"the node ended with exit code {node.process.returncode}:\n{node.log[-2000:]}"
    return peer


@pytest.fixture
def node(once) -> NodeProcess:
    return once[0]
