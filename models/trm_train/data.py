"""Samples for training: windows cut from worlds, their labels, and edits of worlds for warm starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import realmaps, worlds

OFFSET_SCALE = 16.0
OFFSET_CLIP = 8.0
SEED_VALUE = 4.0
COST_CLIP = 3.0
CHANNELS = 5
HARD_TIE, SOFT_TIE = np.float32(1e-3), np.float32(1e-2)
"""Moves that cost at most so many cells more than the best one are right, without and with soft costs. Between costs that
change from cell to cell there are no exact ties, and the next best move is often as good."""
FASTEST = 30.0 / 28.0
"""The net looks 32 cells far in a step: no path longer than 30 is asked for where the reach is 28."""


@dataclass
class Soft:
    """Inflation: multiplier, scale and reach of `worlds.soft_weights`."""

    multiplier: float
    scale: float
    reach: int

    def weights(self, world: np.ndarray) -> np.ndarray:
        return worlds.soft_weights(world, self.multiplier, self.scale, self.reach)


@dataclass
class Solved:
    """A world with its cost-to-go, from which windows are cut."""

    world: np.ndarray
    soft: Soft | None
    weights: np.ndarray
    dist: np.ndarray
    goal: tuple[int, int]


def solve(world: np.ndarray, soft: Soft | None, goal: tuple[int, int]) -> Solved:
    weights = soft.weights(world) if soft else np.ones(world.shape, np.float32)
    return Solved(world, soft, weights, worlds.cost_to_go(world, weights, *goal), goal)


@dataclass
class Sample:
    """A window of a world. The world stays with it, so that a warm start can move or edit it.

    `arrival` is when the answer of a cell is asked for, in cells: its cost over the mean weight on the way, so that a step
    reaches as far with soft costs as without."""

    solved: Solved
    corner: tuple[int, int]
    size: int
    occupied: np.ndarray
    exits: np.ndarray
    labels: np.ndarray
    cost: np.ndarray
    arrival: np.ndarray

    def weights(self) -> np.ndarray:
        (r, c), size = self.corner, self.size
        return self.solved.weights[r : r + size, c : c + size]


def channels(sample: Sample) -> np.ndarray:
    """The model's input, [5, size, size]: occupied, goal cells, their offsets, ones, cost.

    Ones tell the net's zero padding from free space. `trm_net::encode` builds the same five.
    """
    is_goal = np.isfinite(sample.exits)
    offset = np.where(is_goal, np.minimum(np.where(is_goal, sample.exits, 0) / OFFSET_SCALE, OFFSET_CLIP), 0)
    cost = np.where(sample.occupied, 0, np.minimum(sample.weights() - 1, COST_CLIP))
    return np.stack([sample.occupied, is_goal * SEED_VALUE, offset, np.ones_like(offset), cost]).astype(np.float32)


@dataclass
class Draw:
    """What the network sees of a sample and is asked for; and the shift, in tokens, with which the state of the sample before
    goes on, None where it starts from nothing."""

    channels: np.ndarray
    labels: np.ndarray
    arrival: np.ndarray
    shift: tuple[int, int] | None

    @staticmethod
    def of(sample: Sample, shift: tuple[int, int] | None) -> "Draw":
        return Draw(channels(sample), sample.labels.astype(np.int32), sample.arrival, shift)


class Source:
    """Draws samples of one window size. Seeded. `real` is the share of crops of maps, the rest are generated worlds;
    `inside` the least share of goals in the window, `soft` the share of worlds with soft costs, `closed` the share of
    generated worlds that end where the window ends."""

    def __init__(
        self,
        size: int,
        seed: int,
        maps: list[Path],
        real: float,
        inside: float = 0.5,
        soft: float = 0.0,
        closed: float = 0.0,
        kinds: tuple[int, ...] = tuple(range(worlds.KINDS)),
    ):
        self.size, self.maps, self.kinds = size, maps, kinds
        self.real, self.inside, self.soft, self.closed = real, inside, soft, closed
        self.random = np.random.default_rng(seed)
        self.cache: dict[tuple[Path, int, float], np.ndarray] = {}
        worlds.seed_numba(seed)

    def sample(self) -> Sample:
        while True:
            if self.maps and self.random.random() < self.real:
                found = self._cut(self._real(), self._corner(1), self.random.random() < self.inside)
            else:
                found = self._generated()
            if found is not None:
                return found

    def episodes(self, warm: float, patch: int) -> Iterator[list[Draw]]:
        """Without end: a sample, and with a share of `warm` each what comes after it: the window moved, or its world edited."""
        while True:
            sample = self.sample()
            episode = [Draw.of(sample, None)]
            while self.random.random() < warm and (changed := self.changed(sample, patch)):
                sample, shift = changed
                episode.append(Draw.of(sample, shift))
            yield episode

    def changed(self, old: Sample, patch: int) -> tuple[Sample, tuple[int, int]] | None:
        """The window moved or the world edited, by half each; and the shift in tokens. None where that can't be."""
        if self.random.random() < 0.5:
            return self.moved(old, patch)
        new = self.edited(old)
        return None if new is None else (new, (0, 0))

    def _corner(self, multiple: int) -> tuple[int, int]:
        return tuple(int(v) * multiple for v in self.random.integers(0, self.size // multiple + 1, 2))

    def _generated(self) -> Sample | None:
        kind, size = int(self.random.choice(self.kinds)), self.size
        corner = self._corner(2 if kind == worlds.LATTICE else 1)
        if self.random.random() >= self.closed:
            return self._cut(worlds.generate(2 * size, 2 * size, kind), corner, self.random.random() < self.inside)
        world = np.ones((2 * size, 2 * size), np.bool_)
        (r, c) = corner
        world[r : r + size, c : c + size] = worlds.generate(size, size, kind)
        return self._cut(world, corner, True)

    def _real(self) -> np.ndarray:
        key = (
            self.maps[self.random.integers(len(self.maps))],
            int(self.random.integers(1, 5)),
            float(self.random.choice([0.1, 0.15, 0.2, 0.25, 0.3])),
        )
        if key not in self.cache:
            self.cache[key] = realmaps.world(*key)
        world, side = self.cache[key], 2 * self.size
        rows, cols = world.shape
        world = np.pad(world, ((0, max(0, side - rows)), (0, max(0, side - cols))), constant_values=True)
        r, c = (self.random.integers(n - side + 1) for n in world.shape)
        world = world[r : r + side, c : c + side]
        world = np.rot90(world, self.random.integers(4))
        if self.random.random() < 0.5:
            world = world[::-1]
        world = np.ascontiguousarray(world)
        if self.random.random() < 0.5:
            self._drop_obstacles(world)
        return world

    def _drop_obstacles(self, world: np.ndarray, occupied: bool = True) -> None:
        for _ in range(self.random.integers(1, 6)):
            h, w = self.random.integers(1, max(2, self.size // 6), 2)
            r, c = (self.random.integers(n) for n in world.shape)
            world[r : r + h, c : c + w] = occupied

    def _soft(self) -> Soft | None:
        if self.random.random() >= self.soft:
            return None
        return Soft(self.random.uniform(0.3, 3), self.random.uniform(0.7, 6), int(self.random.integers(2, 13)))

    def _cut(self, world: np.ndarray, corner: tuple[int, int], inside: bool) -> Sample | None:
        free = np.argwhere(~world[corner[0] : corner[0] + self.size, corner[1] : corner[1] + self.size]) + corner
        if not inside:
            free = np.argwhere(~world)
        if not len(free):
            return None
        goal = tuple(int(v) for v in free[self.random.integers(len(free))])
        return self.window(solve(world, self._soft(), goal), corner)

    def window(self, solved: Solved, corner: tuple[int, int]) -> Sample | None:
        """The sample at a corner of a solved world; `None` when a sixteenth of it can't reach the goal."""
        tie = SOFT_TIE if solved.soft else HARD_TIE
        parts = worlds.window_labels(solved.world, solved.weights, solved.dist, *corner, self.size, tie)
        _, exits, labels, cost = parts
        known = np.isfinite(cost)
        if known.sum() < self.size * self.size // 16:
            return None
        arrival = cost
        if solved.soft:
            length = worlds.lengths(labels, exits, cost)
            mean = max(1.0, float(cost[known].sum() / max(1.0, length[known].sum())))
            arrival = np.maximum(cost / np.float32(mean), length / np.float32(FASTEST))
        return Sample(solved, corner, self.size, *parts, arrival)

    def moved(self, old: Sample, patch: int) -> tuple[Sample, tuple[int, int]] | None:
        """The window moved by up to three tokens; and that shift in tokens, by which the state must move."""
        shift = self.random.integers(-3, 4, 2)
        corner = tuple(int(k + patch * s) for k, s in zip(old.corner, shift, strict=True))
        if not all(0 <= k <= self.size for k in corner):
            return None
        new = self.window(old.solved, corner)
        return None if new is None else (new, (int(shift[0]), int(shift[1])))

    def edited(self, old: Sample) -> Sample | None:
        """The same window after obstacles appeared anywhere in its world, or went."""
        world = old.solved.world.copy()
        self._drop_obstacles(world, bool(self.random.random() < 0.75))
        if world[old.solved.goal]:
            return None
        return self.window(solve(world, old.solved.soft, old.solved.goal), old.corner)
