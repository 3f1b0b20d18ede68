"""Somebody who listens to the paths hangs. The node must not wait for him."""

import contextlib
import pathlib
import signal
import subprocess
import sys

import pytest

import limits
import worlds

FREQUENCY = 50.0
# A deadline; whoever waits for a reader waits longer.
PUBLISH_MS = 30.0


def snake() -> worlds.Map:
    """A way to and fro between 30 walls: its path is a message of about 100 kB."""
    grid = worlds.room(190, 120)
    for number, col in enumerate(range(6, 186, 6)):
        rows = slice(0, 110) if number % 2 else slice(10, 120)
        grid = worlds.with_block(grid, slice(col, col + 1), rows)
    return grid


START, NEAR, FAR = (0.175, 2.5, 0.0), (3.2, 1.5, 0.5), (9.325, 2.5, 0.0)
# Map and goal, how often the listener is stopped, and for how long. Many stops catch him with more locks in his hands.
CASES = {"short_paths": (worlds.room(), NEAR, 3, 3.0), "long_paths": (snake(), FAR, 1, 3.0),
         "many_stops": (worlds.room(), NEAR, 20, 0.3)}


@contextlib.contextmanager
def listener(peer):
    script = pathlib.Path(__file__).with_name("listener.py")
    process = subprocess.Popen([sys.executable, str(script), peer.node.get_namespace()])
    try:
        peer.wait(lambda: peer.node.count_subscribers("plan") >= 2, "the listener")
        yield process
    finally:
        # Not killed: it would leave its shared memory behind.
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.wait(20.0)


def skim_plans(peer) -> None:
    """From now on the watcher takes plans as bytes, too: long ones take rclpy long."""
    subscription = next(s for s in peer.node.subscriptions if s.topic_name.endswith("/plan"))
    peer.node.destroy_subscription(subscription)
    peer.node.create_subscription(subscription.msg_type, "plan", lambda data: None, 10, raw=True)


@pytest.mark.parametrize("name", CASES)
def test_a_stopped_listener_delays_nothing(launch, figures, name):
    _, peer = launch({"planner_frequency": FREQUENCY, "robot_radius": 0.05, "inflation_radius": 0.0})
    grid, goal, rounds, stopped = CASES[name]
    peer.publish_map(grid)
    plan = peer.plan_to(START, goal, 50)[-1]
    usual = max(s.publish_us for s in peer.statuses if s.is_plan)
    skim_plans(peer)
    with listener(peer) as process:
        peer.spin(0.5)
        mark = peer.now()
        for _ in range(limits.rounds(rounds)):
            process.send_signal(signal.SIGSTOP)
            peer.spin(stopped)
            process.send_signal(signal.SIGCONT)
            peer.spin(min(0.5, stopped / 3))
        took = peer.now() - mark
    statuses = [s for s in peer.statuses_since(mark) if s.is_plan]
    slowest = max(s.publish_us for s in statuses) / 1e3
    missed = sum(s.missed for s in statuses)
    figures(f"paths of {len(plan.poses)} poses; publish_us max {1e3 * slowest:.0f} ({usual:.0f} before), "
            f"missed: {missed}, {len(statuses)} plans of {took * FREQUENCY:.0f}")
    assert slowest <= PUBLISH_MS
    assert len(statuses) >= 0.7 * took * FREQUENCY
    assert missed <= 0.02 * len(statuses)
