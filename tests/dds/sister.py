"""The other end of a bond, by `bond_core`'s rules: BondSM.sm and bondcpp."""

import enum
import time
import uuid

from bond.msg import Constants, Status
from rclpy.node import Node


class State(enum.Enum):
    WAITING_FOR_SISTER = 0
    ALIVE = 1
    AWAIT_SISTER_DEATH = 2
    DEAD = 3


class Sister:
    """Lives on a node's executor. `heard` keeps all that the other end has said, with the time."""

    def __init__(self, node: Node, id: str, answers: bool = True, heartbeat_timeout: float = 4.0, period: float = 0.1):
        """One that doesn't answer keeps quiet altogether, as if it weren't there; it only listens."""
        self.node, self.id, self.answers, self.instance = node, id, answers, str(uuid.uuid4())
        self.heartbeat_timeout, self.period = heartbeat_timeout, period
        self.state = State.WAITING_FOR_SISTER
        self.heard: list[tuple[float, Status]] = []
        self._since = self._beat = time.monotonic()
        self._sister_died_first = False
        self._publisher = node.create_publisher(Status, "bond", 5)
        self._subscription = node.create_subscription(Status, "bond", self._hear, 100)
        self._timers = [node.create_timer(period, self._tick),
                        node.create_timer(Constants.DEAD_PUBLISH_PERIOD, self._tick_while_dying)]

    def close(self) -> None:
        """Gone, as if killed."""
        for timer in self._timers:
            self.node.destroy_timer(timer)
        self.node.destroy_subscription(self._subscription)
        self.node.destroy_publisher(self._publisher)

    @property
    def is_formed(self) -> bool:
        return self.state == State.ALIVE

    @property
    def is_broken(self) -> bool:
        self._time_out()
        return self.state == State.DEAD

    def said(self, active: bool, since: float = 0.0) -> list[float]:
        """When the other end said this."""
        return [at for at, status in self.heard if status.active == active and at >= since]

    def break_bond(self) -> None:
        if self.state == State.DEAD:
            return
        self.state = State.AWAIT_SISTER_DEATH if self.state == State.ALIVE else State.DEAD
        self._since = time.monotonic()
        self.say(False)

    def say(self, active: bool) -> None:
        if self.answers:
            self._publisher.publish(Status(id=self.id, instance_id=self.instance, active=active,
                                           heartbeat_timeout=self.heartbeat_timeout, heartbeat_period=self.period))

    def _hear(self, status: Status) -> None:
        if status.id != self.id or status.instance_id == self.instance:
            return
        self._time_out()
        self.heard.append((time.monotonic(), status))
        if status.active:
            self._beat = time.monotonic()
            if self.state == State.WAITING_FOR_SISTER:
                self.state = State.ALIVE
        else:
            if self.state in (State.WAITING_FOR_SISTER, State.ALIVE):
                self._sister_died_first = True
            self.state = State.DEAD
            if self._sister_died_first:
                self.say(False)

    def _time_out(self) -> None:
        now = time.monotonic()
        since, limit = {
            State.WAITING_FOR_SISTER: (self._since, Constants.DEFAULT_CONNECT_TIMEOUT),
            State.ALIVE: (self._beat, self.heartbeat_timeout),
            State.AWAIT_SISTER_DEATH: (self._since, Constants.DEFAULT_DISCONNECT_TIMEOUT),
        }.get(self.state, (now, 1.0))
        if now - since > limit:
            self.state = State.DEAD

    def _tick(self) -> None:
        self._time_out()
        if self.state in (State.WAITING_FOR_SISTER, State.ALIVE):
            self.say(True)

    def _tick_while_dying(self) -> None:
        if self.state == State.AWAIT_SISTER_DEATH:
            self.say(False)
