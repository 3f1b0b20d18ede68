"""The judge sees what it has to see: each fault is made, and found; what is none isn't told."""

import dataclasses

import numpy as np
import pytest
from trm_msgs.msg import PlanStatus

import worlds
from costmap import VALUES
from judge import LAG, Judge
from plan_status import CONSTANTS, Status
from published import Published, leads
from sides import encloses_an_obstacle, rest

PARAMETERS = {"robot_radius": 0.3, "inflation_radius": 0.8, "cost_scaling_factor": 4.0, "cost_travel_multiplier": 2.0}
RADIUS, ROBOT_RADIUS, PERIOD, TOLERANCE = 0.3, 0.22, 0.05, 0.5
NOBODY = np.empty((0, 2))
FAR = (1.0, 1.0)  # gaps
START, GOAL = np.array([1.0, 2.0]), np.array([6.0, 2.0])


def line(*points) -> np.ndarray:
    return np.concatenate([np.linspace(a, b, 20) for a, b in zip(points, points[1:])])


STRAIGHT = line(START, GOAL)
ABOVE = line(START, (3.5, 3.2), GOAL)
BELOW = line(START, (3.5, 0.8), GOAL)
BLOCK = slice(65, 75), slice(36, 44)  # columns and rows, on the straight way


@pytest.fixture
def published():
    """A room of 7 m x 4 m."""
    published = Published(worlds.room(140, 80), PARAMETERS)
    published.update(100.0, 0, 0, VALUES[published.grid.state])
    return published


@pytest.fixture
def judge(published):
    judge = Judge(published, PERIOD, ROBOT_RADIUS, TOLERANCE)
    judge.stepped(0.02, START, 0.0, 0.0, FAR, NOBODY)
    judge.sent_goal(101.0, GOAL)
    return judge


def close(subject, when: float, cols: slice, rows: slice, value: int = 100) -> None:
    values = np.full((rows.stop - rows.start, cols.stop - cols.start), value, np.int8)
    update = subject.update if isinstance(subject, Published) else subject.published_rectangle
    update(when, cols.start, rows.start, values)


def status(stamp: float, result: str = "SUCCEEDED", source: str = "model") -> Status:
    msg = PlanStatus(plan_id=1, result=CONSTANTS[result], source=CONSTANTS[f"SOURCE_{source.upper()}"], total_ms=5.0)
    msg.header.stamp.sec, msg.header.stamp.nanosec = int(stamp), round(stamp % 1.0 * 1e9)
    return Status(msg)


def test_a_path_that_crosses_is_told_with_the_age_of_the_news(published):
    assert published.crossed_since(STRAIGHT) == np.inf
    close(published, 200.0, *BLOCK)
    close(published, 201.0, *BLOCK)
    assert published.crossed_since(STRAIGHT) == 200.0
    assert published.crossed_since(ABOVE) == np.inf
    close(published, 202.0, *BLOCK, value=0)
    assert published.crossed_since(STRAIGHT) == np.inf


def test_a_path_too_near_is_blocked_but_a_robot_may_depart(published):
    assert not published.blocks(STRAIGHT)
    close(published, 200.0, slice(65, 75), slice(44, 48))  # its centres begin 0.225 m beside the way
    assert published.crossed_since(STRAIGHT) == np.inf and published.blocks(STRAIGHT)
    close(published, 201.0, slice(65, 75), slice(44, 48), value=0)
    close(published, 202.0, slice(14, 16), slice(36, 44))  # behind the robot
    assert not published.blocks(STRAIGHT)
    close(published, 203.0, slice(100, 101), slice(40, 41), value=-1)
    assert published.blocks(STRAIGHT), "unknown cells may not be crossed"


def test_travel_costs_are_those_of_the_inflation_layer(published):
    assert published.travel_cost(STRAIGHT) == pytest.approx(5.0)
    close(published, 200.0, slice(20, 121), slice(50, 51))  # its centres are 0.525 m beside the way
    weight = 1.0 + 2.0 * np.exp(-4.0 * (0.525 - 0.3))
    assert published.travel_cost(STRAIGHT) == pytest.approx(5.0 * weight, rel=0.01)


def test_whether_there_is_a_way(published):
    assert leads(published.grid, published.free, START, GOAL, TOLERANCE)
    close(published, 200.0, slice(70, 72), slice(1, 79))
    assert not leads(published.grid, published.free, START, GOAL, TOLERANCE)
    close(published, 201.0, slice(70, 72), slice(50, 70), value=0)
    assert leads(published.grid, published.free, START, GOAL, TOLERANCE)


def test_what_is_free_is_kept_up_with_each_rectangle(published):
    rng = np.random.default_rng(1)
    for step in range(30):
        col, row, width, height = (int(v) for v in rng.integers(1, (130, 70, 12, 12)))
        values = np.where(rng.random((min(height, 80 - row), min(width, 140 - col))) < 0.1, 100, 0)
        published.update(200.0 + step, col, row, values.astype(np.int8))
        whole = dataclasses.replace(published.grid, state=published.state)
        assert (published.free == worlds.inflate(whole, RADIUS)).all()


def test_paths_on_both_sides_of_an_obstacle_enclose_it(published):
    assert not encloses_an_obstacle(ABOVE, BELOW, published), "there is nothing between them"
    close(published, 200.0, *BLOCK)
    assert encloses_an_obstacle(ABOVE, BELOW, published)
    assert not encloses_an_obstacle(ABOVE, line(START, (3.5, 3.4), GOAL), published)
    assert not encloses_an_obstacle(STRAIGHT, BELOW, published), "the straight one ran into it"
    # Those that part behind it, too.
    assert not encloses_an_obstacle(ABOVE, line(START, (3.5, 3.2), (5.0, 2.2), GOAL), published)


