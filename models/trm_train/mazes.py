"""Mazes of tokens, as TRM-Att and TRM-MLP see them: a world, S, G, and the shortest path of four moves between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np

from . import worlds
from .official import FREE, GOAL, PATH, START, WALL

STRAIGHT = np.array([0, 2, 4, 6], np.int64)
"""North, east, south, west among the eight moves."""


@dataclass
class Maze:
    """Tokens `[S, S]`: what the model sees, and what it shall answer, which is the same with the path."""

    tokens: np.ndarray
    answer: np.ndarray


@nb.njit(cache=True)
def path(world, start_r, start_c, goal_r, goal_c):
    """The cells of the shortest path of four moves, both ends included, [n, 2]; of equal ones the one whose moves come
    first in the order north, east, south, west. Empty when there is none."""
    rows, cols = world.shape
    left = np.full((rows, cols), -1, np.int64)
    queue = np.empty((rows * cols, 2), np.int64)
    queue[0, 0], queue[0, 1] = goal_r, goal_c
    left[goal_r, goal_c] = 0
    first, last = 0, 1
    while first < last:
        r, c = queue[first]
        first += 1
        for k in STRAIGHT:
            nr, nc = r + worlds.ROW[k], c + worlds.COL[k]
            if 0 <= nr < rows and 0 <= nc < cols and not world[nr, nc] and left[nr, nc] < 0:
                left[nr, nc] = left[r, c] + 1
                queue[last, 0], queue[last, 1] = nr, nc
                last += 1
    found = np.empty((max(0, left[start_r, start_c] + 1), 2), np.int64)
    r, c = start_r, start_c
    for at in range(len(found)):
        found[at, 0], found[at, 1] = r, c
        for k in STRAIGHT:
            nr, nc = r + worlds.ROW[k], c + worlds.COL[k]
            if 0 <= nr < rows and 0 <= nc < cols and left[nr, nc] == left[r, c] - 1 and left[r, c] > 0:
                r, c = nr, nc
                break
    return found


def maze(world: np.ndarray, start: tuple[int, int], goal: tuple[int, int]) -> Maze | None:
    """The maze of a world (True is a wall); `None` when no way of four moves leads from start to goal."""
    way = path(world, *start, *goal)
    if not len(way):
        return None
    tokens = np.where(world, WALL, FREE)
    answer = tokens.copy()
    answer[way[:, 0], way[:, 1]] = PATH
    for grid in (tokens, answer):
        grid[start], grid[goal] = START, GOAL
    return Maze(tokens, answer)


class Source:
    """Draws mazes of one size from generated worlds of these kinds, S and G at least `apart` moves apart. Seeded."""

    def __init__(self, size: int, seed: int, kinds: Sequence[int], apart: int):
        self.size, self.kinds, self.apart = size, kinds, apart
        self.random = np.random.default_rng(seed)
        worlds.seed_numba(seed)

    def sample(self) -> Maze:
        while True:
            world = worlds.generate(self.size, self.size, int(self.random.choice(self.kinds)))
            free = np.argwhere(~world)
            if len(free) < 2:
                continue
            start, goal = (tuple(int(v) for v in free[at]) for at in self.random.integers(len(free), size=2))
            found = maze(world, start, goal)
            if found is not None and (found.answer == PATH).sum() + 1 >= self.apart:
                return found
