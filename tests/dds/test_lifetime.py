"""Start and a clean end."""

import os
import pathlib
import signal
import time

import pytest

import worlds
from process import NodeProcess

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)


def mapped(pid: int) -> set[str]:
    """Fast DDS's files in shared memory that a process uses."""
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line.split("/dev/shm/")[1].split(" ")[0] for line in lines if "/dev/shm/" in line and "fastrtps" in line}


def left_behind(files: set[str]) -> set[str]:
    """Those that still exist though no other process in the domain uses them: this one, and nodes that other tests share.

    A port's semaphore lives as long as the port, without being mapped all the time.
    """
    pids = [os.getpid(), *(node.process.pid for node in NodeProcess.alive if node.is_running)]
    used = set().union(*map(mapped, pids))
    gone_with = {name: name.removeprefix("sem.").removesuffix("_mutex") for name in files}
    return {name for name in files if gone_with[name] not in used and pathlib.Path("/dev/shm", name).exists()}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_a_signal_ends_the_node_cleanly_while_it_plans(start, how):
    # What was there before is others', and stays.
    before = {file.name for file in pathlib.Path("/dev/shm").glob("*fastrtps*")}
    node, peer = start()
    peer.publish_map(worlds.gap())
    peer.plan_to(START, GOAL, 3)
    files = mapped(node.process.pid) - before
    is_fast_dds = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") == "rmw_fastrtps_cpp"
    assert bool(files) == is_fast_dds
    assert node.stop(how) == 0, node.log
    peer.wait(lambda: not left_behind(files), "the end of the node's shared memory", patience=5.0)
    assert "panicked" not in node.log


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 0.6])
def test_a_signal_during_the_start_ends_the_node_too(context, tmp_path, delay):
    """By the signal itself, as long as the node has nothing to clean up."""
    before = set(pathlib.Path("/dev/shm").glob("*fastrtps*"))
    node = NodeProcess(tmp_path)
    time.sleep(delay)
    assert node.stop(signal.SIGTERM) in (0, -signal.SIGTERM), node.log
    assert "panicked" not in node.log
    new = set(pathlib.Path("/dev/shm").glob("*fastrtps*")) - before
    assert not left_behind({file.name for file in new})


def test_two_nodes_live_side_by_side(start):
    _, one = start()
    _, two = start()
    grid = worlds.room()
    goals = (3.2, 1.5, 0.5), (0.8, 2.4, 0.0)
    for peer, goal in zip((one, two), goals):
        peer.publish_map(grid)
        peer.ask(START, goal)
    for peer, goal in zip((one, two), goals):
        peer.plans_after(0.0, lambda p: p.ends_at(goal))
        assert all(p.ends_at(goal) for p in peer.plans)


def test_the_map_server_may_go_and_come_back(context, start):
    from peer import Peer
    node, peer = start()
    server = Peer(context, node.namespace)
    server.publish_map(worlds.room())
    peer.plan_to(START, GOAL)
    server.close()
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL), 5)
    server = Peer(context, node.namespace)
    server.publish_map(worlds.two_rooms())
    mark = peer.now()
    peer.result("NO_VALID_PATH", mark)
    server.close()
