"""The bench's end of the graph: sends goals and moving obstacles, and records what the node says of each plan."""

import collections
import math
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Path
from trm_msgs.msg import PlanStatus

import path_bytes
from plan_status import Status
from scene import Pose
from user import User

STAGES = ("encode", "recurse", "decode", "verify", "smooth", "fallback", "publish")


def tick(status: Status, received_us: float | None) -> dict:
    """One plan as `trm bench` knows it."""
    return {
        "id": status.plan_id, "result": status.result, "source": status.source, "stop": status.stop,
        "steps": status.steps, "applications": status.applications, "warm": status.warm, "share": status.share,
        "total_us": round(1e3 * status.total_ms, 1), "margin_us": round(1e3 * status.margin_ms, 1),
        "stages_us": {stage: float(getattr(status, f"{stage}_us")) for stage in STAGES},
        "wake_us": float(status.wake_us), "page_faults": status.page_faults, "allocations": status.allocations,
        "voluntary_switches": status.voluntary_switches, "involuntary_switches": status.involuntary_switches,
        "received_us": received_us, "length_m": status.length_m,
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
        self.create_subscription(PlanStatus, f"{planner}/status", self.on_status, 1000)

    def on_plan(self, raw: bytes) -> None:
        now = self.get_clock().now().nanoseconds
        stamp, self.path = path_bytes.parse(raw)
        self.path_received = time.monotonic()
        self.arrivals[round(stamp * 1e6)] = (now - stamp * 1e9) / 1e3
        if len(self.arrivals) > 1000:
            self.arrivals.popitem(last=False)

    def on_status(self, msg: PlanStatus) -> None:
        status = Status(msg)
        self.last_result = status.result
        if not status.is_plan:
            self.goal_reached |= status.result == "GOAL_REACHED"
        elif self.recording:
            after = self.arrivals.get(round(status.stamp * 1e6))
            before = 1e3 * status.total_ms - status.publish_us
            self.record(status, None if after is None else round(before + after, 1))

    def record(self, status: Status, received_us: float | None) -> None:
        self.ticks.append(tick(status, received_us))

    def on_diagnostics(self, msg: DiagnosticArray) -> None:
        super().on_diagnostics(msg)
        for status in msg.status:
            if status.name.endswith(": planner"):
                self.overruns = next(int(value.value) for value in status.values if value.key == "overruns")

    def send_goal(self, pose: Pose) -> None:
        self.goal_reached = False
        super().send_goal(pose)
