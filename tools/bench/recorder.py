"""The bench's end of the graph: sends goals and moving obstacles, and records what the node says of each plan."""

import collections
import math
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Path

import path_bytes
from scene import Pose
from user import User

STAGES = ("encode", "recurse", "decode", "verify", "smooth", "fallback", "publish")


def number(values: dict[str, str], key: str) -> float:
    """A number of the node's; 0 for what it doesn't know."""
    return float(values.get(key) or 0.0)


def tick(values: dict[str, str], received_us: float | None) -> dict:
    """One plan as `trm bench` knows it, from the values of `~/status`."""
    whole = lambda key: int(number(values, key))  # noqa: E731
    return {
        "id": whole("plan_id"), "result": values["result"], "source": values["source"], "stop": values["stop"],
        "steps": whole("steps"), "applications": whole("applications"), "warm": values["warm"] == "true",
        "share": number(values, "share"), "total_us": round(1e3 * number(values, "total_ms"), 1),
        "margin_us": round(1e3 * number(values, "margin_ms"), 1),
        "stages_us": {stage: number(values, f"{stage}_us") for stage in STAGES},
        "wake_us": number(values, "wake_us"), "page_faults": whole("page_faults"), "allocations": whole("allocations"),
        "voluntary_switches": whole("voluntary_switches"), "involuntary_switches": whole("involuntary_switches"),
        "received_us": received_us, "length_m": number(values, "length_m"),
    }


class Recorder(User):
    def __init__(self, planner: str):
        """`planner` is the node's name, below which its `~/status` is."""
        super().__init__("bench")
        self.overruns = 0
        self.last_result = "nothing"
        self.goal_reached = False
        self.path: np.ndarray | None = None
        self.path_received = -math.inf
        self.ticks: list[dict] = []
        self.recording = False
        # Of each plan by its stamp: how long after it the path came. Plan and status come on two topics.
        self.arrivals: collections.OrderedDict[int, float] = collections.OrderedDict()
        self.create_subscription(Path, "plan", self.on_plan, 100, raw=True)
        self.create_subscription(DiagnosticArray, f"{planner}/status", self.on_status, 1000)

    def on_plan(self, raw: bytes) -> None:
        now = self.get_clock().now().nanoseconds
        stamp, self.path = path_bytes.parse(raw)
        self.path_received = time.monotonic()
        self.arrivals[round(stamp * 1e6)] = (now - stamp * 1e9) / 1e3
        if len(self.arrivals) > 1000:
            self.arrivals.popitem(last=False)

    def on_status(self, msg: DiagnosticArray) -> None:
        values = {value.key: value.value for value in msg.status[0].values}
        self.last_result = values["result"]
        if values["plan_id"] == "0":
            # News of a goal, not of a plan.
            self.goal_reached |= values["result"] == "GOAL_REACHED"
        elif self.recording:
            stamp = msg.header.stamp
            after = self.arrivals.get(round((stamp.sec + stamp.nanosec * 1e-9) * 1e6))
            before = 1e3 * number(values, "total_ms") - number(values, "publish_us")
            self.ticks.append(tick(values, None if after is None else round(before + after, 1)))

    def on_diagnostics(self, msg: DiagnosticArray) -> None:
        super().on_diagnostics(msg)
        for status in msg.status:
            if status.name.endswith(": planner"):
                self.overruns = next(int(value.value) for value in status.values if value.key == "overruns")

    def send_goal(self, pose: Pose) -> None:
        self.goal_reached = False
        super().send_goal(pose)
