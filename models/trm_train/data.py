"""Samples for training: windows cut from worlds, their labels, and edits of worlds for warm starts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import realmaps, worlds

OFFSET_SCALE = 16.0
OFFSET_CLIP = 8.0
SEED_VALUE = 4.0
CHANNELS = 4


@dataclass
class Sample:
    """A window of a world. The world stays with it, so that a warm start can move or edit it."""

    world: np.ndarray
    dist: np.ndarray
    goal: tuple[int, int]
    corner: tuple[int, int]
    size: int
    occupied: np.ndarray
    exits: np.ndarray
    labels: np.ndarray
    cost: np.ndarray


def channels(occupied: np.ndarray, exits: np.ndarray) -> np.ndarray:
    """The model's input, [4, size, size]: occupied, goal cells, their offsets, ones.

    Ones tell the net's zero padding from free space. `trm_core::model::encode` builds the same four.
    """
    is_goal = np.isfinite(exits)
    offset = np.where(is_goal, np.minimum(np.where(is_goal, exits, 0) / OFFSET_SCALE, OFFSET_CLIP), 0)
    return np.stack([occupied, is_goal * SEED_VALUE, offset, np.ones_like(offset)]).astype(np.float32)


class Source:
    """Draws samples of one window size. Seeded. `real` is the share of crops of maps, the rest are generated worlds;
    `inside` the least share of goals in the window."""

    def __init__(
        self,
        size: int,
        seed: int,
        maps: list[Path],
        real: float,
        inside: float = 0.5,
        kinds: tuple[int, ...] = tuple(range(worlds.KINDS)),
    ):
        self.size, self.real, self.inside, self.maps, self.kinds = size, real, inside, maps, kinds
        self.random = np.random.default_rng(seed)
        self.cache: dict[tuple[Path, int, float], np.ndarray] = {}
        worlds.seed_numba(seed)

    def sample(self) -> Sample:
        while True:
            world = self._real() if self.maps and self.random.random() < self.real else self._generated()
            found = self._cut(world)
            if found is not None:
                return found

    def _generated(self) -> np.ndarray:
        return worlds.generate(2 * self.size, 2 * self.size, int(self.random.choice(self.kinds)))

    def _real(self) -> np.ndarray:
        key = (
            self.maps[self.random.integers(len(self.maps))],
            int(self.random.integers(1, 4)),
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

    def _drop_obstacles(self, world: np.ndarray) -> None:
        for _ in range(self.random.integers(1, 6)):
            h, w = self.random.integers(1, max(2, self.size // 6), 2)
            r, c = (self.random.integers(n) for n in world.shape)
            world[r : r + h, c : c + w] = True

    def _cut(self, world: np.ndarray) -> Sample | None:
        size = self.size
        corner = tuple(int(v) for v in self.random.integers(0, size + 1, 2))
        if self.random.random() < self.inside:
            goal = tuple(int(k + v) for k, v in zip(corner, self.random.integers(0, size, 2), strict=True))
        else:
            goal = tuple(int(v) for v in self.random.integers(0, 2 * size, 2))
        if world[goal]:
            return None
        return self.window(world, worlds.cost_to_go(world, *goal), goal, corner)

    def window(self, world: np.ndarray, dist: np.ndarray, goal: tuple[int, int], corner: tuple[int, int]) -> Sample | None:
        """The sample at a corner of a solved world; `None` when an eighth of it can't reach the goal."""
        parts = worlds.window_labels(world, dist, *corner, self.size)
        if np.isfinite(parts[3]).sum() < self.size * self.size // 8:
            return None
        return Sample(world, dist, goal, corner, self.size, *parts)

    def moved(self, old: Sample, patch: int) -> tuple[Sample, tuple[int, int]] | None:
        """The window moved by up to three tokens; and that shift in tokens, by which the state must move."""
        shift = self.random.integers(-3, 4, 2)
        corner = tuple(int(k + patch * s) for k, s in zip(old.corner, shift, strict=True))
        if not all(0 <= k <= self.size for k in corner):
            return None
        new = self.window(old.world, old.dist, old.goal, corner)
        return None if new is None else (new, (int(shift[0]), int(shift[1])))

    def edited(self, old: Sample) -> Sample | None:
        """The same window after obstacles appeared anywhere in its world."""
        world = old.world.copy()
        self._drop_obstacles(world)
        if world[old.goal]:
            return None
        return self.window(world, worlds.cost_to_go(world, *old.goal), old.goal, old.corner)
