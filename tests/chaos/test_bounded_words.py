"""However long or many the bad messages are, what the node says of them stays short."""

import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from trm_msgs.msg import PlannerState, PlanStatus

import limits
import worlds
from peer import LATCHED
from watcher import static_transform

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
NAME = "x" * 10_000_000
RATE = 2000


class Words:
    """The lengths of all that the node says."""

    def __init__(self, node, peer):
        self.node = node
        kinds = {f"{peer.planner}/status": PlanStatus, f"{peer.planner}/state": PlannerState,
                 "/diagnostics": DiagnosticArray}
        self.lengths = {topic: [] for topic in kinds}
        for topic, kind in kinds.items():
            qos = LATCHED if kind is PlannerState else 100
            hear = lambda data, to=self.lengths[topic]: to.append(len(data))  # noqa: E731
            peer.node.create_subscription(kind, topic, hear, qos, raw=True)
        self.log = len(node.log)

    def check(self, figures) -> None:
        grown = len(self.node.log) - self.log
        longest = {topic: max(lengths, default=0) for topic, lengths in self.lengths.items()}
        figures(f"the log grew by {grown / 1024:.1f} kB; longest messages, in bytes: "
                + ", ".join(f"{topic} {length}" for topic, length in longest.items()))
        assert min(longest.values()) > 0
        assert grown <= limits.WORDS and max(longest.values()) < limits.WORDS


@pytest.fixture
def planning(launch):
    """A node that plans, with its pose from odometry, and what it says."""
    node, peer = launch({"start_source": "odom"})
    peer.pose_on = "odom"
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 3)
    return node, peer, Words(node, peer)


def expect_plans(peer) -> None:
    """It still plans, and to a new goal."""
    peer.plan_to(START, (3.0, 2.4, 0.0), 3)


def bad_goal(peer, frame: str) -> None:
    peer.send_goal(GOAL, frame)


def bad_grid(peer, frame: str) -> None:
    peer.map.publish(worlds.grid_message(worlds.two_rooms(), peer.stamp(), frame))


def bad_update(peer, frame: str) -> None:
    peer.map_updates.publish(worlds.update_message(10, 10, np.full((1, 1), 100), peer.stamp(), frame))


def bad_transform(peer, frame: str) -> None:
    peer.tf.publish(static_transform(frame, "", (0.0, 0.0, 0.0), peer.stamp()))


def bad_child(peer, frame: str) -> None:
    peer.tf.publish(static_transform("map", frame, (float("nan"), 0.0, 0.0), peer.stamp()))


def bad_odometry(peer, frame: str) -> None:
    msg = Odometry()
    msg.header.frame_id, msg.header.stamp, msg.child_frame_id = frame, peer.stamp(), frame
    peer.odom.publish(msg)


KINDS = [bad_goal, bad_grid, bad_update, bad_transform, bad_child, bad_odometry]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_frame_of_ten_megabytes(planning, figures, kind):
    _, peer, words = planning
    # Good odometry would take the place of bad one before the node has taken that.
    peer.pose = None
    for number in range(2):
        kind(peer, f"{number}{NAME}")
        peer.spin(0.6)
    expect_plans(peer)
    peer.spin(1.1)
    words.check(figures)


def test_thousands_of_different_bad_messages(planning, figures):
    _, peer, words = planning
    begin, count = time.monotonic(), 0
    duration = limits.seconds(5.0)
    while (now := time.monotonic()) < begin + duration:
        for _ in range(10):
            KINDS[count % len(KINDS)](peer, f"frame_{count}")
            count += 1
        peer.spin(max(0.0005, begin + count / RATE - now))
    figures(f"{count / (time.monotonic() - begin):.0f} bad messages a second")
    expect_plans(peer)
    peer.spin(1.1)
    words.check(figures)
