"""What `make soak` judges with: flatness, and the cause of a late plan."""

import mmap
import os
import pathlib
import struct
import sys

import numpy as np
import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path += [str(TOOLS / folder) for folder in ("demo", "bench", "soak")]

import judge  # noqa: E402
import late_trace  # noqa: E402
import needs  # noqa: E402
import switches  # noqa: E402

HOUR = np.arange(0.0, 3600.0, 10.0)
IDLE = judge.ThreadTime(cpu=0.0, ready=0.0, blocked=0.0)


def late(total: float, planner=IDLE, publisher=IDLE, stolen: float = 0.0, **stages: float) -> judge.Late:
    return judge.Late(total, 1.0, 0.2, stages, planner, publisher, stolen)


def test_memory_that_grows_only_while_it_warms_up_is_flat():
    rss = 70.0 + np.minimum(HOUR, 600.0) / 100.0
    check = judge.flat_rss(HOUR, rss)
    assert check.passed is True and "limit 1.00" in check.text


@pytest.mark.parametrize("rss, slope, passed", [(70.0, 0.9, True), (70.0, 1.1, False), (300.0, 2.9, True),
                                                (300.0, 3.2, False), (70.0, -5.0, True)])
def test_memory_may_grow_by_a_megabyte_or_a_hundredth_an_hour(rss, slope, passed):
    noise = np.random.default_rng(1).normal(0.0, 0.02, len(HOUR))
    values = rss + slope * HOUR / 3600.0 + noise
    assert judge.slope_per_hour(HOUR, values) == pytest.approx(slope, abs=0.05)
    assert judge.flat_rss(HOUR, values).passed is passed


def test_a_short_run_does_not_say_whether_memory_grows():
    assert judge.flat_rss(HOUR[:60], 70.0 + HOUR[:60]).passed is None
    assert judge.flat_rss([], []).passed is None


def test_what_comes_and_goes_is_constant_and_what_adds_up_is_not():
    comes_and_goes = 40 + 2 * (np.arange(len(HOUR)) % 4 == 0)
    assert judge.constant("descriptors", HOUR, comes_and_goes).passed is True
    assert judge.constant("descriptors", HOUR, comes_and_goes + (HOUR > 3000)).passed is False
    assert judge.constant("descriptors", HOUR, comes_and_goes + 5 * (HOUR < 600)).passed is True
    assert judge.constant("descriptors", [], []).passed is None


def test_the_last_third_may_be_slower_by_half():
    assert judge.steady_latency(2.0, 3.0).passed is True
    assert judge.steady_latency(2.0, 3.1).passed is False
    assert judge.steady_latency(float("nan"), 3.1).passed is False


def test_thirds_are_of_the_time_after_warming_up():
    first, last = judge.thirds(np.arange(101.0), np.arange(101.0))
    assert (first[0], first[-1], last[0], last[-1]) == (20.0, 46.0, 74.0, 100.0)


@pytest.mark.parametrize("plan, cause", [
    (late(15.0, stolen=14.0, wake=14.0), judge.STEAL),
    # Books may count a stolen CPU as waiting for it: that isn't the scheduler's fault.
    (late(15.0, judge.ThreadTime(1.0, 14.0, 0.0), stolen=13.0, recurse=14.0), judge.STEAL),
    (late(15.0, judge.ThreadTime(1.0, 13.5, 0.5), wake=13.5), judge.READY),
    (late(15.0, publisher=judge.ThreadTime(0.2, 13.5, 0.5), publish=14.0), judge.READY),
    (late(15.0, publisher=judge.ThreadTime(0.2, 0.1, 14.0), publish=14.2), judge.PUBLISH),
    # A plan without a path has no publishing of its own, but waits for that of others.
    (late(15.0, judge.ThreadTime(9.0, 0.1, 5.9), recurse=0.8, rest=14.2), judge.PUBLISH),
    (late(15.0, judge.ThreadTime(14.5, 0.0, 0.5), recurse=14.0), judge.LONG),
    (late(15.0, judge.ThreadTime(1.0, 0.0, 14.0), recurse=14.0), judge.UNEXPLAINED),
    (late(15.0, judge.ThreadTime(5.0, 8.0, 2.0), stolen=4.0, recurse=14.0), judge.READY),
    # Nothing is half of it.
    (late(15.0, judge.ThreadTime(5.0, 5.0, 5.0), recurse=14.0), judge.UNEXPLAINED),
    (late(0.9), judge.UNEXPLAINED),
])
def test_the_cause_of_a_late_plan(plan, cause):
    assert judge.cause(plan) == cause


