import numpy as np
import pytest

from trm_train import data, realmaps, worlds
from trm_train.evaluate import HERE


def sample_of(occupied: np.ndarray, exits: np.ndarray, weights: np.ndarray) -> data.Sample:
    solved = data.Solved(occupied, None, weights, np.zeros_like(weights), (0, 1))
    labels = np.zeros(occupied.shape, np.uint16)
    return data.Sample(solved, (0, 0), len(occupied), occupied, exits, labels, weights, weights)


def test_channels_are_what_the_bundle_says():
    occupied = np.array([[True, False], [False, False]])
    exits = np.array([[np.inf, 0.0], [32.0, 1000.0]], np.float32)
    channels = data.channels(sample_of(occupied, exits, np.array([[2.0, 1.0], [1.5, 9.0]], np.float32)))
    assert channels.shape == (data.CHANNELS, 2, 2) and channels.dtype == np.float32
    np.testing.assert_array_equal(channels[0], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(channels[1], [[0, 4], [4, 4]])
    np.testing.assert_array_equal(channels[2], [[0, 0], [2, 8]], "offset / 16, at most 8")
    np.testing.assert_array_equal(channels[3], np.ones((2, 2)))
    np.testing.assert_array_equal(channels[4], [[0, 0], [0.5, 3]], "weight - 1, at most 3; 0 where blocked")


@pytest.fixture(params=[0.0, 1.0], ids=["hard", "soft"])
def source(request) -> data.Source:
    maps = [HERE.parent / "tests" / "maps" / "pal_office"]
    return data.Source(16, 3, maps, real=0.5, soft=request.param, closed=0.3)


def is_a_window(sample: data.Sample) -> None:
    (r, c), size = sample.corner, sample.size
    np.testing.assert_array_equal(sample.occupied, sample.solved.world[r : r + size, c : c + size])
    np.testing.assert_array_equal(sample.weights(), sample.solved.weights[r : r + size, c : c + size])
    dist = sample.solved.dist[r : r + size, c : c + size]
    known = np.isfinite(dist)
    np.testing.assert_array_equal(np.isfinite(sample.cost), known)
    # The cost is counted from the nearest goal cell on.
    base = dist[np.isfinite(sample.exits)].min()
    np.testing.assert_allclose(sample.cost[known], dist[known] - base, atol=1e-3)


def test_a_sample_is_a_window_of_its_world(source):
    for _ in range(20):
        sample = source.sample()
        is_a_window(sample)
        assert not sample.solved.world[sample.solved.goal]
        assert (sample.solved.soft is not None) == (source.soft == 1)
        assert np.isfinite(sample.cost).sum() >= 16 * 16 // 16


def test_the_answer_of_a_cell_is_asked_for_by_how_far_it_is():
    """Without soft costs arrival is the cost; with them a way takes as long as one of its length, on the whole."""
    hard = data.Source(24, 4, [], real=0.0)
    for _ in range(10):
        sample = hard.sample()
        np.testing.assert_array_equal(sample.arrival, sample.cost)
    soft = data.Source(24, 4, [], real=0.0, soft=1.0)
    shorter = []
    for _ in range(30):
        sample = soft.sample()
        known = np.isfinite(sample.cost)
        np.testing.assert_array_equal(np.isfinite(sample.arrival), known)
        length = worlds.lengths(sample.labels, sample.exits, sample.cost)
        assert (sample.arrival[known] <= sample.cost[known] + 0.1).all()
        assert (sample.arrival[known] >= length[known] / data.FASTEST - 1e-3).all()
        shorter.append(sample.arrival[known].mean() / sample.cost[known].mean())
    assert np.mean(shorter) < 0.9


def test_a_closed_world_ends_where_its_window_ends():
    source = data.Source(16, 3, [], real=0.0, inside=0.0, closed=1.0)
    for _ in range(20):
        sample = source.sample()
        r, c = sample.corner
        around = sample.solved.world.copy()
        around[r : r + 16, c : c + 16] = True
        assert around.all()
        assert np.isfinite(sample.exits).sum() == 1, "the goal is inside"


def test_the_goal_is_inside_where_that_is_asked_for():
    source = data.Source(16, 3, [], real=0.0, inside=1.0)
    for _ in range(20):
        sample = source.sample()
        assert all(0 <= g - k < 16 for g, k in zip(sample.solved.goal, sample.corner, strict=True))
        assert (sample.cost == 0).sum() == 1


def test_the_same_seed_draws_the_same_samples():
    def drawn() -> list[bytes]:
        source = data.Source(16, 5, [], real=0.0, soft=0.5, closed=0.5)
        return [data.channels(source.sample()).tobytes() for _ in range(5)]

    first = drawn()
    assert first == drawn()
    assert len(set(first)) == 5


def test_a_window_moves_by_whole_tokens_over_the_same_world(source):
    moved = [(s, *m) for s in (source.sample() for _ in range(60)) if (m := source.moved(s, 2))]
    assert moved
    for old, new, shift in moved:
        assert all(abs(s) <= 3 for s in shift)
        assert new.solved is old.solved
        assert new.corner == tuple(k + 2 * s for k, s in zip(old.corner, shift, strict=True))
        is_a_window(new)


def test_an_edit_adds_obstacles_or_takes_some_away_and_solves_anew(source):
    edits = [(s.solved, e) for s in (source.sample() for _ in range(40)) if (e := source.edited(s))]
    more = sum(bool((new.solved.world & ~old.world).any()) for old, new in edits)
    fewer = sum(bool((old.world & ~new.solved.world).any()) for old, new in edits)
    assert more > fewer > 0
    for old, new in edits:
        solved = new.solved
        assert (solved.world >= old.world).all() or (solved.world <= old.world).all()
        assert solved.goal == old.goal and solved.soft is old.soft
        expected = solved.soft.weights(solved.world) if solved.soft else np.ones(solved.world.shape, np.float32)
        np.testing.assert_array_equal(solved.weights, expected)
        np.testing.assert_array_equal(solved.dist, worlds.cost_to_go(solved.world, expected, *solved.goal))
        is_a_window(new)


def test_a_real_map_is_inflated_and_pooled():
    folder = HERE.parent / "tests" / "maps" / "nav2_depot"
    occupied, unknown, resolution = realmaps.load(folder)
    np.testing.assert_array_equal(realmaps.world(folder, 1, 0.0), occupied | unknown)
    inflated = realmaps.world(folder, 1, 0.2)
    r, c = (int(v) for v in np.argwhere(occupied)[len(np.argwhere(occupied)) // 2])
    reach = int(0.2 / resolution)
    assert inflated[r - reach : r + reach + 1, c].all()
    pooled = realmaps.world(folder, 2, 0.2)
    assert pooled.shape == tuple(-(-n // 2) for n in occupied.shape)
    assert pooled[r // 2, c // 2]
