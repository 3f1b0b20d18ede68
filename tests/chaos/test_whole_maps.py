"""Whole maps of four million cells (limits.LARGE), ten a second, and updates beside them.

Such a map takes its time to come and to be inflated; the node may be behind by `max_map_lag_ms` before it must say so.
"""

import time

import pytest

import limits
from field import GATE, PARAMETERS, Field
from worlds import FREE, OCCUPIED

SIZE, PERIOD = limits.LARGE, 0.1
BOUND_MS = limits.MAP_LAG_MS + limits.BOUND_MS


@pytest.fixture
def field(launch):
    _, peer = launch(PARAMETERS)
    field = Field(peer, SIZE, SIZE)
    field.begin()
    peer.spin(1.0)
    yield field
    field.close()


@pytest.mark.parametrize("every", [3, 7])
def test_the_gate_is_toggled_in_every_nth_map(field, figures, every):
    end, number = time.monotonic() + limits.seconds(3.0), 0
    while (begin := time.monotonic()) < end:
        number += 1
        toggled = {GATE: FREE if not field.is_open else OCCUPIED} if number % every == 0 else {}
        field.publish_whole(toggled)
        field.peer.spin(max(0.0, begin + PERIOD - time.monotonic()))
    field.publish_whole({GATE: FREE})
    field.expect_open()
    figures(f"{number} maps")
    field.check(figures, BOUND_MS)


def test_an_update_right_after_a_map_counts(field, figures):
    """The map opens the gate, and 1 ms later an update closes it: closed it must stay, though the update is faster."""
    for number in range(limits.rounds(3)):
        field.publish_whole({GATE: FREE})
        time.sleep(0.001)
        field.update(GATE, OCCUPIED)
        field.peer.spin(0.8)
        # And the other way round: what was published last counts.
        field.publish_whole({GATE: OCCUPIED})
        time.sleep(0.001)
        field.update(GATE, FREE)
        field.expect_open()
    field.check(figures, BOUND_MS)


def test_maps_and_updates_at_once(field, figures):
    """Ten maps a second, each with an update right after it that closes the gate, or opens it."""
    for number in range(round(limits.seconds(3.0) / PERIOD)):
        begin = time.monotonic()
        state = OCCUPIED if number // 5 % 2 == 0 else FREE
        field.publish_whole()
        time.sleep(0.001)
        field.update(GATE, state)
        field.peer.spin(max(0.0, begin + PERIOD - time.monotonic()))
    field.update(GATE, FREE)
    field.expect_open()
    field.check(figures, BOUND_MS)
