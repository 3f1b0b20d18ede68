"""`~/steps`: what the recursion did, as markers."""

import math

import numpy as np
from visualization_msgs.msg import Marker, MarkerArray

import worlds

# Both ends are in what the model sees at once.
START, GOAL = (1.0, 1.0, 0.0), (1.6, 1.4, 0.0)


def cells(points) -> list[tuple[int, int]]:
    return [(math.floor(x / worlds.RESOLUTION), math.floor(y / worlds.RESOLUTION)) for x, y in points]


def points(marker: Marker) -> np.ndarray:
    return np.array([(p.x, p.y) for p in marker.points])


def test_unless_they_are_wanted_there_are_neither_markers_nor_a_record(peer):
    names = {name for name, _ in peer.node.get_topic_names_and_types()}
    assert f"{peer.planner}/status" in names
    assert not names & {f"{peer.planner}/steps", f"{peer.planner}/plan_log"}


def test_each_answer_has_a_line_inside_the_map_and_the_last_one_is_the_path(start):
    _, peer = start({"publish_steps": True, "smooth": False, "unchanged_limit": 0.0})
    arrays: list[MarkerArray] = []
    topic = f"{peer.planner}/steps"
    peer.node.create_subscription(MarkerArray, topic, arrays.append, 100)
    peer.wait(lambda: peer.node.count_publishers(topic), "the topic of the steps")
    grid = worlds.room()
    peer.publish_map(grid)
    plans = peer.plan_to(START, GOAL, 5)
    peer.wait(lambda: len(arrays) >= 3, "markers")
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
    for plan in plans:
        assert cells(points(lines[-1])) == cells(plan.poses[:, :2])
    assert any(len(array.markers) > 3 for array in arrays), "several answers"
