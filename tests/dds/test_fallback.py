"""Who answers when the model is off."""

import worlds
from worlds import RADIUS

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)


def test_the_classical_search_answers_for_a_model_that_is_off(start):
    _, peer = start({"max_steps": 0, "deadline_ms": 1000.0})
    grid = worlds.gap()
    peer.publish_map(grid)
    plans = peer.plan_to(START, GOAL, 5)
    # Once more: the middleware may still have been about to connect the first status, the one of a path that isn't kept.
    peer.wait(lambda: peer.statuses, "a status")
    plans += peer.plan_to(START, (3.2, 1.0, 0.0), 5)
    checker = worlds.Checker(grid, RADIUS)
    for plan in plans:
        assert checker.collisions(grid.to_cells(plan.poses[:, :2])) == []
    paths = [s for s in peer.statuses if s.result == "SUCCEEDED"]
    assert {s.source for s in paths} <= {"fallback", "previous"}
    assert any(s.source == "fallback" for s in paths)
    for status in paths:
        assert (status.steps, status.applications, status.stop) == (0, 0, "none")
        if status.source == "fallback":
            assert status.level == "warn"


def test_without_model_and_fallback_there_is_no_path_but_a_reason(start):
    _, peer = start({"max_steps": 0, "allow_fallback": False})
    peer.publish_map(worlds.room())
    mark = peer.now()
    peer.ask(START, GOAL)
    status = peer.result("NO_VALID_PATH", mark)
    assert status.source == "none" and "fallback" in status.message
    peer.expect_no_plan(mark)


def test_the_model_alone_finds_its_way(start):
    """No fallback, and time enough for a busy machine."""
    _, peer = start({"allow_fallback": False, "deadline_ms": 500.0, "planner_frequency": 5.0})
    grid = worlds.gap()
    peer.publish_map(grid)
    plan = peer.plan_to(START, GOAL, 5)[-1]
    assert worlds.Checker(grid, RADIUS).collisions(grid.to_cells(plan.poses[:, :2])) == []
    assert {s.source for s in peer.statuses if s.result == "SUCCEEDED"} <= {"model", "previous"}
    assert any(s.source == "model" for s in peer.statuses)


def test_a_deadline_that_nothing_can_keep_is_reported_not_hidden(start):
    """Either no path, or one that is marked as late."""
    _, peer = start({"deadline_ms": 0.1})
    peer.publish_map(worlds.gap())
    mark = peer.now()
    peer.ask(START, GOAL)
    peer.wait(lambda: len(peer.statuses) >= 20, "twenty statuses")
    # Before the grid has come there is another reason.
    judged = [s for s in peer.statuses if s.stamp >= mark and s.result in ("SUCCEEDED", "TIMEOUT")]
    assert len(judged) > 5
    for status in judged:
        assert status.deadline_ms == 0.1
        assert status.missed or status.total_ms <= 0.1
        assert status.level != "ok" or not status.missed
