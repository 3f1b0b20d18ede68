"""Publishes a map file on `map` and waits, as Nav2's map_server does."""

import argparse
import pathlib
import sys

import numpy as np
from nav_msgs.msg import OccupancyGrid
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

import processes
from scene import raw_map

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
VALUES = np.array([0, 100, -1], np.int8)  # of raw_map.FREE, OCCUPIED, UNKNOWN


def message(grid: raw_map.Map, frame: str = "map") -> OccupancyGrid:
    """The map as ROS carries it: row-major from the origin, 0 free, 100 occupied, -1 unknown."""
    msg = OccupancyGrid()
    msg.header.frame_id = frame
    msg.info.height, msg.info.width = grid.state.shape
    msg.info.resolution = grid.resolution
    x, y, yaw = grid.origin
    msg.info.origin.position.x, msg.info.origin.position.y = x, y
    msg.info.origin.orientation.z, msg.info.origin.orientation.w = float(np.sin(yaw / 2)), float(np.cos(yaw / 2))
    msg.data.frombytes(VALUES[grid.state].tobytes())
    return msg


def publisher_of(msg: OccupancyGrid) -> Node:
    node = Node("map_publisher")
    publisher = node.create_publisher(OccupancyGrid, "map", LATCHED)
    msg.header.stamp = node.get_clock().now().to_msg()
    publisher.publish(msg)
    return node


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map", type=pathlib.Path, help="map_server's YAML file")
    grid = raw_map.load(parser.parse_args().map)
    processes.spin_until_stopped(lambda: publisher_of(message(grid)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
