"""Parameters are set far faster than costs can be computed: memory stays, plans go on, and the map is not forgotten."""

import time

import pytest

import limits
from field import GATE, PARAMETERS, Field
from watcher import Getter, Setter, rss_mb
from worlds import FREE, OCCUPIED

SIZE = limits.LARGE
# Beyond twice what the node needs at rest: requests, answers and logs on their way.
SPARE_MB = 64.0
FREQUENCY = 20.0


def in_a_bound_of_megabytes(rest: float, most: float) -> bool:
    return most <= 2.0 * rest + SPARE_MB


class Flood:
    """Alternates a parameter's values at a rate; in between, the watcher listens."""

    def __init__(self, node, peer, name: str, values: tuple[float, float], rate: float):
        self.node, self.peer, self.name, self.values, self.rate = node, peer, name, values, rate
        self.setter = Setter(peer)
        self.count = 0
        self.rest = self.most = rss_mb(node)

    def run(self, duration: float) -> None:
        begin, first = time.monotonic(), self.count
        while (now := time.monotonic()) < begin + duration:
            self.setter.set(self.name, self.values[self.count % 2])
            self.count += 1
            if self.count % 20 == 0:
                self.most = max(self.most, rss_mb(self.node))
            self.peer.spin(max(0.001, begin + (self.count - first) / self.rate - now))

    def __str__(self) -> str:
        setter = self.setter
        return (f"{len(setter.futures)} requests ({setter.left_out} left out), {setter.unanswered} unanswered, "
                f"RSS {self.rest:.0f} MB at rest, {self.most:.0f} MB at most")


@pytest.fixture
def big(launch):
    node, peer = launch({**PARAMETERS, "planner_frequency": FREQUENCY})
    field = Field(peer, SIZE, SIZE)
    field.begin()
    peer.spin(2.0)
    yield node, peer, field
    field.close()


@pytest.mark.parametrize("name, values, rate", [
    ("tolerance", (0.5, 0.4), 200.0), ("robot_radius", (0.08, 0.09), 60.0), ("planner_frequency", (20.0, 19.0), 200.0),
])
def test_a_flood_of_one_parameter(big, figures, name, values, rate):
    node, peer, field = big
    flood, third = Flood(node, peer, name, values, rate), limits.seconds(9.0) / 3
    mark = peer.now()
    flood.run(third)
    field.update(GATE, OCCUPIED)
    flood.run(third)
    field.update(GATE, FREE)
    flood.run(third)
    share = len([s for s in peer.statuses_since(mark) if s.is_plan]) / (3 * third * min(FREQUENCY, 19.0))
    unanswered = flood.setter.wait(10.0)
    flood.most = max(flood.most, rss_mb(node))
    figures(f"{flood}; {share:.0%} of the ticks had a plan")
    field.expect_open()
    flood.setter.close()
    field.check(figures)
    assert not unanswered, f"{unanswered} requests were never answered"
    assert in_a_bound_of_megabytes(flood.rest, flood.most), str(flood)
    assert share >= 0.7 or name != "planner_frequency", f"{share:.0%} of the ticks"


@pytest.mark.parametrize("count", [200, 800])
def test_a_burst_of_requests_is_answered(launch, figures, count):
    """By four clients, all at once."""
    _, peer = launch()
    clients = [Getter(peer) for _ in range(4)]
    for number in range(count):
        clients[number % 4].get("robot_radius", "tolerance", "grid_source")
    begin = time.monotonic()
    end = begin + 5.0
    unanswered = sum(client.wait(max(0.0, end - time.monotonic())) for client in clients)
    took = time.monotonic() - begin
    figures(f"{count - unanswered} of {count} requests answered in {took:.2f} s")
    answers = [future.result().values for client in clients for future in client.futures if future.done()]
    assert all(len(values) == 3 and values[2].string_value == "map" for values in answers)
    for client in clients:
        client.close()
    assert not unanswered
