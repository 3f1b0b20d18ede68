"""The node's process is stopped while the map goes on changing. What it missed must be made up for at once.

A path's age counts from the time at which the node was let go on: before that it could know nothing. DDS itself may
hand over what was sent during the stop up to a second later. A node can know that it was stopped, and say STALE_MAP.
"""

import signal
import time

import pytest

import limits
from field import GATE, Field
from worlds import FREE, OCCUPIED

# Of whole maps, while the node is stopped.
PERIOD = 0.1


def go_on_publishing(field: Field, duration: float, count: int, maps_to_the_end: bool) -> None:
    """So many updates and a few maps in this time; the gate closes in the middle of it."""
    begin, changes = time.monotonic(), field.noise(count)
    changes[count // 2] = (GATE, OCCUPIED)
    next_map = begin
    for position, change in enumerate(changes):
        field.peer.spin(max(0.0, begin + position / count * duration - time.monotonic()))
        field.update(*change)
        if time.monotonic() >= next_map and (maps_to_the_end or position < count // 2):
            field.publish_whole()
            next_map += PERIOD


@pytest.mark.parametrize("maps_to_the_end", [False, True], ids=["updates_last", "maps_to_the_end"])
@pytest.mark.parametrize("count", [80, 500])
@pytest.mark.parametrize("duration", [0.1, 0.5, 2.0, 5.0])
def test_a_stopped_node(peer, node, figures, duration, count, maps_to_the_end):
    if duration > 2.0 and (count > 80) != maps_to_the_end:
        pytest.skip("two of the longest are enough")
    field = Field(peer)
    field.begin()
    for _ in range(limits.rounds(1)):
        node.process.send_signal(signal.SIGSTOP)
        try:
            go_on_publishing(field, duration, count, maps_to_the_end)
        finally:
            field.history.resume()
            node.process.send_signal(signal.SIGCONT)
        peer.spin(0.6)
        field.update(GATE, FREE)
        field.expect_open()
    field.close()
    field.check(figures)
