"""`make demo` with each robot, cut short; and its judge and its simulated robot by themselves."""

import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from process import BINARY, ROOT

TOOLS = ROOT / "tools/demo"
sys.path.append(str(TOOLS))
from drive import Drive, Limits  # noqa: E402
from follower import Follower  # noqa: E402
from outline import Outline  # noqa: E402
from scene import raw_map  # noqa: E402

FORKS = [(-1.0, -0.4), (0.1, -0.4), (0.1, -0.26), (0.9, -0.26), (0.9, -0.12), (0.1, -0.12),
         (0.1, 0.12), (0.9, 0.12), (0.9, 0.26), (0.1, 0.26), (0.1, 0.4), (-1.0, 0.4)]


def demo(folder: pathlib.Path, robot: str, *options: str) -> dict:
    ran = subprocess.run([sys.executable, str(TOOLS / "run.py"), "--robot", robot, "--node", str(BINARY), "--out", str(folder),
                          *options], capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    report = json.loads((folder / "demo.json").read_text())
    assert report["ok"] and report["goals_reached"] == report["goals_wanted"] > 0 and report["paths_checked"] > 5
    assert not report["overall"]["touched_cells"] and not report["path_faults"]
    assert (folder / "demo.png").stat().st_size > 10_000
    return report


@pytest.fixture(autouse=True)
def domain(monkeypatch):
    # Not that of the node that other tests share: it has the same name.
    monkeypatch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) % 100 + 1))


def test_a_disc_drives_to_a_goal(tmp_path):
    report = demo(tmp_path, "disc", "--number", "1", "--budget", "12", "--no-obstacle")
    assert "lattice" not in report["overall"]["sources"]


def test_a_forklift_with_a_load_goes_round_by_the_gate(tmp_path):
    report = demo(tmp_path, "forklift", "--number", "3", "--speed", "2")
    assert report["overall"]["sources"]["lattice"] >= 3
    assert report["load"]["through_the_narrow_door"] == {"before": True, "after": False}


def test_a_car_parks_backwards(tmp_path):
    report = demo(tmp_path, "car", "--number", "1", "--speed", "3")
    assert report["overall"]["sources"]["lattice"] >= 1 and report["overall"]["min_clearance_to_occupied_squares_m"] > 0.0


def shared_area(polygon: list[tuple[float, float]], col: int, row: int) -> float:
    """That of a polygon and a cell: the polygon clipped at the cell's borders."""
    for axis, sign, limit in ((0, 1, col + 1), (0, -1, -col), (1, 1, row + 1), (1, -1, -row)):
        left = []
        for a, b in zip(polygon, polygon[1:] + polygon[:1]):
            over, next_over = sign * a[axis] - limit, sign * b[axis] - limit
            if over <= 0:
                left.append(a)
            if (over > 0) != (next_over > 0):
                share = over / (over - next_over)
                left.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
        polygon = left
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, polygon[1:] + polygon[:1]))) / 2


@pytest.mark.parametrize("seed", range(20))
def test_the_judge_finds_the_cells_that_have_an_area_in_common_with_the_outline(seed):
    rng = np.random.default_rng(seed)
    state = np.where(rng.random((80, 80)) < 0.02, raw_map.OCCUPIED, raw_map.FREE).astype(np.uint8)
    grid = raw_map.Map(pathlib.Path("made"), state, 0.05, (*rng.uniform(-1, 1, 2), rng.choice([0.0, 0.3, -2.0])))
    for yaw in (rng.uniform(-3, 3), grid.origin[2], grid.origin[2] + math.pi / 2):
        x, y = grid.to_metres(*rng.uniform(25, 55, 2))
        (col, row), = grid.to_cells(np.array([[x, y]]))
        c, s = math.cos(yaw - grid.origin[2]) / grid.resolution, math.sin(yaw - grid.origin[2]) / grid.resolution
        polygon = [(col + a * c - b * s, row + a * s + b * c) for a, b in FORKS]
        wanted = {(c, r) for r, c in np.argwhere(state == raw_map.OCCUPIED).tolist() if shared_area(polygon, c, r) > 1e-6}
        assert Outline(grid, FORKS).clearance(np.array([[x, y, yaw]])).touched == wanted


def arc(start, radius: float, length: float, way: int) -> list[tuple[float, float, float]]:
    """Poses every 5 cm on a curve to the left, backwards if `way` is -1."""
    x, y, yaw = start
    poses = []
    for _ in range(round(length / 0.05)):
        turn = way * 0.05 / radius
        x, y, yaw = x + way * 0.05 * math.cos(yaw + turn / 2), y + way * 0.05 * math.sin(yaw + turn / 2), yaw + turn
        poses.append((x, y, yaw))
    return poses


def test_a_car_keeps_to_its_path_and_turns_back_where_it_does():
    start = (1.0, 2.0, 0.3)
    poses = [start, *arc(start, 4.0, 3.0, 1)]
    poses += arc(poses[-1], 1e9, 2.0, -1)
    drive = Drive(start, Limits(speed=1.5, turn_acceleration=30.0), 3.6)
    follower = Follower(drive.limits, 0.6)
    follower.take(np.array(poses), drive)
    strays, speeds = [], []
    for _ in range(1000):
        drive.step(*follower.commands(drive, 0.02), 0.02)
        strays.append(np.hypot(*(np.array(poses)[:, :2] - (drive.x, drive.y)).T).min())
        speeds.append(drive.speed)
        assert abs(drive.turn) <= abs(drive.speed) / 3.6 + 1e-9
    assert max(strays) < 0.03 and max(speeds) > 1.0 and min(speeds) < -0.5
    assert math.dist((drive.x, drive.y), poses[-1][:2]) < 0.01 and abs(drive.yaw - poses[-1][2]) < 0.01
