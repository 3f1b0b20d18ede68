"""Many publishers of static transforms, and many transforms that are none of the node's business."""

import contextlib
import time

import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from tf2_msgs.msg import TFMessage

import limits
import worlds
from conftest import launched
from peer import LATCHED
from watcher import rss_mb, static_transform

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
FOREIGN, EACH = 40_000, 100
GROWTH_MB = 4.0
# Within which all of a robot's static transforms must have come.
PATIENCE = 5.0


@contextlib.contextmanager
def static_publishers(context, namespace: str, count: int):
    """A chain of so many links from the map to the robot, each by a node of its own."""
    frames = ["map", *(f"link{number}" for number in range(1, count)), "base_link"]
    nodes = [rclpy.create_node(f"static{number}", namespace=namespace, context=context) for number in range(count)]
    publishers = [node.create_publisher(TFMessage, "tf_static", LATCHED) for node in nodes]
    for node, publisher, parent, child in zip(nodes, publishers, frames, frames[1:]):
        pose = (START[0] / count, START[1] / count, 0.0)
        publisher.publish(static_transform(parent, child, pose, node.get_clock().now().to_msg()))
    yield
    for node in nodes:
        node.destroy_node()


def planned(peer) -> bool:
    end = time.monotonic() + PATIENCE
    while not peer.plans and time.monotonic() < end:
        peer.spin(0.05)
    return bool(peer.plans)


@pytest.mark.parametrize("count", [16, 64])
def test_all_static_transforms_come(context, tmp_path_factory, figures, count):
    """Those of publishers that were there before the node. The whole chain must be known for a plan."""
    starts, failed = limits.rounds(5), []
    namespace = f"/statics{count}"
    with static_publishers(context, namespace, count):
        for _ in range(starts):
            with launched(context, tmp_path_factory.mktemp("node"), None, namespace) as (_, peer):
                peer.publish_map(worlds.room())
                peer.send_goal(GOAL)
                if not planned(peer):
                    failed.append(peer.statuses[-1].message if peer.statuses else "no status")
    figures(f"{len(failed)} of {starts} starts lost a static transform")
    assert not failed, failed[0]


def foreign(first: int, stamp) -> TFMessage:
    """Transforms between frames of somebody else."""
    links = []
    for number in range(first, first + EACH):
        link = TransformStamped(child_frame_id=f"somebody_else/frame_{number:06}")
        link.header.frame_id, link.header.stamp = f"somebody_else/base_{number % 100}", stamp
        link.transform.rotation = worlds.quaternion(0.0)
        links.append(link)
    return TFMessage(transforms=links)


def test_foreign_frames_cost_no_memory(launch, figures):
    node, peer = launch()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 40)
    before = rss_mb(node)
    for first in range(0, FOREIGN, EACH):
        peer.tf.publish(foreign(first, peer.stamp()))
        peer.spin(0.005)
    mark = peer.now()
    peer.plans_after(mark, lambda p: p.starts_near(START), 20)
    growth = rss_mb(node) - before
    figures(f"RSS grew by {growth:.1f} MB from {before:.1f} MB with {FOREIGN} foreign frames")
    assert growth <= GROWTH_MB