def test_an_obstacle_joined_to_the_wall_is_passed_on_one_side_only(published):
    close(published, 200.0, slice(68, 72), slice(1, 50))
    assert not encloses_an_obstacle(ABOVE, line(START, (3.5, 3.4), GOAL), published)


def test_the_rest_of_a_path_begins_at_the_robot():
    left = rest(STRAIGHT, np.array([3.0, 2.1]))
    assert left[0] == pytest.approx((3.0, 2.0), abs=0.03) and left[-1] == pytest.approx(GOAL)


def test_a_change_of_sides_is_forced_or_not(judge):
    close(judge, 101.0, *BLOCK)
    judge.heard_plan(101.1, ABOVE)
    judge.heard_plan(101.2, ABOVE)
    assert not judge.sides
    judge.heard_plan(101.3, BELOW)
    assert [change.forced for change in judge.sides] == [False]
    assert judge.sides[0].before == pytest.approx(judge.sides[0].after, abs=0.1), "both ways cost the same"
    close(judge, 101.4, slice(65, 75), slice(8, 20))  # on the lower way
    judge.heard_plan(101.5, ABOVE)
    assert [change.forced for change in judge.sides] == [False, True]


def test_another_goal_is_no_change_of_sides(judge):
    close(judge, 101.0, *BLOCK)
    judge.heard_plan(101.1, ABOVE)
    judge.sent_goal(101.2, GOAL)
    judge.heard_plan(101.3, BELOW)
    assert not judge.sides


def test_a_plan_across_old_news_is_told_and_one_across_fresh_news_is_not(judge):
    close(judge, 102.0, *BLOCK)
    judge.heard_plan(102.0 + LAG / 2, STRAIGHT)
    assert judge.crossing_plans == 0
    judge.heard_plan(102.0 + 2 * LAG, STRAIGHT)
    assert judge.crossing_plans == 1
    assert judge.oldest_news == pytest.approx(2 * LAG)


@pytest.mark.parametrize("gaps, speed, crosses, with_what, by_plan", [
    ((0.0, 1.0), 0.3, True, "wall", True), ((-0.01, 1.0), 0.3, False, "wall", False),
    ((1.0, -0.01), 0.0, True, "person", False)])
def test_a_collision_is_told_once_with_its_cause(judge, gaps, speed, crosses, with_what, by_plan):
    close(judge, 101.0, *BLOCK)
    judge.heard_plan(103.0, STRAIGHT if crosses else ABOVE)
    for _ in range(3):
        judge.stepped(0.02, START, speed, 0.0, gaps, NOBODY)
    assert [(c.with_what, c.by_plan) for c in judge.collisions] == [(with_what, by_plan)]


def stand(judge, seconds: float, crowd=NOBODY) -> None:
    for _ in range(round(seconds / 0.02)):
        judge.stepped(0.02, START, 0.0, 0.0, FAR, crowd)


def test_stops_without_a_reason_are_told_with_what_was_waited_for(judge):
    stand(judge, 0.2)
    judge.heard_plan(101.2, STRAIGHT)
    judge.stepped(0.02, START, 0.5, 0.0, FAR, NOBODY)
    stand(judge, 0.3)
    judge.stepped(0.02, START, 0.0, 0.5, FAR, NOBODY)  # turning on the spot is no stop
    stand(judge, 0.04)
    judge.heard_status(status(101.5, "TIMEOUT", "none"))
    judge.stepped(0.02, START, 0.5, 0.0, FAR, NOBODY)
    stand(judge, 0.1)
    judge.sent_goal(102.0, None)
    stops = [(stop.waited_for, round(stop.seconds, 2), stop.has_way) for stop in judge.stops]
    assert stops == [("first plan", 0.2, True), ("robot", 0.3, True), ("plan", 0.1, True)]
    assert judge.without_plan == pytest.approx(0.02)


def test_a_person_in_the_way_is_a_reason_and_one_behind_is_none(judge):
    judge.heard_plan(101.1, STRAIGHT)
    stand(judge, 0.2, np.array([START + (1.2, 0.2)]))
    assert not judge.stops and judge._standing == 0.0
    stand(judge, 0.2, np.array([START - (1.5, 0.0)]))
    judge.sent_goal(102.0, None)
    assert len(judge.stops) == 1


def test_where_there_is_no_way_a_stop_is_told_apart(judge):
    close(judge, 101.0, slice(70, 72), slice(1, 79))
    judge.heard_status(status(101.1, "NO_VALID_PATH", "none"))
    stand(judge, 1.0)
    judge.sent_goal(103.0, None)
    assert [stop.has_way for stop in judge.stops] == [False]


def test_how_long_a_new_plan_took_after_the_way_was_blocked(judge):
    judge.heard_plan(101.1, STRAIGHT)
    close(judge, 102.0, *BLOCK)
    judge.heard_plan(102.01, STRAIGHT)  # it didn't know yet
    judge.heard_plan(102.03, ABOVE)
    assert judge.replanned == [pytest.approx(0.03)]
    close(judge, 103.0, slice(65, 75), slice(40, 79))
    judge.heard_status(status(103.02, "NO_VALID_PATH", "none"))
    judge.heard_plan(103.5, BELOW)
    assert judge.told == [pytest.approx(0.02)] and len(judge.replanned) == 1


def test_what_the_robot_has_passed_does_not_block_its_way(judge):
    judge.heard_plan(101.1, STRAIGHT)
    judge.stepped(0.02, np.array([5.0, 2.0]), 0.5, 0.0, FAR, NOBODY)
    close(judge, 102.0, *BLOCK)
    assert judge.valid and judge.blocked_since is None
