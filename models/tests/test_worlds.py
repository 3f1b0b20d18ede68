import itertools
import json

import numpy as np
import pytest

from trm_train import world_statistics, worlds

SIDE = 12
CORNER, SIZE = (2, 3), 8
TIE = np.float32(1e-2)


def move(world: np.ndarray, weights: np.ndarray, here: tuple[int, int], k: int) -> tuple[tuple[int, int], float]:
    """The cell that move `k` leads to, and its cost: inf where it leaves the world or touches a blocked cell. Shares no
    code with `worlds`."""
    (r, c), (rr, cc) = here, (int(here[0] + worlds.ROW[k]), int(here[1] + worlds.COL[k]))
    rows, cols = world.shape
    # Both ends and, for a diagonal, both cells beside it: the square that the move spans.
    if not (0 <= rr < rows and 0 <= cc < cols) or world[min(r, rr) : max(r, rr) + 1, min(c, cc) : max(c, cc) + 1].any():
        return (rr, cc), np.inf
    return (rr, cc), float(np.hypot(rr - r, cc - c)) * (float(weights[r, c]) + float(weights[rr, cc])) / 2


def bellman_ford(world: np.ndarray, weights: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    """Costs by sweeping until nothing changes: slow."""
    cost = np.full(world.shape, np.inf)
    cost[goal] = 0
    while True:
        old = cost.copy()
        for here in itertools.product(*map(range, world.shape)):
            for k in range(8):
                there, length = move(world, weights, here, k)
                if np.isfinite(length):
                    cost[here] = min(cost[here], cost[there] + length)
        if (cost == old).all():
            return cost


@pytest.fixture(params=range(worlds.KINDS))
def world(request) -> np.ndarray:
    worlds.seed_numba(request.param)
    return worlds.generate(SIDE, SIDE, request.param)


@pytest.fixture(params=[False, True], ids=["hard", "soft"])
def weights(request, world) -> np.ndarray:
    return worlds.soft_weights(world, 2.0, 1.5, 4) if request.param else np.ones(world.shape, np.float32)


def goals(world: np.ndarray) -> list[tuple[int, int]]:
    free = np.argwhere(~world)
    return [tuple(int(v) for v in free[i]) for i in (0, len(free) // 2, len(free) - 1)]


def labelled(world: np.ndarray, weights: np.ndarray, goal: tuple[int, int]) -> tuple[np.ndarray, ...]:
    dist = worlds.cost_to_go(world, weights, *goal)
    return worlds.window_labels(world, weights, dist, *CORNER, SIZE, TIE)


def test_soft_weights_fall_with_the_distance_to_the_nearest_blocked_cell(world):
    multiplier, scale, reach = 2.5, 1.7, 4
    world[5, 6] = True
    blocked = np.argwhere(world)
    expected = np.ones(world.shape)
    for r, c in np.argwhere(~world):
        distance = np.hypot(*(blocked - (r, c)).T).min()
        if distance <= reach:
            expected[r, c] = 1 + multiplier * np.exp(-(distance - 0.5) / scale)
    np.testing.assert_allclose(worlds.soft_weights(world, multiplier, scale, reach), expected, rtol=1e-5)
    assert expected.max() > 1.5


def test_costs_to_go_are_the_least(world, weights):
    for goal in goals(world):
        np.testing.assert_allclose(worlds.cost_to_go(world, weights, *goal), bellman_ford(world, weights, goal), atol=1e-3)


def test_labels_are_all_optimal_moves_and_no_other(world, weights):
    for goal in goals(world):
        cost = bellman_ford(world, weights, goal)
        occupied, exits, labels, _ = labelled(world, weights, goal)
        np.testing.assert_array_equal(occupied, world[2:10, 3:11])
        for r, c in itertools.product(range(SIZE), repeat=2):
            here = (r + CORNER[0], c + CORNER[1])
            if not np.isfinite(cost[here]):
                assert labels[r, c] == 256 and not np.isfinite(exits[r, c])
                continue
            leaves, over = here == goal, {}
            for k in range(8) if here != goal else ():
                there, length = move(world, weights, here, k)
                if not np.isfinite(length):
                    continue
                over[k] = cost[there] + length - cost[here]
                if not (0 <= r + worlds.ROW[k] < SIZE and 0 <= c + worlds.COL[k] < SIZE):
                    leaves |= over.pop(k) <= 1e-3
            # What is within rounding of the limit may be either.
            right = sum(1 << k for k, o in over.items() if o < TIE - 1e-4)
            either = sum(1 << k for k, o in over.items() if o < TIE + 1e-4)
            found = int(labels[r, c])
            assert found & right == right and found & 255 & ~either == 0, (goal, r, c)
            assert bool(found & 256) == leaves == np.isfinite(exits[r, c]), (goal, r, c)
        if np.isfinite(exits).any():
            assert exits.min() == 0


def test_lengths_are_those_of_the_paths_of_least_cost(world, weights):
    found = 0
    for goal in goals(world):
        _, exits, labels, cost = labelled(world, weights, goal)
        lengths = worlds.lengths(labels, exits, cost)
        np.testing.assert_array_equal(np.isfinite(lengths), np.isfinite(cost))
        for r, c in np.argwhere(np.isfinite(cost)):
            at, length = (int(r), int(c)), 0.0
            while not np.isfinite(exits[at]):
                moves = {k: (at[0] + int(worlds.ROW[k]), at[1] + int(worlds.COL[k])) for k in range(8) if labels[at] >> k & 1}
                k = min(moves, key=lambda k: cost[moves[k]])
                assert cost[moves[k]] < cost[at], "the way leads down"
                length, at = length + float(np.hypot(worlds.ROW[k], worlds.COL[k])), moves[k]
            assert lengths[r, c] == pytest.approx(length, abs=1e-3)
            # Without soft costs the cost is the length.
            if (weights == 1).all():
                assert length + exits[at] == pytest.approx(cost[r, c], abs=1e-2)
            assert length <= cost[r, c] - exits[at] + 1e-2
            found += length > 0
    assert found


@pytest.mark.parametrize("seed", range(5))
def test_a_lattice_is_a_maze_of_four_moves_twice_as_large(seed):
    """No diagonal is ever legal, and lengths are twice those of the maze."""
    side = 15
    worlds.seed_numba(seed)
    world = worlds.generate(2 * side + 1, 2 * side + 1, worlds.LATTICE)
    for r, c in itertools.product(range(len(world)), repeat=2):
        assert not any(worlds.legal(world, r, c, k) for k in (1, 3, 5, 7) if not world[r, c])
    maze = world[1::2, 1::2]
    assert 0.2 < maze.mean() < 0.6
    start = tuple(int(v) for v in np.argwhere(~maze)[0])
    steps, ring, length = {start: 0}, [start], 0
    while ring:
        length += 1
        around = {(r + dr, c + dc) for r, c in ring for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))}
        ring = [at for at in around if at not in steps and all(0 <= v < side for v in at) and not maze[at]]
        steps |= dict.fromkeys(ring, length)
    cost = worlds.cost_to_go(world, np.ones(world.shape, np.float32), 2 * start[0] + 1, 2 * start[1] + 1)
    expected = np.full(maze.shape, np.inf)
    for at, length in steps.items():
        expected[at] = 2 * length
    np.testing.assert_array_equal(cost[1::2, 1::2], expected)


@pytest.mark.parametrize("kind", range(worlds.KINDS))
def test_a_seed_gives_the_same_world_again(kind):
    worlds.seed_numba(5)
    first, second = worlds.generate(32, 32, kind), worlds.generate(32, 32, kind)
    worlds.seed_numba(5)
    np.testing.assert_array_equal(worlds.generate(32, 32, kind), first)
    assert not (first == second).all()


def test_the_golden_file_for_the_generators_in_rust_is_up_to_date():
    """Where this fails, the generators in trm_node/lab/src/worlds need the same change; then `make golden-worlds`."""
    golden = json.loads(world_statistics.GOLDEN.read_text())
    found = world_statistics.all_kinds()
    assert [of["kind"] for of in golden["kinds"]] == list(worlds.NAMES)
    assert (golden["side"], golden["worlds"]) == (found["side"], found["worlds"])
    for expected, kind in zip(golden["kinds"], found["kinds"], strict=True):
        for name in ("free", "edges", "regions", "path"):
            assert kind[name] == pytest.approx(expected[name], rel=1e-6), (kind["kind"], name)