def test_a_ring_keeps_the_last_records_and_finds_those_of_a_time_and_their_neighbours():
    memory = mmap.mmap(-1, late_trace.Ring(None, 0, "=dd", 64).end)
    ring = late_trace.Ring(memory, 0, "=dd", 64)
    assert ring.between(0.0, 1.0) == []
    for number in range(200):
        ring.write(0.1 * number, float(number))
    seen = late_trace.Ring(memory, 0, "=dd", 64).between(17.95, 18.25)
    assert [number for _, number in seen] == [179.0, 180.0, 181.0, 182.0, 183.0]
    # All but those that the writer may be about to overwrite.
    assert [number for _, number in ring.between(0.0, 100.0)] == list(map(float, range(145, 200)))


def test_who_ran_in_a_time_by_the_records_of_the_scheduler():
    line = "  planner-12  [001] d..2. {}: sched_switch: prev_comm={} prev_pid=12 prev_prio=49 prev_state=S ==> " \
           "next_comm={} next_pid=7 next_prio=120"
    seen = [switches.parse(line.format(f"10.{ms:03}000", before, after))
            for ms, before, after in ((5, "a b", "planner"), (8, "planner", "rustc"), (9, "rustc", "planner"))]
    assert seen[0] == (10.005, 1, "a b-12", "S", "planner-7") and switches.parse("# tracer: nop") is None
    ran = switches.shares([(when, cpu, before.split("-")[0], state, after.split("-")[0])
                           for when, cpu, before, state, after in seen], 10.004, 10.011)
    assert ran == {1: {"planner": 5.0, "a b": 1.0, "rustc": 1.0}}


def test_how_long_a_thread_was_ready_and_did_not_run():
    wake = switches.parse("  x-1 [000] dN.2. 10.000000: sched_wakeup: comm=dds pid=5 prio=110 target_cpu=000")
    assert wake == (10.0, 0, "dds-5", "woken", "")
    seen = [wake, (10.002, 0, "rustc-9", "R", "dds-5"), (10.003, 0, "dds-5", "R+", "rustc-9"),
            (10.009, 0, "rustc-9", "S", "dds-5"), (10.010, 0, "dds-5", "S", "rustc-9")]
    assert switches.waits(seen, 9.0, 11.0, {"5"}) == {"dds-5": pytest.approx(8.0)}
    assert switches.waits(seen[:3], 9.0, 10.005, {"5"}) == {"dds-5": pytest.approx(4.0)}


def test_the_holder_of_a_lock_is_named_only_where_somebody_waits_for_it():
    lock = struct.pack("=4i", 2, 1, 4711, 1)
    assert late_trace.holder(b"S", b"202 0x55df 0x80 0x2", lock) == 4711
    assert late_trace.holder(b"R", b"running", lock) == late_trace.holder(b"S", b"202 0x1", b"") == 0
    assert late_trace.holder(b"S", b"202 0x55df", struct.pack("=4i", 1, 1, 4711, 1)) == 0


def test_the_needs_of_this_process():
    before = needs.sample(os.getpid())
    files = [open(__file__) for _ in range(5)]
    after = needs.sample(os.getpid())
    assert after["descriptors"] == before["descriptors"] + len(files) and after["rss_mb"] > 10
    shared = pathlib.Path(f"/dev/shm/soak_test_{os.getpid()}")
    with shared.open("wb"):
        assert needs.sample(os.getpid())["shm_files"] == before["shm_files"] + 1
    shared.unlink()
    assert sum(needs.memory_by_name(os.getpid()).values()) == pytest.approx(after["rss_mb"], rel=0.2)
