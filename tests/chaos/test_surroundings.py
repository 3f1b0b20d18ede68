"""A process's surroundings that are less than usual: no home, nowhere to write, a name that is taken."""

import os
import time

import pytest

import process
import worlds
from process import NodeProcess

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)


def no_home(options: dict) -> None:
    options["env"] = {name: value for name, value in os.environ.items() if not name.startswith("ROS_LOG")}
    options["env"] |= {"HOME": "/proc/nobody/home", "ROS_HOME": "/proc/nobody/ros"}


def full_stderr(options: dict) -> None:
    options["stderr"] = os.open("/dev/full", os.O_WRONLY)


def full_stdout_and_stderr(options: dict) -> None:
    options["stdout"] = options["stderr"] = os.open("/dev/full", os.O_WRONLY)


def closed_stdout(options: dict) -> None:
    options["preexec_fn"] = lambda: os.close(1)


def closed_stdout_and_stderr(options: dict) -> None:
    options["preexec_fn"] = lambda: os.closerange(1, 3)


SURROUNDINGS = [no_home, full_stderr, full_stdout_and_stderr, closed_stdout, closed_stdout_and_stderr]


@pytest.mark.parametrize("change", SURROUNDINGS, ids=lambda change: change.__name__)
def test_the_node_starts_and_plans(launch, monkeypatch, change):
    popen = process.subprocess.Popen

    def changed(*args, **options):
        change(options)
        return popen(*args, **options)
    monkeypatch.setattr(process.subprocess, "Popen", changed)
    try:
        _, peer = launch()
    finally:
        monkeypatch.undo()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 5)
    # Something to say: a warning each.
    for frame in ("nowhere", "elsewhere"):
        peer.send_goal(GOAL, frame)
        peer.spin(0.7)
    peer.plan_to(START, (3.0, 2.4, 0.0), 3)


def warns_of_a_name(node: NodeProcess) -> bool:
    return any("WARN" in line and "name" in line for line in node.log.splitlines())


def test_a_second_node_of_the_same_name_is_told(launch, figures):
    one, peer = launch({}, "/twins")
    two, _ = launch({}, "/twins")
    begin = time.monotonic()
    while time.monotonic() < begin + 5.0 and not any(map(warns_of_a_name, (one, two))):
        peer.spin(0.1)
    told = any(map(warns_of_a_name, (one, two)))
    figures(f"told after {time.monotonic() - begin:.1f} s" if told else "not told within 5 s")
    assert told
