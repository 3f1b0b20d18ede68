"""SIGINT comes while the node has most to do. It ends all the same, at once and cleanly."""

import signal
import threading
import time

import pytest

import limits
import worlds
from field import GATE, GOAL, PARAMETERS, START, Field
from watcher import Setter
from worlds import FREE, OCCUPIED

# Of load before the signal.
WARM_UP = 1.5
# A node that lives so long after the signal is killed.
GIVE_UP = 5.0


class Parameters:
    """Parameters that need new costs and new planners, on a large map."""

    def __init__(self, peer):
        self.field, self.setter, self.count = Field(peer, limits.LARGE, limits.LARGE), Setter(peer), 0
        self.field.begin()

    def step(self) -> None:
        self.count += 1
        self.setter.set("robot_radius", (0.08, 0.09)[self.count % 2])
        self.setter.set("tolerance", (0.5, 0.4)[self.count % 2])


class Maps:
    """Whole maps as fast as they can be sent, and updates between them."""

    def __init__(self, peer):
        self.field = Field(peer, limits.LARGE, limits.LARGE)
        self.field.begin()

    def step(self) -> None:
        self.field.publish_whole()
        for number in range(20):
            self.field.update(GATE, OCCUPIED if number % 2 else FREE)


class Inflation:
    """A large map with a wide inflation, again and again."""

    def __init__(self, peer, size: int, resolution: float):
        self.peer = peer
        self.grid = worlds.room(size, size)
        self.grid.resolution = resolution
        self.grid.state[::40, ::40] = OCCUPIED
        self.message = worlds.grid_message(self.grid, peer.stamp())
        scale = resolution / worlds.RESOLUTION
        self.goal = (GOAL[0] * scale, GOAL[1] * scale, 0.0)
        peer.stand((START[0] * scale, START[1] * scale, 0.0))
        self.begin = 0.0

    def step(self) -> None:
        if time.monotonic() - self.begin > 0.2:
            self.begin = time.monotonic()
            self.peer.map.publish(self.message)
            self.peer.send_goal(self.goal)


LOADS = {
    "parameters": (PARAMETERS, Parameters),
    "maps": (PARAMETERS, Maps),
    "wide_inflation": ({"inflation_radius": 10.0}, lambda peer: Inflation(peer, 1000, worlds.RESOLUTION)),
    "small_cells": ({}, lambda peer: Inflation(peer, 600, 0.001)),
}


def keep_on(load, peer, duration: float) -> None:
    end = time.monotonic() + duration
    while time.monotonic() < end:
        load.step()
        peer.spin(0.005)


@pytest.mark.parametrize("name", LOADS)
def test_the_node_ends_at_once(launch, figures, name):
    parameters, make = LOADS[name]
    node, peer = launch(parameters)
    load = make(peer)
    keep_on(load, peer, WARM_UP)
    ended = []
    watch = threading.Thread(target=lambda: ended.append((node.process.wait(), time.monotonic())))
    sent = time.monotonic()
    node.process.send_signal(signal.SIGINT)
    watch.start()
    while not ended and time.monotonic() < sent + GIVE_UP:
        keep_on(load, peer, 0.05)
    if not ended:
        node.process.kill()
    watch.join()
    code, at = ended[0]
    took = 1e3 * (at - sent)
    figures(f"ended {took:.0f} ms after SIGINT, code {code}")
    assert code == 0, node.log[-2000:]
    assert "panicked" not in node.log
    assert took <= limits.EXIT_MS
