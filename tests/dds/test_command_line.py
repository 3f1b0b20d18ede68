"""The command line outside of ROS's arguments."""

import os
import subprocess

import pytest

from process import BINARY


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, **environment}
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=30, env=environment)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_usage_is_printed(flag):
    result = run(flag)
    assert result.returncode == 0 and result.stderr == ""
    for text in ("Usage: trm_node", "--ros-args", "--params-file", "-p robot_radius:=0.3"):
        assert text in result.stdout


def test_the_version_is_printed():
    result = run("--version")
    assert result.returncode == 0 and result.stdout.startswith("trm_node ")


@pytest.mark.parametrize("arguments, environment, texts", [
    (["-r", "__ns:=/robot1/"], {}, ["can't create the ROS node: ", "namespace"]),
    (["-r", "__ns:=robot1"], {}, ["ROS refuses to start: ", "__ns:=robot1"]),
    (["--log-level", "loud"], {}, ["ROS refuses to start: ", "--log-level loud"]),
    ([], {"ROS_LOG_DIR": "/proc/no/log", "TMPDIR": "/proc"}, ["ROS refuses to start: ", "/proc/trm_node_log"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_ros_refuses_is_told_in_its_words(arguments, environment, texts):
    result = run("--ros-args", *arguments, **environment)
    assert result.returncode == 1 and "panicked" not in result.stderr
    for text in texts:
        assert text in result.stderr.splitlines()[-1]


def test_what_is_ignored_is_told(start):
    """As `ros2 run trm_node trm_node --params-file x.yaml robot_radius:=0.3` would give it."""
    node, _ = start()
    assert "ignored" not in node.log
    node, _ = start(arguments=["--", "--params-file", "x.yaml", "robot_radius:=0.3"])
    assert "ignored: --params-file x.yaml: ROS's arguments come after --ros-args" in node.log
    assert "robot_radius:=0.3 is a remap here: a parameter comes as --ros-args -p robot_radius:=0.3" in node.log
