"""Child processes that end with their parent, and rclpy that ends without a trace."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

# prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def ros(own_signals: bool = False):
    """rclpy from start to shutdown; SIGINT and SIGTERM are the normal end, unless the caller handles them."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO if own_signals else None)
    try:
        yield
    except (KeyboardInterrupt, ExternalShutdownException):
        if own_signals:
            raise
    finally:
        rclpy.try_shutdown()


class Children:
    """Processes by name, their output in files, stopped with SIGINT in reverse order."""

    def __init__(self, logs: pathlib.Path):
        self.logs = logs
        self.running: dict[str, subprocess.Popen] = {}

    def start(self, name: str, command: list[str]) -> None:
        libc = ctypes.CDLL(None)
        with (self.logs / f"{name}.log").open("wb") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop the children in order.
            self.running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT))

    def dead(self) -> str | None:
        """The name and exit code of a child that ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                return f"{name} ended with exit code {process.returncode}"
        return None

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def stop(self, patience: float = 10.0) -> list[str]:
        """Stops all; tells what did not end by itself with exit code 0."""
        complaints = []
        for name, process in reversed(self.running.items()):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        end = time.monotonic() + patience
        for name, process in self.running.items():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                complaints.append(f"{name} did not stop within {patience:.0f} s of SIGINT")
                continue
            if process.returncode != 0:
                complaints.append(f"{name} stopped with exit code {process.returncode}")
        self.running.clear()
        return complaints
