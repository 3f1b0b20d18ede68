#!/usr/bin/env python3
"""Measures Nav2's actions as a client sees them: the round trip above the planning time, and from cancel to result.

Twice: by a compiled client, `trm_node/ros/examples/action_client.rs`, and by rclpy's, whose own time is longer than what is
measured; so an rclpy action server that answers at once is measured beside, in the same minute. Prints a table, and writes
it as JSON with --json FILE.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100 + 1))
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/dds")]

import rclpy  # noqa: E402
from nav2_msgs.action import ComputePathToPose  # noqa: E402
from rclpy.action import ActionClient, ActionServer, CancelResponse  # noqa: E402
from rclpy.callback_groups import ReentrantCallbackGroup  # noqa: E402
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor  # noqa: E402

import worlds  # noqa: E402
from action_client import CANCELED, SUCCEEDED, PathClient, seconds, stamped, to_pose  # noqa: E402
from peer import Peer  # noqa: E402
from process import BINARY, NodeProcess  # noqa: E402
from quantiles import quantiles  # noqa: E402

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
# cargo builds it beside the node.
COMPILED = BINARY.parent / "examples/action_client"


def serve() -> None:
    """An action server of rclpy's that answers at once, in a process of its own."""
    rclpy.init()
    node = rclpy.create_node("answers", namespace="/other")

    def execute(handle):
        while "never" in handle.request.goal.header.frame_id and not handle.is_cancel_requested:
            time.sleep(0.0005)
        handle.canceled() if handle.is_cancel_requested else handle.succeed()
        return ComputePathToPose.Result()

    ActionServer(node, ComputePathToPose, "compute_path_to_pose", execute, callback_group=ReentrantCallbackGroup(),
                 cancel_callback=lambda _: CancelResponse.ACCEPT)
    executor = MultiThreadedExecutor(2)
    executor.add_node(node)
    executor.spin()


class Client:
    """Sends goals and cancels as fast as they are answered; the executor has nothing else to do."""

    def __init__(self, context, namespace: str):
        self.node = rclpy.create_node("client", namespace=namespace, context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.client = ActionClient(self.node, ComputePathToPose, "compute_path_to_pose")
        assert self.client.wait_for_server(timeout_sec=20.0), f"no action server in {namespace}"

    def until(self, future):
        while not future.done():
            self.executor.spin_once(timeout_sec=1.0)
        return future.result()

    def round_trip(self) -> tuple[float, float]:
        """From sending the goal to its result, and how long the planning took."""
        began = time.perf_counter()
        handle = self.until(self.client.send_goal_async(to_pose(GOAL, START)))
        answer = self.until(handle.get_result_async())
        took = time.perf_counter() - began
        assert answer.status == SUCCEEDED, answer
        return took, seconds(answer.result.planning_time)

    def cancel(self) -> float:
        """From sending the cancel to the result."""
        goal = to_pose(stamped(GOAL, "never"), START)
        handle = self.until(self.client.send_goal_async(goal))
        result = handle.get_result_async()
        began = time.perf_counter()
        handle.cancel_goal_async()
        answer = self.until(result)
        took = time.perf_counter() - began
        assert answer.status == CANCELED, answer
        return took


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--json", type=pathlib.Path)
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        return serve()
    context = rclpy.Context()
    rclpy.init(context=context)
    peer = Peer(context, "/bench")
    other = subprocess.Popen([sys.executable, __file__, "--serve"])
    with tempfile.TemporaryDirectory() as folder:
        node = NodeProcess(pathlib.Path(folder), {}, "/bench")
        try:
            peer.connect(node)
            peer.publish_map(worlds.room())
            paths = PathClient(peer)
            peer.wait(lambda: paths.ask(to_pose(GOAL, START))[0] == SUCCEEDED, "the map")
            paths.close()
            figures = measure_compiled(given.count)
            figures |= measure(Client(context, "/bench"), Client(context, "/other"), given.count)
        finally:
            node.stop()
            other.terminate()
    show(figures)
    if given.json:
        told = {"binary": str(BINARY.relative_to(ROOT)), "unit": "ms", **figures}
        given.json.write_text(json.dumps(told, indent=1) + "\n")


def measure_compiled(count: int) -> dict:
    places = [str(value) for place in (START, GOAL) for value in place[:2]]
    done = subprocess.run([COMPILED, "/bench", str(count), *places], stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    times = json.loads(done.stdout)
    above = [took - planned for took, planned in zip(times["round_trip"], times["planning"], strict=True)]
    return {"compiled client: round trip above planning": quantiles(above),
            "compiled client: cancel to result": quantiles(times["cancel"])}


def measure(ours: Client, theirs: Client, count: int) -> dict:
    above, base, planning, cancels, their_cancels = [], [], [], [], []
    # Side by side: what disturbs one disturbs the other.
    for _ in range(count):
        took, planned = ours.round_trip()
        above.append(1e3 * (took - planned))
        planning.append(1e3 * planned)
        base.append(1e3 * theirs.round_trip()[0])
        cancels.append(1e3 * ours.cancel())
        their_cancels.append(1e3 * theirs.cancel())
    return {"round trip above planning": quantiles(above), "planning": quantiles(planning),
            "round trip of rclpy's server": quantiles(base), "cancel to result": quantiles(cancels),
            "cancel to result of rclpy's server": quantiles(their_cancels),
            "ratio of the medians": statistics.median(above) / statistics.median(base)}


def show(figures: dict) -> None:
    for name, values in figures.items():
        if isinstance(values, dict):
            text = "  ".join(f"{key} {value:8.3f}" if key != "n" else f"n {value}" for key, value in values.items())
            print(f"{name:44}{text} ms")
        else:
            print(f"{name:44}{values:.3f}")


if __name__ == "__main__":
    main()
