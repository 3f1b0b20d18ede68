"""A drive is recorded from `~/plan_log`, and its plans are made again by `trm replay`."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from rclpy.serialization import serialize_message
from std_msgs.msg import UInt8MultiArray

import worlds
from process import ROOT

sys.path.append(str(ROOT / "tools/replay"))
import plan_log  # noqa: E402

TRM = pathlib.Path(os.environ.get("TRM", ROOT / "target/debug/trm"))
ALL = QoSProfile(history=HistoryPolicy.KEEP_ALL, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def replay(file: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([TRM, "replay", file, *arguments], capture_output=True, text=True)


def test_every_plan_of_a_drive_is_made_again_to_the_last_bit(start, tmp_path):
    _, peer = start({"record_plans": True, "planner_frequency": 50.0})
    entries: list[bytes] = []
    peer.node.create_subscription(UInt8MultiArray, f"{peer.planner}/plan_log",
                                  lambda raw: entries.append(plan_log.entry_of(raw)), ALL, raw=True)
    goals = [(3.2, 1.5, 1.0), (0.8, 2.3, 0.0), (3.4, 0.6, -1.0)]
    robot = (1.0, 1.5, 0.0)
    for number, goal in enumerate(goals):
        peer.publish_map(worlds.gap() if number % 2 else worlds.room())
        path = peer.plan_to(robot, goal, 10)[-1].poses
        for pose in path[:: max(1, len(path) // 12)][1:-1]:
            peer.pose = tuple(float(value) for value in pose)
            # An obstacle beside the way comes and goes.
            values = np.full((3, 3), 100 if number % 2 else 0, np.int8)
            peer.map_updates.publish(worlds.update_message(20, 40, values, peer.stamp()))
            peer.spin(0.1)
        robot = peer.pose
    last = peer.plan_to(robot, (2.0, 1.0, 0.0), 3)[-1]
    status = peer.wait(lambda: next((s for s in peer.statuses if s.stamp == last.stamp), None), "its status")
    file = tmp_path / "drive.plans"

    def shown() -> dict | None:
        with file.open("wb") as stream:
            for entry in list(entries):
                plan_log.append(entry, stream)
        answer = replay(file, "--json", "--plan", str(status.plan_id))
        # The record of the last plan may still be on its way.
        if answer.returncode and "there is no such plan" in answer.stderr:
            return None
        assert answer.returncode == 0, answer
        return json.loads(answer.stdout)

    answer = peer.wait(shown, "the record of the last plan")
    assert answer["plans"] >= 60 and answer["equal"] == answer["plans"] and answer["shown"]["equal"], answer
    poses = np.array(answer["shown"]["poses"])
    # The position as it was published; the heading is a quaternion there.
    assert (poses[:, :2] == last.poses[:, :2]).all() and np.allclose(poses[:, 2], last.poses[:, 2], atol=1e-9)
    at = replay(file, "--at", str(last.stamp), "--json")
    assert json.loads(at.stdout)["shown"]["plan"] == status.plan_id
    file.write_bytes(file.read_bytes() + b"\x05\0\0\0TRMP\x63")
    newer = replay(file)
    assert newer.returncode == 1 and "has format 99" in newer.stderr, newer


def test_an_entry_is_the_data_of_its_message_and_anything_else_is_refused():
    message = UInt8MultiArray()
    message.data = bytes(range(200))
    raw = serialize_message(message)
    assert plan_log.entry_of(raw) == bytes(range(200))
    with pytest.raises(SystemExit, match="UInt8MultiArray"):
        plan_log.entry_of(raw[:10])
    with pytest.raises(SystemExit, match="bytes of data"):
        plan_log.entry_of(raw[:100])


def test_a_record_comes_out_of_a_log_in_mcap(tmp_path):
    pytest.importorskip("mcap")
    sys.path.append(str(ROOT / "tools/gazebo"))
    from recording import Recording
    log, entries = tmp_path / "drive.mcap", [b"TRMP one", b"TRMP two" * 1000]
    recording = Recording(log)
    for time, entry in enumerate(entries):
        message = UInt8MultiArray()
        message.data = entry
        recording.take("/trm_node/plan_log", plan_log.KIND, serialize_message(message), float(time))
    recording.close()
    assert list(plan_log.unpacked(log, None)) == entries
    with pytest.raises(SystemExit, match="isn't one of its topics"):
        list(plan_log.unpacked(log, "/other/plan_log"))
    refused = replay(log)
    assert refused.returncode == 1 and "plan_log.py unpack" in refused.stderr, refused
