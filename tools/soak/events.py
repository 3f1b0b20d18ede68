"""What a soak does to the node besides driving: parameters, whole maps, new goals, a listener that comes and goes."""

import dataclasses
import pathlib
import signal
import sys

from nav_msgs.msg import OccupancyGrid
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters

import map_publisher

# How often each happens, in seconds; odd, so that they meet in every order.
PARAMETER_EVERY, MAP_EVERY, GOAL_EVERY = 7.0, 61.0, 23.0
# The listener comes, hangs once in every second life, goes, and is away for a while. Seconds from one to the next, and
# the rest as shares of it.
COMES, HANGS, WAKES, GOES = 43.0, 0.28, 0.35, 0.6
# Each is set to the second value, then back. Those of the costs make the node compute all costs anew.
VALUES = [
    ("tolerance", 0.5, 0.4), ("cost_scaling_factor", 4.0, 5.0), ("settled_threshold", 0.02, 0.03),
    ("inflation_radius", 0.8, 0.9), ("skip_threshold", 0.1, 0.05), ("cost_travel_multiplier", 2.0, 1.5),
    ("max_steps", 16, 12), ("warm_start", True, False), ("start_tolerance", 0.3, 0.35), ("smooth", True, False),
]
NAMES = ("parameters", "maps", "goals", "listener")


def parameter(name: str, value) -> Parameter:
    if isinstance(value, bool):
        made = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=value)
    elif isinstance(value, int):
        made = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=value)
    else:
        made = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
    return Parameter(name=name, value=made)


class Parameters:
    """Sets one after the other, reads it back, and counts what wasn't accepted."""

    def __init__(self, user, planner: str):
        self.setter = user.create_client(SetParameters, f"{planner}/set_parameters")
        self.getter = user.create_client(GetParameters, f"{planner}/get_parameters")
        self.number = self.answered = self.refused = 0
        self.pending: list = []

    def step(self) -> None:
        name, *values = VALUES[self.number // 2 % len(VALUES)]
        value = values[1 - self.number % 2]
        self.number += 1
        request = SetParameters.Request(parameters=[parameter(name, value)])
        self.pending.append(self.setter.call_async(request))
        self.getter.call_async(GetParameters.Request(names=[name]))
        self.count()

    def count(self) -> None:
        done = [future for future in self.pending if future.done()]
        self.pending = [future for future in self.pending if not future.done()]
        self.answered += len(done)
        self.refused += sum(not result.successful for future in done for result in future.result().results)


class Maps:
    """The whole map as it is now, from a publisher of its own."""

    def __init__(self, user):
        self.user, self.number = user, 0
        self.publisher = user.create_publisher(OccupancyGrid, "map", map_publisher.LATCHED)

    def step(self, grid, state) -> None:
        msg = map_publisher.message(dataclasses.replace(grid, state=state))
        msg.header.stamp = self.user.get_clock().now().to_msg()
        self.publisher.publish(msg)
        self.number += 1


class Listener:
    """A process that listens to every topic; see above for its life."""

    def __init__(self, children, every: float):
        self.children, self.every, self.lives, self.stops = children, every, 0, 0
        self.came = None
        self.hangs = self.went = False

    @property
    def present(self) -> bool:
        return "listener" in self.children.running

    def step(self, now: float) -> None:
        if self.came is None or now >= self.came + self.every:
            self.children.start("listener", [sys.executable, str(pathlib.Path(__file__).with_name("listener.py"))])
            self.came, self.hangs, self.went = now, False, False
            self.lives += 1
        age = (now - self.came) / self.every
        if self.present and self.lives % 2 == 0 and HANGS <= age < WAKES and not self.hangs:
            self.signal(signal.SIGSTOP)
            self.hangs, self.stops = True, self.stops + 1
        if self.hangs and age >= WAKES:
            self.signal(signal.SIGCONT)
            self.hangs = False
        if self.present and age >= GOES and not self.went:
            self.signal(signal.SIGINT)
            self.went = True
        self.bury()

    def bury(self) -> None:
        """Once it has gone; the rest of the children must stay alive."""
        process = self.children.running.get("listener")
        if process and self.went and process.poll() is not None:
            del self.children.running["listener"]

    def signal(self, number: signal.Signals) -> None:
        if process := self.children.running.get("listener"):
            process.send_signal(number)

    def close(self) -> None:
        self.signal(signal.SIGCONT)
