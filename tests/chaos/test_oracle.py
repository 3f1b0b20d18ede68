"""The oracle itself: it must see what it is there for."""

import dataclasses
import types

import numpy as np
import pytest

import worlds
from oracle import History, cells_of

GRID = worlds.room(20, 10)
CELL = 5 * 20 + 10  # row 5, column 10


@dataclasses.dataclass
class Made:
    """A plan straight along row 5."""

    stamp: float
    poses: np.ndarray = dataclasses.field(default_factory=lambda: np.array([(0.125, 0.275, 0.0), (0.875, 0.275, 0.0)]))


def judge(history: History, *stamps: float, stale: tuple[float, ...] = ()):
    statuses = [types.SimpleNamespace(stamp=stamp, result="STALE_MAP") for stamp in stale]
    return history.judge([Made(stamp) for stamp in stamps], statuses, 0.0, GRID.to_cells, 50.0)


@pytest.fixture
def history():
    history = History(GRID.state.shape)
    history.record(0.0, 1.0, np.flatnonzero(GRID.state == worlds.OCCUPIED), True)
    return history


def test_a_path_through_a_closed_cell_is_as_stale_as_the_cell_is_closed(history):
    assert judge(history, 2.0, 9.0).worst_ms == 0.0
    history.record(2.9, 3.0, CELL, True)
    history.record(3.4, 3.5, CELL, True)  # told again: it was closed before
    assert judge(history, 2.0, 2.95).worst_ms == 0.0
    verdict = judge(history, 3.01, 3.2)
    assert verdict.worst_ms == pytest.approx(200.0) and (verdict.count, verdict.late) == (2, 1)
    assert judge(history, 4.0).worst_ms == pytest.approx(1000.0)


def test_an_opened_cell_is_forgiven_and_stale_maps_that_are_named_too(history):
    history.record(2.9, 3.0, CELL, True)
    history.record(3.5, 3.6, CELL, False)
    assert judge(history, 3.55, 4.0).worst_ms == 0.0
    assert judge(history, 3.4).worst_ms == pytest.approx(400.0)
    assert judge(history, 3.4, stale=(3.4,)).worst_ms == 0.0


def test_while_it_is_stopped_a_node_cannot_know(history):
    history.record(2.9, 3.0, CELL, True)
    history.resumed.append(5.0)
    assert judge(history, 5.02).worst_ms == pytest.approx(20.0)
    assert judge(history, 4.9).worst_ms == pytest.approx(1900.0)


def test_the_radius_counts():
    points = np.array([(2.5, 5.5), (17.5, 5.5)])
    rows = lambda radius: set(cells_of(points, (10, 20), radius) // 20)  # noqa: E731
    assert rows(0.0) == rows(1.0) == {5}
    assert rows(1.6) == {4, 5, 6}
    # On the line between two rows it touches both.
    assert set(cells_of(points - (0.0, 0.5), (10, 20), 0.0) // 20) == {4, 5}
