"""`~/status`, one message for each plan, and `/diagnostics`."""

import collections

import pytest

import worlds

STAGES = ("encode_us", "recurse_us", "decode_us", "verify_us", "smooth_us", "fallback_us", "publish_us")
COSTS = ("page_faults", "allocations", "voluntary_switches", "involuntary_switches")
KEYS = {"map_messages", "map_stamp", "map_lag_ms", "map_suspect", "result", "source", "guidance", "stop", "steps", "applications", "share", "expansions", "warm",
        "inference_failed", "inference_error", "length_m", "goal_moved_from", "goal_moved_to", "deadline_ms", "margin_ms",
        "total_ms", *STAGES, "wake_us", *COSTS, "guidance_ms", "guidance_age_ms", "missed", "plan_id"}
OK, WARN, ERROR = 0, 1, 2


@pytest.fixture
def run(peer):
    """Thirty plans and their statuses on the way through a gap, and a few without a path."""
    peer.publish_map(worlds.gap())
    peer.plan_to((1.0, 1.5, 0.0), (3.2, 1.5, 1.0), 30)
    peer.send_goal((-5.0, 0.0, 0.0))
    peer.wait(lambda: sum(s["result"] == "GOAL_OUTSIDE_MAP" for s in peer.statuses) >= 3, "refusals")
    return peer


def plans_of(peer):
    return [s for s in peer.statuses if s.is_plan]


def test_every_status_is_complete_and_agrees_with_itself(run):
    for status in plans_of(run):
        values = status.values
        assert set(values) == KEYS, values
        assert status.name == "/trm_node: plan"
        assert status.message
        assert values["source"] in ("model", "previous", "fallback", "none")
        assert values["guidance"] in ("none", "classical", "model")
        assert values["stop"] in ("verified", "settled", "confident", "step_limit", "deadline", "cancelled", "none")
        assert values["warm"] in ("true", "false") and values["missed"] in ("true", "false")
        has_path = values["result"] == "SUCCEEDED"
        assert has_path == (values["source"] != "none")
        assert has_path == (status.number("length_m") > 0.0)
        late = status.number("total_ms") > status.number("deadline_ms")
        assert (values["missed"] == "true") == late
        expected = ERROR if not has_path else WARN if late or values["source"] == "fallback" else OK
        assert status.level == expected, status
        assert status.number("deadline_ms") == 30.0
        assert 0 <= status.number("steps") <= 16
        # A step has at least one application of the network.
        assert status.number("applications") >= status.number("steps") - 1
        assert values["source"] != "model" or status.number("applications") > 0 or values["warm"] == "true"
        assert min(int(values[key]) for key in (*COSTS, "wake_us")) >= 0
        stages = [status.number(stage) for stage in STAGES]
        assert min(stages) >= 0.0
        assert sum(stages) <= 1e3 * status.number("total_ms") + 100.0
        # The margin is what is left when the planner returns, before publishing.
        assert status.number("margin_ms") >= status.number("deadline_ms") - status.number("total_ms") - 0.1


def test_there_is_one_status_for_each_plan_in_order(run):
    numbers = [int(s["plan_id"]) for s in plans_of(run)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    paths = [s for s in run.statuses if s["result"] == "SUCCEEDED"]
    run.wait(lambda: len(run.plans) >= len(paths), "the last plan")
    assert len(run.plans) == len(paths)
    for status, plan in zip(paths, run.plans):
        assert status.stamp == plan.stamp
        assert status.number("length_m") == pytest.approx(plan.length, abs=2e-3)


def test_the_model_answers_and_goes_on_from_its_last_answer(run):
    sources = collections.Counter(s["source"] for s in run.statuses)
    assert sources["model"] > 0, sources
    assert any(s["source"] == "model" and s["warm"] == "true" for s in run.statuses)
    # The goal is further away than the model sees.
    assert any(s["source"] == "model" and s["guidance"] == "classical" for s in run.statuses)


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
