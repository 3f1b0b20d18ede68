"""The node as a process: started with parameters and remaps, watched, and stopped with a signal."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TRM_NODE", ROOT / "target/debug/trm_node"))

# Long enough for a busy machine; nothing waits for it when all goes well.
STOP_WITHIN = 30.0


class NodeProcess:
    """`trm_node`, its parameters from a file as a user gives them."""

    alive: list["NodeProcess"] = []

    def __init__(self, folder: pathlib.Path, parameters: dict | None = None, namespace: str = "", name: str = "",
                 remaps: dict[str, str] | None = None, arguments: list[str] | None = None,
                 under: list[str] | None = None):
        """`under` is a command that starts the node: a sandbox, or what watches it."""
        self.namespace, self.name = namespace, name or "trm_node"
        command = [*(under or []), str(BINARY), "--ros-args"]
        # The first rule that fits a name counts, so these go before.
        for topic, to in (remaps or {}).items():
            command += ["-r", f"{topic}:={to}"]
        if namespace:
            # As Nav2 does it: the transforms of a robot with a namespace are in the namespace.
            command += ["-r", f"__ns:={namespace}", "-r", "/tf:=tf", "-r", "/tf_static:=tf_static"]
        if name:
            command += ["-r", f"__node:={name}"]
        if parameters:
            file = folder / "parameters.yaml"
            file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
            command += ["--params-file", str(file)]
        self.log_file = folder / "node.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(command + (arguments or []), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        NodeProcess.alive.append(self)

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def pid(self) -> int:
        """The node's own: a sandbox may stay above it."""
        pid = self.process.pid
        while children := pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait(self, seconds: float = STOP_WITHIN) -> int:
        """The exit code of a process that ends by itself."""
        return self.process.wait(seconds)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Sends the signal and gives the exit code; a node that doesn't end is killed, and the test fails."""
        if self.is_running:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ends by itself meanwhile
                os.kill(self.pid, how)
        try:
            return self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            failed = f"the node did not end within {STOP_WITHIN} s of {how.name}; its log:\n{self.log}"
            raise AssertionError(failed) from None
        finally:
            if self in NodeProcess.alive:
                NodeProcess.alive.remove(self)

    def wait_for_log(self, text: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < end, f"no \"{text}\" in the log:\n{self.log}"
            time.sleep(0.02)
