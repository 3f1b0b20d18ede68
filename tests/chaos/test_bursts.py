"""Many small updates of the map at once: none may be lost, and the last one counts as soon as it is out."""

import time

import pytest

import limits
from field import GATE, Field
from worlds import FREE, OCCUPIED

RATE = 5000
SIZES = (10, 20, 80, 200)


def toggle(field: Field, size: int, state: int, first: bool = False) -> None:
    """A burst with the gate in it, at its end or at its beginning."""
    noise, gate = field.noise(size - 1), [(GATE, state)]
    field.burst(gate + noise if first else noise + gate)


# The publisher itself may forget the first of more than its depth.
CASES = [(size, depth, publishers, False) for size in SIZES for depth in (10, 100, 1000) for publishers in (1, 3)]
CASES += [(size, 1000, 1, True) for size in SIZES]


@pytest.mark.parametrize("size, depth, publishers, first", CASES,
                         ids=lambda value: ("gate_last", "gate_first")[value] if isinstance(value, bool) else None)
def test_a_burst_of_updates(peer, figures, size, depth, publishers, first):
    """The whole map is sent once; all the rest is updates of one cell."""
    field = Field(peer, depth=depth, publishers=publishers)
    field.begin()
    for _ in range(limits.rounds(2)):
        toggle(field, size, OCCUPIED, first)
        peer.spin(0.25)
        toggle(field, size, FREE, first)
        field.expect_open()
    field.close()
    field.check(figures)


@pytest.mark.parametrize("publishers", [1, 3])
@pytest.mark.parametrize("depth", [100, 1000])
def test_what_is_dropped_of_a_burst_is_told(peer, figures, depth, publishers):
    """Of 1000 updates at once Fast DDS drops some without a word, for its queue in shared memory has 512 places: the closed
    gate may be among them. A whole map ends each round."""
    field = Field(peer, depth=depth, publishers=publishers)
    field.begin()
    for _ in range(limits.rounds(2)):
        toggle(field, 1000, OCCUPIED)
        peer.spin(0.4 + limits.BOUND_MS / 1e3)
        field.publish_whole({GATE: FREE})
        field.expect_open()
    field.close()
    field.check(figures)


@pytest.mark.parametrize("publishers, clump", [(1, 1), (3, 1), (3, 50)])
def test_a_stream_of_updates(peer, figures, publishers, clump):
    """At 5 kHz, one by one or so many at a time; the gate opens and closes at random."""
    field = Field(peer, publishers=publishers)
    field.begin()
    count = round(limits.seconds(2.0) * RATE)
    changes = field.noise(count)
    for position in range(300, count - 300, 300):
        changes[position + field.rng.integers(300)] = (GATE, int(field.rng.integers(2)))
    messages = [field.message(*change) for change in changes]
    begin = time.monotonic()
    for position, (change, message) in enumerate(zip(changes, messages)):
        field.update(*change, message)
        if position % 100 == 0:
            peer.executor.spin_once(timeout_sec=0)
        if position % clump == 0:
            time.sleep(max(0.0, begin + position / RATE - time.monotonic()))
    figures(f"{count} updates at {count / (time.monotonic() - begin):.0f} Hz")
    field.update(GATE, OCCUPIED)
    peer.spin(0.5)
    field.update(GATE, FREE)
    field.expect_open()
    field.close()
    field.check(figures)
