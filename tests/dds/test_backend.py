"""What the model runs on: the parameter `backend`, on a GPU in software where there is one."""

import os
import subprocess

import numpy as np
import pytest

import worlds
from action_client import SUCCEEDED, PathClient, poses_of, through_poses
from process import BINARY
from test_parameters import set_parameter
from worlds import RADIUS

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
# The GPU in software takes 0.1 s for what a CPU does in 1 ms.
SLOW = {"deadline_ms": 8000.0, "planner_frequency": 1.0, "window_size": 32, "allow_fallback": False}
NO_DRIVER = {"VK_DRIVER_FILES": "/nowhere.json", "VK_ICD_FILENAMES": "/nowhere.json"}


def vulkan() -> str:
    """Why there is no Vulkan device; empty when there is one."""
    try:
        tried = subprocess.run(["vulkaninfo", "--summary"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "vulkaninfo is missing: apt-get install vulkan-tools mesa-vulkan-drivers"
    return "" if tried.returncode == 0 and "deviceName" in tried.stdout else "Vulkan knows no device here"


MISSING = vulkan()
assert not (MISSING and os.environ.get("TRM_NEEDS_GPU")), MISSING
needs_vulkan = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def value(peer, key: str) -> str:
    """Of the planner's diagnostics."""
    peer.diagnostics.clear()
    found = lambda: [s for _, s in peer.diagnostics if s.name == f"{peer.planner}: planner"]  # noqa: E731
    status = peer.wait(found, "diagnostics")[-1]
    return next(pair.value for pair in status.values if pair.key == key)


@needs_vulkan
def test_the_model_plans_on_the_gpu(start):
    node, peer = start({"backend": "gpu", **SLOW})
    assert "the model runs on gpu: " in node.log
    grid = worlds.gap()
    peer.publish_map(grid)
    plans = peer.plan_to(START, GOAL, 3)
    checker = worlds.Checker(grid, RADIUS)
    for plan in plans:
        assert checker.collisions(grid.to_cells(plan.poses[:, :2])) == []
    paths = [s for s in peer.statuses if s.result == "SUCCEEDED"]
    assert {s.source for s in paths} <= {"model", "previous"}
    # A step first, then answers: the quantum is what the device does in one call.
    model = [s for s in paths if s.source == "model"]
    assert model and all(s.applications % 4 == 0 and not s.inference_error for s in model), model
    assert value(peer, "backend").startswith("gpu: ") and value(peer, "backend_lost") == "false"


@needs_vulkan
def test_a_path_through_poses_on_the_gpu_passes_all_of_them(start):
    node, peer = start({"backend": "gpu", "GridBased.max_planning_time": 8.0, **SLOW})
    grid = worlds.gap()
    peer.publish_map(grid)
    client, goals = PathClient(peer), [GOAL, (3.2, 0.8, 0.0), START]
    # Of the second one the guidance is there when it comes: its legs may be thought about ahead.
    for _ in range(2):
        status, result = client.ask(through_poses(goals, START))
        assert status == SUCCEEDED, result
        poses = poses_of(result.path)
        assert worlds.Checker(grid, RADIUS).collisions(grid.to_cells(poses[:, :2])) == []
        for goal in goals:
            assert np.hypot(*(poses[:, :2] - goal[:2]).T).min() < 1e-3
    assert node.is_running


@needs_vulkan
def test_a_deadline_that_the_gpu_cannot_keep_is_kept_by_the_fallback(start):
    node, peer = start({"backend": "gpu", "deadline_ms": 60.0, "planner_frequency": 4.0})
    grid = worlds.gap()
    peer.publish_map(grid)
    mark = peer.now()
    plans = peer.plan_to(START, GOAL, 6)
    assert len(plans) >= 6
    judged = [s for s in peer.statuses if s.stamp >= mark and s.result == "SUCCEEDED"]
    assert {"fallback", "previous"} & {s.source for s in judged}, judged
    assert node.is_running


def test_another_backend_is_taken_at_run_time(start):
    node, peer = start({"backend": "cpu"})
    assert "the model runs on cpu (" in node.log
    peer.publish_map(worlds.gap())
    peer.plan_to(START, GOAL, 2)
    assert set_parameter(peer, "backend", "tract").successful
    peer.wait(lambda: "the model runs on tract" in node.log, "the other backend")
    peer.plan_to(START, (3.2, 1.0, 0.0), 2)
    assert value(peer, "backend") == "tract"
    reason = set_parameter(peer, "backend", "npu").reason
    assert "backend" in reason and "npu" in reason and "auto, cpu, gpu, tract" in reason, reason


def test_without_a_driver_auto_says_what_it_chose_and_why(start, monkeypatch):
    for name, path in NO_DRIVER.items():
        monkeypatch.setenv(name, path)
    node, peer = start({"backend": "auto"})
    [line] = [line for line in node.log.splitlines() if "the model runs on" in line]
    assert "cpu (" in line and "the gpu is not among those that this machine can run" in line, line
    # What can't be had leaves the planners as they were.
    peer.publish_map(worlds.gap())
    peer.plan_to(START, GOAL, 2)
    set_parameter(peer, "backend", "gpu")
    peer.wait(lambda: "the planners stay as they were" in node.log, "the refusal")
    peer.plan_to(START, (3.2, 1.0, 0.0), 2)
    assert value(peer, "backend").startswith("cpu (")


def test_a_gpu_that_is_not_there_is_refused_at_the_start(tmp_path):
    command = [str(BINARY), "--ros-args", "-p", "backend:=gpu"]
    ended = subprocess.run(command, env={**os.environ, **NO_DRIVER}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1, ended.stderr
    assert "parameter backend: gpu is not among those that this machine can run: " in ended.stderr, ended.stderr
