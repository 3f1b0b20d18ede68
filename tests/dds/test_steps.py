"""`~/steps`: what the recursion did, as markers."""

import itertools
import math

import numpy as np
from visualization_msgs.msg import Marker, MarkerArray

import worlds

# Both ends are in what the model sees at once.
START, GOAL = (1.02, 1.02, 0.0), (1.42, 1.32, 0.0)


def cells(points) -> list[tuple[int, int]]:
    """Those that points lie in, one after the other."""
    each = [(math.floor(x / worlds.RESOLUTION), math.floor(y / worlds.RESOLUTION)) for x, y in points]
    return [cell for cell, _ in itertools.groupby(each)]


def points(marker: Marker) -> np.ndarray:
    return np.array([(p.x, p.y) for p in marker.points])


def test_unless_they_are_wanted_there_are_neither_markers_nor_a_record(peer):
    names = {name for name, _ in peer.node.get_topic_names_and_types()}
    assert f"{peer.planner}/status" in names
    assert not names & {f"{peer.planner}/steps", f"{peer.planner}/plan_log"}


def test_each_answer_has_a_line_inside_the_map_and_one_of_them_is_the_path_that_is_taken(start):
    _, peer = start({"publish_steps": True, "smooth": False, "unchanged_limit": 0.0})
    arrays: list[MarkerArray] = []
    topic = f"{peer.planner}/steps"
    peer.node.create_subscription(MarkerArray, topic, arrays.append, 100)
    peer.wait(lambda: peer.node.count_publishers(topic), "the topic of the steps")
    grid = worlds.room()
    peer.publish_map(grid)
    peer.plan_to(START, GOAL, 5)
    peer.wait(lambda: len(arrays) >= 3, "markers")
    mark = peer.now()
    peer.plans_after(mark, lambda p: p.ends_at(GOAL))  # those of the markers have come
    verified: list[list[tuple[int, int]]] = []
    for array in arrays:
        first, *markers = array.markers
        assert first.action == Marker.DELETEALL
        assert markers and all(m.header.frame_id == "map" for m in markers)
        lines = [m for m in markers if m.ns == "path"]
        changes = [m for m in markers if m.ns == "changed"]
        assert {m.type for m in lines} == {Marker.LINE_STRIP} and {m.type for m in changes} <= {Marker.CUBE_LIST}
        # Nothing is before the first answer that it could have changed.
        assert all(m.id > 0 for m in changes)
        assert len({(m.ns, m.id) for m in markers}) == len(markers)
        height, width = grid.state.shape
        for marker in markers:
            inside = points(marker)
            assert (inside > 0.0).all() and (inside < np.array([width, height]) * worlds.RESOLUTION).all()
        colours = [(m.color.r, m.color.b) for m in lines]
        assert len(set(colours)) == len(lines) and colours == sorted(colours, key=lambda colour: colour[0])
        taken = points(markers[-1])
        published = [p.poses[:, :2] for p in peer.plans if len(p.poses) == len(taken)]
        assert markers[-1].ns == "taken" and any((taken == poses).all() for poses in published)
        # Of this plan or, where an answer is carried on or the path is kept, of one before.
        verified += [cells(points(m)) for m in lines if m.color.a == 1.0]
        assert cells(taken) in verified
    assert any(len(array.markers) > 4 for array in arrays), "several answers"
