"""The planner thread as a real-time thread: what it is granted, and that its loop costs nothing that could wait.

For programs as robots run them: `make test-realtime` builds the release and runs these.
"""

import ctypes
import os
import pathlib
import resource
import sys

import numpy as np
import pytest

import worlds
from process import BINARY, NodeProcess

START, GOAL = (1.0, 1.0, 0.0), (5.2, 1.5, 0.5)
COSTS = ("page_faults", "allocations")

pytestmark = pytest.mark.skipif("debug" in BINARY.parts, reason="of the release: make test-realtime")

LIBC = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, CAP_SYS_NICE, CAP_IPC_LOCK = 24, 23, 14


def capable(capability: int) -> bool:
    line = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> capability & 1)


needs_priority = pytest.mark.skipif(
    not capable(CAP_SYS_NICE) and resource.getrlimit(resource.RLIMIT_RTPRIO)[0] < 50,
    reason="this user may have no real-time priority")
needs_memory = pytest.mark.skipif(
    not capable(CAP_IPC_LOCK) and resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY,
    reason="this user may not lock memory")


def planner(peer, mark: float | None = None) -> dict[str, str]:
    """What /diagnostics says of the planner, after this time."""
    mark = peer.now() if mark is None else mark
    name = f"{peer.planner}: planner"
    found = peer.wait(lambda: [s for t, s in peer.diagnostics if t > mark and s.name == name], "diagnostics")
    return {value.key: value.value for value in found[-1].values}


def task(node: NodeProcess, name: str) -> pathlib.Path:
    """The folder of a thread in /proc."""
    tasks = pathlib.Path(f"/proc/{node.process.pid}/task").iterdir()
    return next(task for task in tasks if (task / "comm").read_text().strip() == name)


