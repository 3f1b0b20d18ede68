import numpy as np
import pytest

from trm_train import data, realmaps, worlds
from trm_train.evaluate import HERE


def test_channels_are_what_the_bundle_says():
    occupied = np.array([[True, False], [False, False]])
    exits = np.array([[np.inf, 0.0], [32.0, 1000.0]], np.float32)
    channels = data.channels(occupied, exits)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[0], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(channels[1], [[0, 4], [4, 4]])
    np.testing.assert_array_equal(channels[2], [[0, 0], [2, 8]], "offset / 16, at most 8")
    np.testing.assert_array_equal(channels[3], np.ones((2, 2)))


@pytest.fixture
def source() -> data.Source:
    return data.Source(16, 3, [HERE.parent / "tests" / "maps" / "pal_office"], real=0.5)


def test_a_sample_is_a_window_of_its_world(source):
    for _ in range(20):
        sample = source.sample()
        r, c = sample.corner
        np.testing.assert_array_equal(sample.occupied, sample.world[r : r + 16, c : c + 16])
        assert np.isfinite(sample.exits).any()
        assert not sample.world[sample.goal]


def test_the_same_seed_draws_the_same_samples():
    def drawn() -> list[bytes]:
        source = data.Source(16, 5, [], real=0.0)
        return [source.sample().labels.tobytes() for _ in range(5)]

    first = drawn()
    assert first == drawn()
    assert len(set(first)) == 5


def test_a_window_moves_by_whole_tokens_over_the_same_world(source):
    moved = [m for m in (source.moved(s, 2) for s in (source.sample() for _ in range(60))) if m]
    assert moved
    for sample, shift in moved:
        assert all(abs(s) <= 3 for s in shift)
        r, c = sample.corner
        np.testing.assert_array_equal(sample.occupied, sample.world[r : r + 16, c : c + 16])


def test_an_edit_only_adds_obstacles_and_solves_anew(source):
    edits = [(s, e) for s in (source.sample() for _ in range(20)) if (e := source.edited(s))]
    assert edits
    for old, new in edits:
        assert (new.world >= old.world).all() and new.corner == old.corner
        np.testing.assert_array_equal(new.dist, worlds.cost_to_go(new.world, *new.goal))


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
