import itertools

import numpy as np
import pytest

from trm_train import worlds

SIDE = 12


def bellman_ford(world: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    """Costs by sweeping until nothing changes: slow, and shares no code with `worlds`."""
    rows, cols = world.shape
    cost = np.full(world.shape, np.inf)
    cost[goal] = 0
    while True:
        old = cost.copy()
        for r, c in itertools.product(range(rows), range(cols)):
            for dr, dc in itertools.product((-1, 0, 1), repeat=2):
                rr, cc = r + dr, c + dc
                if not (0 <= rr < rows and 0 <= cc < cols) or (dr, dc) == (0, 0):
                    continue
                # Both ends and, for a diagonal, both cells beside it: the square that the move spans.
                if not world[min(r, rr) : max(r, rr) + 1, min(c, cc) : max(c, cc) + 1].any():
                    cost[r, c] = min(cost[r, c], cost[rr, cc] + np.hypot(dr, dc))
        if (cost == old).all():
            return cost


@pytest.fixture(params=range(worlds.KINDS))
def world(request) -> np.ndarray:
    worlds.seed_numba(request.param)
    return worlds.generate(SIDE, SIDE, request.param)


def goals(world: np.ndarray) -> list[tuple[int, int]]:
    free = np.argwhere(~world)
    return [tuple(int(v) for v in free[i]) for i in (0, len(free) // 2, len(free) - 1)]


def test_costs_to_go_are_the_shortest(world):
    for goal in goals(world):
        np.testing.assert_allclose(worlds.cost_to_go(world, *goal), bellman_ford(world, goal), atol=1e-3)


def test_labels_are_all_optimal_moves_and_no_other(world):
    size, corner = 8, (2, 3)
    for goal in goals(world):
        cost = bellman_ford(world, goal)
        occupied, exits, labels, _ = worlds.window_labels(world, worlds.cost_to_go(world, *goal), *corner, size)
        np.testing.assert_array_equal(occupied, world[2:10, 3:11])
        for r, c in itertools.product(range(size), repeat=2):
            here = (r + corner[0], c + corner[1])
            expected, leaves = 0, here == goal
            for k in range(8):
                there = (here[0] + worlds.ROW[k], here[1] + worlds.COL[k])
                if not all(0 <= v < SIDE for v in there) or not np.isfinite(cost[here]) or here == goal:
                    continue
                box = world[min(here[0], there[0]) : max(here[0], there[0]) + 1, min(here[1], there[1]) : max(here[1], there[1]) + 1]
                if box.any() or cost[there] + np.hypot(worlds.ROW[k], worlds.COL[k]) > cost[here] + 1e-3:
                    continue
                if 0 <= r + worlds.ROW[k] < size and 0 <= c + worlds.COL[k] < size:
                    expected |= 1 << k
                else:
                    leaves = True
            unreachable = not np.isfinite(cost[here])
            assert labels[r, c] == expected | (256 if leaves or unreachable else 0), (goal, r, c)
            assert np.isfinite(exits[r, c]) == leaves
        if np.isfinite(exits).any():
            assert exits.min() == 0


@pytest.mark.parametrize("kind", range(worlds.KINDS))
def test_a_seed_gives_the_same_world_again(kind):
    worlds.seed_numba(5)
    first, second = worlds.generate(32, 32, kind), worlds.generate(32, 32, kind)
    worlds.seed_numba(5)
    np.testing.assert_array_equal(worlds.generate(32, 32, kind), first)
    assert not (first == second).all()
