"""What `make bench` measures with: its reading of messages, its obstacles, its view of a process."""

import math
import os
import pathlib
import sys

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from rclpy.serialization import serialize_message
from trm_msgs.msg import PlanStatus

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path += [str(TOOLS / "demo"), str(TOOLS / "bench")]

import movers  # noqa: E402
import path_bytes  # noqa: E402
import raw_map  # noqa: E402
import usage  # noqa: E402
from plan_status import Status  # noqa: E402
from recorder import tick  # noqa: E402


@pytest.mark.parametrize("frame", ["map", "m", "odom_frame", ""])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_path_read_from_its_bytes_is_the_path_that_was_sent(frame, count):
    msg = Path()
    msg.header.frame_id, msg.header.stamp.sec, msg.header.stamp.nanosec = frame, 12, 500_000_000
    for i in range(count):
        pose = PoseStamped()
        pose.header.frame_id = frame
        pose.pose.position.x, pose.pose.position.y = i + 0.5, -2.0 * i
        pose.pose.orientation.z, pose.pose.orientation.w = math.sin(0.2 * i), math.cos(0.2 * i)
        msg.poses.append(pose)
    stamp, poses = path_bytes.parse(serialize_message(msg))
    assert stamp == pytest.approx(12.5, abs=1e-6)
    assert poses == pytest.approx(np.array([(i + 0.5, -2.0 * i, 0.4 * i) for i in range(count)]).reshape(-1, 3))


def test_the_rectangles_of_moving_obstacles_make_the_map_that_paths_are_checked_with():
    grid = raw_map.Map(pathlib.Path(), np.zeros((200, 300), int), 0.05, (-1.0, 2.0, 0.5))
    path = np.array([(*grid.to_metres(20 + 2 * i, 100), 0.0) for i in range(120)])
    crowd = movers.Movers(grid, 3, np.random.default_rng(5))
    seen = movers.VALUES[grid.state]
    for step in range(60):
        changed = crowd.update(0.2 * step, 0.2, path[0, :2], path)
        if changed:
            col, row, width, height, values = changed
            seen[row:row + height, col:col + width] = np.frombuffer(values, np.int8).reshape(height, width)
        assert (seen == movers.VALUES[crowd.state]).all()
        for mover in crowd.movers:
            assert math.dist(mover.place(), path[0, :2]) >= movers.RESPECT - 0.2
    assert len(crowd.movers) == 3 and (crowd.state == raw_map.OCCUPIED).any()
    always = crowd.occupied_since(0.2 * 59 - 0.5) == raw_map.OCCUPIED
    assert (always <= (crowd.state == raw_map.OCCUPIED)).all() and always.sum() < (crowd.state > 0).sum()


def test_this_process_has_used_time_and_memory():
    before = usage.read(os.getpid())
    assert sum(i * i for i in range(2_000_000)) > 0
    held = bytearray(40 << 20)
    held[::4096] = b"x" * len(held[::4096])
    after = usage.between(before, usage.read(os.getpid()))
    assert after["cpu_percent"] > 0 and after["page_faults"] > 5000
    assert 30 < after["rss_mb"] - before.rss_mb < 60 and after["rss_peak_mb"] >= after["rss_mb"]


def test_a_status_becomes_a_tick_with_every_field_that_the_report_reads():
    status = PlanStatus(plan_id=7, source=PlanStatus.SOURCE_MODEL, stop=PlanStatus.STOP_VERIFIED, steps=1,
                        applications=4, warm=True, total_ms=1.5, margin_ms=-0.25, encode_us=12)
    made = tick(Status(status), None)
    assert (made["result"], made["source"], made["stop"]) == ("SUCCEEDED", "model", "verified")
    assert (made["id"], made["total_us"], made["margin_us"], made["warm"]) == (7, 1500.0, -250.0, True)
    assert made["stages_us"]["encode"] == 12.0 and made["stages_us"]["publish"] == 0.0
