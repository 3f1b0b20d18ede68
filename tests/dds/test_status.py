"""`~/status`, one message for each plan, and `/diagnostics`."""

import collections
import math

import pytest

import worlds

STAGES = ("encode_us", "recurse_us", "decode_us", "verify_us", "smooth_us", "fallback_us", "publish_us")


@pytest.fixture
def run(peer):
    """Thirty plans and their statuses on the way through a gap, and a few without a path."""
    peer.publish_map(worlds.gap())
    peer.plan_to((1.0, 1.5, 0.0), (3.2, 1.5, 1.0), 30)
    peer.send_goal((-5.0, 0.0, 0.0))
    peer.wait(lambda: sum(s.result == "GOAL_OUTSIDE_MAP" for s in peer.statuses) >= 3, "refusals")
    return peer


def plans_of(peer):
    return [s for s in peer.statuses if s.is_plan]


def test_every_status_agrees_with_itself(run):
    for status in plans_of(run):
        assert status.message and status.header.frame_id == "map"
        assert (status.kind, status.planner_id) == ("tick", "GridBased")
        assert status.has_path == (status.source != "none")
        assert status.has_path == (status.length_m > 0.0)
        assert status.missed == (status.total_ms > status.deadline_ms)
        doubtful = status.missed or status.source == "fallback"
        assert status.level == ("error" if not status.has_path else "warn" if doubtful else "ok"), status
        assert status.deadline_ms == 30.0
        assert status.margin_ms == pytest.approx(status.deadline_ms - status.total_ms)
        assert 0 <= status.steps <= 16 and 0.0 <= status.share <= 1.0
        # A step has at least one application of the network.
        assert status.applications >= status.steps - 1
        assert status.source != "model" or status.applications > 0 or status.warm
        assert sum(getattr(status, stage) for stage in STAGES) <= 1e3 * status.total_ms + 100.0
        assert not status.inference_failed and status.inference_error == "" and not status.goal_moved
        assert status.map_messages > 0 and status.map_lag_ms >= 0.0 and status.map_suspect == ""
        # Both or none.
        assert math.isnan(status.guidance_ms) == math.isnan(status.guidance_age_ms)


def test_there_is_one_status_for_each_plan_in_order(run):
    numbers = [s.plan_id for s in plans_of(run)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    paths = [s for s in run.statuses if s.has_path]
    run.wait(lambda: len(run.plans) >= len(paths), "the last plan")
    assert len(run.plans) == len(paths)
    for status, plan in zip(paths, run.plans):
        assert status.stamp == plan.stamp
        assert status.length_m == pytest.approx(plan.length, abs=1e-6)


def test_the_model_answers_and_goes_on_from_its_last_answer(run):
    sources = collections.Counter(s.source for s in run.statuses)
    assert sources["model"] > 0, sources
    assert any(s.source == "model" and s.warm for s in run.statuses)
    # The goal is further away than the model sees.
    assert any(s.source == "model" and s.guidance == "classical" and s.guidance_ms > 0.0 for s in run.statuses)


def test_news_of_a_goal_have_no_number_and_no_times(peer):
    mark = peer.now()
    peer.send_goal((2.0, 1.0, 0.0), frame="kitchen")
    refused = peer.result("TF_ERROR", mark)
    place = (1.0, 1.0, 0.0)
    peer.ask(place, place)
    for status in (refused, peer.result("GOAL_REACHED", mark)):
        assert not status.is_plan and status.plan_id == 0 and status.length_m == 0.0
        for time in ("deadline_ms", "total_ms", "margin_ms", "guidance_ms", "guidance_age_ms", "map_lag_ms"):
            assert math.isnan(getattr(status, time)), time


def test_the_diagnostics_count_what_the_statuses_say(run):
    mark = run.now()
    run.wait(lambda: [s for t, s in run.diagnostics if t > mark and s.name == "/trm_node: planner"], "diagnostics")
    names = {status.name for _, status in run.diagnostics if status.name.startswith("/trm_node")}
    assert names == {"/trm_node: planner", "/trm_node: inputs", "/trm_node: topics", "/trm_node: threads"}
    whole = [s for t, s in run.diagnostics if t > mark and s.name == "/trm_node: planner"][0]
    values = {v.key: v.value for v in whole.values}
    sources = [int(values[key]) for key in ("model", "previous", "fallback", "none")]
    assert sum(sources) == int(values["plans"])
    assert int(values["plans"]) >= len(plans_of(run))
    assert 0 <= int(values["misses"]) <= int(values["plans"])
    percentiles = [float(values[f"latency_{name}_ms"]) for name in ("p50", "p90", "p99", "max")]
    assert percentiles == sorted(percentiles) and percentiles[0] > 0.0


def test_diagnostics_come_once_a_second_even_without_a_goal(peer):
    def beats() -> list[float]:
        return [t for t, s in peer.diagnostics if s.name == "/trm_node: planner"]
    peer.wait(lambda: len(beats()) >= 4, "four heartbeats")
    gaps = [b - a for a, b in zip(beats(), beats()[1:])]
    assert 0.5 < sorted(gaps)[len(gaps) // 2] < 2.0
