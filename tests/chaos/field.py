"""A room, a wall across it, and a gate in the wall that a single cell closes; all that is published is recorded."""

import time
from collections.abc import Iterable

import numpy as np
from map_msgs.msg import OccupancyGridUpdate
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message

import limits
import worlds
from oracle import History, Verdict
from worlds import FREE, OCCUPIED, RESOLUTION
from watcher import Watcher

Cell = tuple[int, int]  # row, column

# Wide enough for three free cells, too wide for the two gaps that a cell in the middle of them leaves.
RADIUS = 0.08
PARAMETERS = {"robot_radius": RADIUS, "inflation_radius": 0.0, "planner_frequency": 50.0}
ROW, WALL = 15, 40
GATE: Cell = (ROW, WALL)
# On the straight way, with room to go around each; between them, and far from the gate and both ends of the way.
POSTS: list[Cell] = [(ROW, col) for col in (19, 27, 53, 61)]
START, GOAL = ((col + 0.5) * RESOLUTION for col in (10, 70))
START, GOAL = (START, (ROW + 0.5) * RESOLUTION, 0.0), (GOAL, (ROW + 0.5) * RESOLUTION, 0.0)
# How long a node may take to find the way through a gate that was opened.
PATIENCE = 4.0


class Field:
    """The map as it was published last. Updates go out by several publishers in turn."""

    def __init__(self, peer: Watcher, width: int = 80, height: int = 60, depth: int = 1000, publishers: int = 1,
                 resolution: float = RESOLUTION):
        self.peer, self.depth = peer, depth
        self.grid = worlds.with_block(worlds.room(width, height), slice(WALL, WALL + 1), slice(None))
        self.grid = worlds.with_block(self.grid, slice(WALL, WALL + 1), slice(ROW - 1, ROW + 2), FREE)
        self.grid.resolution = resolution
        self.history = History(self.grid.state.shape)
        qos = QoSProfile(depth=depth)
        create = peer.node.create_publisher
        self.publishers = [create(OccupancyGridUpdate, "map_updates", qos) for _ in range(publishers)]
        self.sent = 0
        self.whole = worlds.grid_message(self.grid, peer.stamp())
        self.rng = np.random.default_rng(width * height + depth + publishers)
        self.since = peer.now()
        # Openings that the node did not see, though they were published, and the slowest that it saw, in ms.
        self.missed, self.slowest = 0, 0.0

    def close(self) -> None:
        for publisher in self.publishers:
            self.peer.node.destroy_publisher(publisher)

    @property
    def is_open(self) -> bool:
        return self.grid.state[GATE] == FREE

    def flat(self, cell: Cell) -> int:
        return cell[0] * self.grid.state.shape[1] + cell[1]

    # --- What goes out ---

    def publish_whole(self, changes: dict[Cell, int] | None = None) -> None:
        """The whole map, with these cells changed."""
        for cell, state in (changes or {}).items():
            self.grid.state[cell] = state
            self.whole.data[self.flat(cell)] = int(worlds.VALUES[state])
        self.whole.header.stamp = self.peer.stamp()
        begin = time.time()
        self.peer.map.publish(self.whole)
        end = time.time()
        if not self.history.events:
            self.history.record(begin, end, np.flatnonzero(self.grid.state == OCCUPIED), True)
        for cell, state in (changes or {}).items():
            self.history.record(begin, end, self.flat(cell), state == OCCUPIED)

    def message(self, cell: Cell, state: int) -> bytes:
        """One cell as an update, ready to be sent: rclpy is slow at that."""
        values = worlds.VALUES[[[state]]]
        return serialize_message(worlds.update_message(cell[1], cell[0], values, self.peer.stamp()))

    def update(self, cell: Cell, state: int, message: bytes | None = None) -> None:
        """One cell, as an update."""
        message = message or self.message(cell, state)
        publisher = self.publishers[self.sent % len(self.publishers)]
        begin = time.time()
        publisher.publish(message)
        end = time.time()
        self.sent += 1
        self.grid.state[cell] = state
        self.whole.data[self.flat(cell)] = int(worlds.VALUES[state])
        self.history.record(begin, end, self.flat(cell), state == OCCUPIED)

    def noise(self, count: int) -> list[tuple[Cell, int]]:
        """Random changes of cells that are out of the way, and of a few posts in it."""
        rows = self.rng.integers(35, 58, count)
        cols = self.rng.integers(2, 38, count)
        states = self.rng.integers(0, 2, count)
        changes = [((int(row), int(col)), int(state)) for row, col, state in zip(rows, cols, states)]
        for position in self.rng.integers(0, count, min(4, count)) if count else ():
            changes[position] = (POSTS[self.rng.integers(len(POSTS))], int(states[position]))
        return changes

    def burst(self, changes: Iterable[tuple[Cell, int]]) -> None:
        """As fast as they can be published."""
        changes = list(changes)
        messages = [self.message(*change) for change in changes]
        for change, message in zip(changes, messages):
            self.update(*change, message)

    # --- What comes of it ---

    def crosses(self, plan) -> bool:
        return len(plan.poses) > 1 and plan.poses[0, 0] < (WALL + 0.5) * RESOLUTION < plan.poses[-1, 0]

    def begin(self) -> None:
        """The node plans through the open gate."""
        self.peer.wait(lambda: all(p.get_subscription_count() for p in self.publishers), "the node's subscription")
        self.peer.plans.clear()
        self.peer.statuses.clear()
        self.peer.diagnostics.clear()
        self.peer.stand(START)
        self.publish_whole()
        self.peer.send_goal(GOAL)
        mark = self.peer.now()
        self.peer.plans_after(mark, self.crosses, 3)

    def expect_open(self) -> None:
        """A path comes through the gate; if none does, the opening is published again, and counted."""
        opened = self.peer.now()
        for _ in range(2):
            if found := self._path_since(opened):
                self.slowest = max(self.slowest, 1e3 * (found.stamp - opened))
                return
            self.missed += 1
            self.update(GATE, FREE)
        raise AssertionError(f"no path through the open gate; {self.last_words}")

    def _path_since(self, mark: float):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.peer.spin(0.02)
            for plan in self.peer.plans[-50:]:
                if plan.stamp > mark and self.crosses(plan):
                    return plan
        return None

    @property
    def last_words(self) -> str:
        last = self.peer.statuses[-1]
        return f"last status: {last.result}, {last.message}"

    def verdict(self, bound_ms: float = limits.BOUND_MS) -> Verdict:
        self.peer.spin(0.3)
        plans = [p for p in self.peer.plans if p.stamp >= self.since and self.crosses(p)]
        cells = RADIUS / self.grid.resolution
        return self.history.judge(plans, self.peer.statuses, cells, self.grid.to_cells, bound_ms)

    def check(self, figures, bound_ms: float = limits.BOUND_MS) -> Verdict:
        """Prints the verdict, and asserts it."""
        verdict = self.verdict(bound_ms)
        missed = f", {self.missed} not seen" if self.missed else ""
        figures(f"{verdict}; slowest opening: {self.slowest:.0f} ms{missed}")
        assert verdict.count, f"no path was published; {self.last_words}"
        assert verdict.worst_ms <= bound_ms, str(verdict)
        assert not self.missed, f"{self.missed} openings were not seen"
        return verdict
