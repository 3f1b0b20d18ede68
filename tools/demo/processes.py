"""Child processes that end with their parent, and rclpy that ends without a trace."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

# prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def ros():
    """rclpy from start to shutdown. It leaves SIGINT and SIGTERM to us: its own handlers shut the context down in another
    thread, in the midst of whatever this one does."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield
    finally:
        rclpy.try_shutdown()


def spin_until_stopped(make_node: Callable[[], Node], is_over: Callable[[], bool] = lambda: False) -> bool:
    """Spins a node until SIGINT or SIGTERM, or until it is over; nothing is cut short by them. Whether it was a signal."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ros():
        executor = SingleThreadedExecutor()
        node = make_node()
        executor.add_node(node)
        while not stop.is_set() and not is_over():
            executor.spin_once(timeout_sec=0.1)
        executor.shutdown()
        node.destroy_node()
    return stop.is_set()


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
