"""What the cases run: nodes of trm_node with a peer each, and the command."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from peer import Peer
from process import ROOT, NodeProcess

COMMAND = pathlib.Path(os.environ.get("TRM", ROOT / "target/debug/trm"))


class Bench:
    """Starts programs in a graph (an rclpy context) and a folder."""

    def __init__(self, context, folder: pathlib.Path):
        self.context, self.root = context, folder

    def folder(self) -> pathlib.Path:
        """A new one."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.root))

    @contextlib.contextmanager
    def node(self, parameters: dict | None = None, namespace: str = "", name: str = "",
             arguments: list[str] | None = None) -> Iterator[tuple[NodeProcess, Peer]]:
        """A node that runs, and its peer."""
        peer = Peer(self.context, namespace, name or "trm_node")
        node = NodeProcess(self.folder(), parameters, namespace, name, arguments=arguments)
        try:
            peer.connect(node)
            yield node, peer
        finally:
            peer.close()
            assert node.stop() == 0, node.log

    def refusal(self, arguments: list[str]) -> tuple[int | None, str]:
        """The exit code and the log of a node that shall not start; no code when it runs all the same."""
        node = NodeProcess(self.folder(), None, arguments=arguments)
        try:
            return node.wait(10.0), node.log
        except subprocess.TimeoutExpired:
            return None, node.log
        finally:
            node.stop()

    def command(self, *arguments) -> subprocess.CompletedProcess:
        """`trm` with these arguments."""
        return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60)