def senders(node: NodeProcess) -> list[str]:
    """The names of the threads that send by the same DDS participant as the publisher thread."""
    names = {(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{node.process.pid}/task").iterdir()}
    found = sorted(name for name in names if name.startswith(("tokio-rt-worker", "dds.asyn", "dds.ev")))
    assert len(found) >= 2, names
    return found


def scheduling(node: NodeProcess, name: str) -> tuple[int, int]:
    """A thread's policy and real-time priority."""
    tid = int(task(node, name).name)
    return os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority


def locked_kb(node: NodeProcess) -> int:
    lines = pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmLck")).split()[1])


class Journey:
    """A robot that follows its plans to and fro between two goals, and a block that comes and goes in its way."""

    def __init__(self, peer):
        self.peer, self.goals, self.seen, self.steps = peer, [GOAL, (1.2, 1.3, -2.0)], 0, 0
        self.grid = worlds.with_block(worlds.gap(120, 60), slice(30, 34), slice(20, 40))
        self.timer = peer.node.create_timer(0.02, self.step)
        peer.publish_map(self.grid)
        peer.ask(START, GOAL)

    def step(self):
        peer, self.steps = self.peer, self.steps + 1
        # Slowly enough to be on the way until the next goal.
        if len(peer.plans) > self.seen + 1:
            self.seen = len(peer.plans)
            poses = peer.plans[-1].poses
            peer.pose = tuple(poses[min(1, len(poses) - 1)])
        if self.steps % 150 == 0:
            self.goals.reverse()
            peer.send_goal(self.goals[0])
        if self.steps % 10 == 0:
            values = np.full((6, 6), 100 if self.steps % 20 else 0, np.int8)
            peer.map_updates.publish(worlds.update_message(90, 40, values, peer.stamp()))
        if self.steps % 97 == 0:
            peer.publish_map(self.grid)

    def end(self):
        self.peer.node.destroy_timer(self.timer)


def plans_of(peer):
    return [s for s in peer.statuses if s.is_plan]


@pytest.mark.parametrize("parameters", [{}, {"max_steps": 0}, {"lock_memory": True, "window_size": 64},
                                        {"publish_steps": True}, {"record_plans": True}],
                         ids=["model", "classical", "locked", "shown", "recorded"])
def test_the_loop_causes_no_page_fault_and_allocates_nothing_after_the_first_plans(start, parameters):
    """At 50 Hz, with a moving robot, goals, patches and whole grids; between the plans as well."""
    _, peer = start({"planner_frequency": 50.0, "deadline_ms": 100.0, **parameters})
    journey = Journey(peer)
    # Both goals, both states of the block, and each way to plan have been seen by then.
    peer.wait(lambda: len(plans_of(peer)) >= 400, "the first plans", patience=120.0)
    before = planner(peer)
    count = len(plans_of(peer))
    peer.wait(lambda: len(plans_of(peer)) >= count + 400, "400 more plans", patience=120.0)
    after = planner(peer)
    journey.end()
    plans = plans_of(peer)[count:]
    assert sum(s.result == "SUCCEEDED" for s in plans) > 300, plans[-1]
    costly = [s for s in plans if any(getattr(s, key) != 0 for key in COSTS)]
    assert not costly, f"{len(costly)} of {len(plans)} plans, the first: {costly[0]}"
    for key in COSTS:
        assert after[key] == before[key], f"{key} between the plans"
    assert int(after["plans"]) >= int(before["plans"]) + 400
    assert (after["unpublished"], after["lost"]) == ("0", "0")


def test_a_tick_is_woken_after_its_time_and_an_event_has_none(start):
    _, peer = start({"planner_frequency": 50.0})
    peer.publish_map(worlds.room())
    peer.plan_to(START, (3.0, 2.0, 0.5), 50)
    plans = plans_of(peer)
    # Later than a period it is the next tick that counts.
    assert all(0 <= s.wake_us <= 20_000 for s in plans)
    # The first one was asked for by the goal, or by the grid.
    assert plans[0].wake_us == 0
    assert sum(s.wake_us > 0 for s in plans) > 25
    assert all(s.wake_us <= 1e3 * s.total_ms + 1 for s in plans)


@needs_priority
def test_the_priority_is_that_of_the_parameter_and_publishing_is_a_little_below(start):
    node, peer = start({"thread_priority": 30})
    assert planner(peer)["scheduling"] == "SCHED_FIFO" and planner(peer)["priority"] == "30"
    assert scheduling(node, "planner") == (os.SCHED_FIFO, 30)
    assert scheduling(node, "publisher") == (os.SCHED_FIFO, 29)
    for name in ("world", "guidance"):
        assert scheduling(node, name) == (os.SCHED_OTHER, 0)
    # They hold locks that the publisher needs.
    for name in senders(node):
        assert scheduling(node, name) == (os.SCHED_FIFO, 1), name


def test_without_a_priority_the_threads_are_ordinary_ones(start):
    node, peer = start({"thread_priority": 0})
    assert planner(peer)["scheduling"] == "SCHED_OTHER" and planner(peer)["priority"] == "0"
    for name in ["planner", "publisher", *senders(node)]:
        assert scheduling(node, name) == (os.SCHED_OTHER, 0)
    assert "thread_priority" not in node.log


def test_the_planner_stays_on_the_cpu_of_the_parameter(start):
    cpu = max(os.sched_getaffinity(0))
    node, peer = start({"cpu_affinity": cpu})
    assert planner(peer)["affinity"] == f"CPU {cpu}"
    assert os.sched_getaffinity(int(task(node, "planner").name)) == {cpu}
    assert os.sched_getaffinity(int(task(node, "world").name)) == os.sched_getaffinity(0)
    peer.publish_map(worlds.room())
    peer.plan_to(START, (3.0, 2.0, 0.5), 5)


def test_a_cpu_that_is_not_there_is_a_warning(start):
    node, peer = start({"cpu_affinity": 1000})
    assert "cpu_affinity: CPU 1000 refused" in node.log and "taskset" in node.log
    assert "CPU 1000 refused" in planner(peer)["affinity"]
    peer.publish_map(worlds.room())
    peer.plan_to(START, (3.0, 2.0, 0.5))


@pytest.mark.skipif(not os.access("/dev/cpu_dma_latency", os.R_OK | os.W_OK), reason="no /dev/cpu_dma_latency here")
def test_idle_cpus_are_held_awake_while_the_node_runs(start):
    device = pathlib.Path("/dev/cpu_dma_latency")
    before = int.from_bytes(device.read_bytes(), sys.byteorder, signed=True)
    node, peer = start({"cpu_dma_latency_us": 20})
    assert planner(peer)["cpu_latency"] == "held"
    assert int.from_bytes(device.read_bytes(), sys.byteorder, signed=True) == min(before, 20)
    assert node.stop() == 0
    assert int.from_bytes(device.read_bytes(), sys.byteorder, signed=True) == before


@needs_memory
def test_memory_is_locked_and_only_what_is_used_is_real(start):
    node, peer = start({"lock_memory": True})
    assert planner(peer)["memory"] == "locked"
    # All of the process's addresses, stacks and arenas included.
    assert locked_kb(node) > 100_000
    peer.publish_map(worlds.room())
    peer.plan_to(START, (3.0, 2.0, 0.5), 5)
    lines = pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines()
    assert int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) < 150_000
    assert "lock_memory" not in node.log


def test_memory_is_not_locked_unasked(start):
    node, peer = start()
    assert locked_kb(node) == 0
    assert planner(peer)["memory"].startswith("not locked")


def without_rights() -> None:
    """In the new process, before the node: what an ordinary user has."""
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
    # For root: without these in the bounding set, no program that is started has them.
    for capability in (CAP_SYS_NICE, CAP_IPC_LOCK):
        if capable(capability):
            assert LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def test_refusals_are_warnings_with_hints_and_planning_goes_on(start, monkeypatch):
    import process
    popen = process.subprocess.Popen
    monkeypatch.setattr(process.subprocess, "Popen",
                        lambda *args, **options: popen(*args, preexec_fn=without_rights, **options))
    node, peer = start({"lock_memory": True})
    monkeypatch.undo()
    values = planner(peer)
    assert (values["scheduling"], values["priority"]) == ("SCHED_OTHER", "0")
    assert values["memory"] == "not locked: RLIMIT_MEMLOCK is 8192 kB"
    for text in ("thread_priority: SCHED_FIFO 50 refused (", "limits.conf", "group realtime", "--ulimit rtprio=98",
                 "RLIMIT_RTTIME", "kernel.sched_rt_runtime_us",
                 "lock_memory: memory stays unlocked (RLIMIT_MEMLOCK", "memlock unlimited"):
        assert text in node.log, text
    assert node.log.count("WARN") - node.log.count("no path") == 2, "once each"
    assert scheduling(node, "planner") == (os.SCHED_OTHER, 0)
    assert locked_kb(node) == 0
    peer.publish_map(worlds.room())
    peer.plan_to(START, (3.0, 2.0, 0.5), 20)
