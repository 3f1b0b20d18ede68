"""What `~/status` says of a plan, with the message's constants by their names."""

from collections.abc import Callable

from trm_msgs.msg import PlanStatus

CONSTANTS = {name: value for name, value in vars(PlanStatus).items()
             if name.isupper() and isinstance(value, (int, bytes))}
# Fields whose constants begin with a word of their own.
FIELDS = ("level", "kind", "source", "guidance", "stop")


def of_field(field: str) -> dict[int | bytes, str]:
    """The names of a field's values: those of its constants without their first word, in small letters."""
    prefix = f"{field.upper()}_"
    return {value: name[len(prefix):].lower() for name, value in CONSTANTS.items() if name.startswith(prefix)}


NAMES = {field: of_field(field) for field in FIELDS}
# As in the message, and as Nav2 has them.
RESULTS = {value: name for name, value in CONSTANTS.items() if name.partition("_")[0].lower() not in FIELDS}


class Status:
    """One message. Its `result` is `SUCCEEDED`, its `source` is `model`; numbers and flags are as they come."""

    def __init__(self, msg: PlanStatus):
        self.msg = msg
        self.stamp = msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9
        self.result = RESULTS[msg.result]
        self.level, self.kind, self.source, self.guidance, self.stop = (
            names[getattr(msg, field)] for field, names in NAMES.items())

    def __getattr__(self, field: str):
        return getattr(self.msg, field)

    def __repr__(self) -> str:
        return f"{self.result} of {self.stamp:.3f}: {self.message} ({self.msg})"

    @property
    def is_plan(self) -> bool:
        """Not a goal that was reached or refused, which are told there, too."""
        return self.msg.plan_id != 0

    @property
    def has_path(self) -> bool:
        return self.result == "SUCCEEDED"


def listen(node, planner: str, callback: Callable[[Status], None]):
    """Calls back with each status of the planner of this full name."""
    return node.create_subscription(PlanStatus, f"{planner}/status", lambda msg: callback(Status(msg)), 1000)
