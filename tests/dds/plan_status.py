"""What the node says of each plan on `~/status`, under the names of trm_msgs/PlanStatus.

This is the only place that knows the type of the topic.
"""

import dataclasses
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray


@dataclasses.dataclass(frozen=True)
class PlanStatus:
    """Fields as in the message; constants as words, without their prefix (`SOURCE_MODEL` is `MODEL`)."""

    stamp: float
    plan_id: int
    result: str
    level: int
    message: str
    source: str
    stop: str
    steps: int
    length_m: float
    deadline_ms: float
    total_ms: float
    missed: bool

    @property
    def has_path(self) -> bool:
        return self.source != "NONE"

    @property
    def is_plan(self) -> bool:
        """Not a goal that was reached or refused, which are told on the topic, too."""
        return self.plan_id != 0


def read(msg: DiagnosticArray) -> PlanStatus:
    status = msg.status[0]
    values = {value.key: value.value for value in status.values}
    stamp = msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9
    return PlanStatus(stamp, int(values["plan_id"]), values["result"], ord(status.level), status.message,
                      values["source"].upper(), values["stop"].upper(), int(values["steps"]), float(values["length_m"]),
                      float(values["deadline_ms"]), float(values["total_ms"]), values["missed"] == "true")


def listen(node, planner: str, callback: Callable[[PlanStatus], None]):
    """Calls back with each status of the planner of this full name."""
    return node.create_subscription(DiagnosticArray, f"{planner}/status", lambda msg: callback(read(msg)), 1000)
