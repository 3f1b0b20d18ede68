"""`make bench PEER=…`: trm_node and another planner server asked for the same paths. The other one is a stand-in here."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

from process import BINARY

pytest.importorskip("nav2_msgs.action")

DDS = pathlib.Path(__file__).resolve().parent
TOOL = DDS.parents[1] / "tools/bench/planner_servers.py"


@pytest.fixture
def straight(tmp_path) -> pathlib.Path:
    """An executable, as PEER may name one."""
    file = tmp_path / "straight_planner"
    paths = os.pathsep.join([str(DDS), str(DDS.parents[1] / "tools/demo"), os.environ.get("PYTHONPATH", "")])
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{paths}" exec "{sys.executable}" "{DDS}/straight_planner.py" "$@"\n')
    file.chmod(0o755)
    return file


def compare(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "ROS_DOMAIN_ID"}
    # Without it the tool takes the release, which need not have been built.
    environment["TRM_NODE"] = str(BINARY)
    return subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment, check=False)


def test_both_servers_are_asked_for_the_same_paths_and_judged_alike(tmp_path, straight):
    file = tmp_path / "servers.json"
    done = compare("--peer", straight, "--requests", 20, "--deadline-ms", 500, "--json", file)
    assert done.returncode == 0, done.stderr
    ours, theirs = json.loads(file.read_text())["servers"]
    assert ours["server"].startswith("trm_node") and (ours["paths"], ours["error_codes"]) == (20, {})
    assert (ours["touching"], ours["too_near"]) == (0, 0)
    assert theirs["paths"] == 16 and theirs["error_codes"] == {"208": 4}
    assert theirs["touching"] > 0 and theirs["length_ratio"]["max"] <= 1.05
    assert 1.0 < ours["length_ratio"]["p50"] + 0.05 and ours["length_ratio"]["max"] < 1.3
    for server in (ours, theirs):
        assert 0.0 < server["planning_ms"]["p50"] <= server["planning_ms"]["max"] <= server["round_trip_ms"]["max"]
    assert ours["server"] in done.stdout and theirs["server"] in done.stdout


def test_a_peer_that_is_not_there_is_named(tmp_path):
    done = compare("--peer", "planner_server_of_nobody")
    assert done.returncode == 1 and "PEER planner_server_of_nobody: no nav2_planner in AMENT_PREFIX_PATH has it" in done.stderr
    done = compare("--peer", tmp_path / "nothing")
    assert done.returncode == 1 and f"PEER {tmp_path}/nothing: there is no such executable file" in done.stderr


def test_a_peer_that_refuses_to_be_configured_is_named_with_its_log(tmp_path, straight):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump({"/**": {"ros__parameters": {"GridBased": {"plugin": "refuse"}}}}))
    done = compare("--peer", straight, "--peer-params", file)
    assert done.returncode == 1 and "refuses to configure" in done.stderr and "there is no plugin refuse" in done.stderr
