"""Judges paths by what had been published when they were.

The harness and the node run on one machine, so the stamp of a path, taken by the node as it publishes, can be compared
with the system's time at which the harness published a change of the map. A closed cell counts from the end of the call
that published it, an opened one from the beginning of it.
"""

import bisect
import dataclasses
import math
import time

import numpy as np

from raw_map import offsets_within

# Samples of a path for each cell of its length.
SAMPLES = 10
# How far the system's clock may move against the monotonic one, in seconds: at all, and in each second.
STEADY, DRIFT = 0.005, 0.0005


def cells_of(points: np.ndarray, shape: tuple[int, int], radius: float) -> np.ndarray:
    """Flat indices of all cells that a path touches, or whose centres it comes within the radius of.

    `points` [n, 2] and the radius are in cells.
    """
    counts = [max(1, math.ceil(math.dist(a, b) * SAMPLES)) for a, b in zip(points[:-1], points[1:])]
    pieces = [a + np.arange(n)[:, None] / n * (b - a) for a, b, n in zip(points[:-1], points[1:], counts)]
    samples = np.concatenate([*pieces, points[-1:]])
    found = [np.floor(samples + shift) for shift in np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * 1e-6]
    for row, col in offsets_within(math.ceil(radius) + 1):
        near = np.floor(samples) + (col, row)
        found.append(near[np.hypot(*(samples - near - 0.5).T) < radius - 1e-6])
    cells = np.unique(np.concatenate(found).astype(np.int64), axis=0)
    inside = ((cells >= 0) & (cells < shape[::-1])).all(axis=1)
    return cells[inside, 1] * shape[1] + cells[inside, 0]


@dataclasses.dataclass
class Verdict:
    """How old the oldest news was that a path did not know of."""

    count: int
    worst_ms: float
    # Of those paths that knew nothing of news older than the bound.
    late: int
    text: str

    def __str__(self) -> str:
        return f"staleness max: {self.worst_ms:.0f} ms of n = {self.count} paths{self.text}"


class History:
    """What was published of the map, and when."""

    def __init__(self, shape: tuple[int, int]):
        self.shape = shape
        # (system time, flat index of a cell or of many, whether they are lethal)
        self.events: list[tuple[float, int | np.ndarray, bool]] = []
        # When a stopped node was let go on: before that it could know nothing.
        self.resumed: list[float] = []
        self.begin = time.monotonic()
        self.offset = time.time() - self.begin

    def record(self, begin: float, end: float, cells: int | np.ndarray, is_lethal: bool) -> None:
        self.events.append((end if is_lethal else begin, cells, is_lethal))

    def resume(self) -> None:
        self.resumed.append(time.time())

    def judge(self, plans: list, statuses: list, radius: float, to_cells, bound_ms: float) -> Verdict:
        """`to_cells` gives a path's points in cells; the radius is in cells, too."""
        self._check_clock()
        said_stale = {s.stamp for s in statuses if s.result == "STALE_MAP"}
        since = np.full(self.shape[0] * self.shape[1], np.inf)
        events = iter(sorted(self.events, key=lambda event: event[0]))
        event, ages, told = next(events, None), [], 0
        for plan in sorted(plans, key=lambda plan: plan.stamp):
            while event and event[0] <= plan.stamp:
                at, cells, is_lethal = event
                since[cells] = np.minimum(since[cells], at) if is_lethal else np.inf
                event = next(events, None)
            oldest = since[cells_of(to_cells(plan.poses[:, :2]), self.shape, radius)].min(initial=np.inf)
            if oldest < np.inf and plan.stamp in said_stale:
                told += 1
            elif oldest < np.inf:
                ages.append(1e3 * (plan.stamp - max(oldest, self._resumed_before(plan.stamp))))
        late = sum(age > bound_ms for age in ages)
        text = f", {late} of them over {bound_ms:.0f} ms" if late else ""
        text += f", {told} said STALE_MAP" if told else ""
        return Verdict(len(plans), max(ages, default=0.0), late, text)

    def _check_clock(self) -> None:
        now = time.monotonic()
        moved = abs(time.time() - now - self.offset)
        allowed = STEADY + DRIFT * (now - self.begin)
        assert moved < allowed, f"the system's clock was set, by {moved} s: nothing can be judged"

    def _resumed_before(self, stamp: float) -> float:
        position = bisect.bisect_right(self.resumed, stamp)
        return self.resumed[position - 1] if position else -math.inf
