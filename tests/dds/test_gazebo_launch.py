"""The launch file for the present Gazebo: what it starts, and with which arguments; and whether its files fit
together.

What isn't on this machine is replaced by programs that write down how they were started, and publish nothing.
trm_node runs. Without the Python package launch_ros (it is on no package index; a robot has it) the launch file can't
be run, and those tests are skipped.
"""

import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

import pytest
import yaml

from process import BINARY, ROOT

FILE = ROOT / "launch/gazebo.launch.py"
ROBOT, BRIDGE, RVIZ = ROOT / "worlds/robot.sdf", ROOT / "config/gazebo_bridge.yaml", ROOT / "config/gazebo.rviz"
PARAMETERS = ROOT / "config/gazebo.yaml"
# Programs that a robot has and this machine hasn't.
MISSING = {
    "ros_gz_sim": ["create"], "ros_gz_bridge": ["parameter_bridge"], "nav2_map_server": ["map_server"],
    "nav2_lifecycle_manager": ["lifecycle_manager"], "tf2_ros": ["static_transform_publisher"],
    "nav2_costmap_2d": ["nav2_costmap_2d"], "nav2_controller": ["controller_server"],
    "nav2_behaviors": ["behavior_server"], "nav2_bt_navigator": ["bt_navigator"], "rviz2": ["rviz2"], "slam_toolbox": [],
}
# Writes down its arguments and the parameter files among them, and waits for SIGINT.
STAND_IN = f"""#!{sys.executable}
import json, os, pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
argv = sys.argv[1:]
files = [pathlib.Path(a).read_text() for a in argv if a.startswith("/tmp/launch_params")]
out = pathlib.Path(os.environ["STARTED"]) / f"{{os.getpid()}}.json"
out.with_suffix(".part").write_text(json.dumps({{"name": sys.argv[0], "argv": argv, "files": files}}))
out.with_suffix(".part").rename(out)
while True:
    time.sleep(0.1)
"""
# Of a package whose own launch file is included.
STAND_IN_LAUNCH = """from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

NAMES = {names}


def generate_launch_description():
    given = [[name, ":=", LaunchConfiguration(name)] for name in NAMES]
    return LaunchDescription([*(DeclareLaunchArgument(name, default_value="") for name in NAMES),
                              ExecuteProcess(cmd=["{program}", *given])])
"""
INCLUDED = {
    "ros_gz_sim/launch/gz_sim.launch.py": ["gz_args", "on_exit_shutdown"],
    "slam_toolbox/launch/online_async_launch.py": [
        "use_sim_time", "slam_params_file", "autostart", "use_lifecycle_manager"],
}
# `ros2 launch` without ros2cli.
RUN = """import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
arguments = [tuple(a.split(":=", 1)) for a in sys.argv[2:]]
service.include_launch_description(LaunchDescription([
    IncludeLaunchDescription(PythonLaunchDescriptionSource(sys.argv[1]), launch_arguments=arguments)]))
sys.exit(service.run())
"""

needs_launch = pytest.mark.skipif(importlib.util.find_spec("launch_ros") is None,
                                  reason="launch_ros is missing: source a ROS 2 that has it")


def program(file: pathlib.Path, text: str = STAND_IN) -> pathlib.Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def prefix(tmp_path) -> pathlib.Path:
    """An ament prefix with stand-ins for what isn't here, and trm_node."""
    prefix = tmp_path / "prefix"
    for package, names in (MISSING | {"trm_node": []}).items():
        marker = prefix / "share/ament_index/resource_index/packages" / package
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        (prefix / "share" / package / "launch").mkdir(parents=True)
        for name in names:
            program(prefix / "lib" / package / name)
    (prefix / "lib/trm_node").mkdir(parents=True)
    (prefix / "lib/trm_node/trm_node").symlink_to(BINARY)
    for file, names in INCLUDED.items():
        stand_in = program(prefix / "bin" / pathlib.Path(file).name.removesuffix(".py"))
        (prefix / "share" / file).write_text(STAND_IN_LAUNCH.format(names=names, program=stand_in))
    return prefix


@pytest.fixture
def launched(prefix, tmp_path):
    """Runs the launch file with these arguments until so many stand-ins have come; gives what they wrote down by
    their names, and the names of the nodes that are really there."""
    running = []

    def launch(count: int, *arguments: str) -> list[dict]:
        started = tmp_path / "started"
        started.mkdir()
        environment = os.environ | {
            "STARTED": str(started), "ROS_LOG_DIR": str(tmp_path / "log"),
            "AMENT_PREFIX_PATH": f"{prefix}:{os.environ['AMENT_PREFIX_PATH']}",
            "ROS_DOMAIN_ID": str(int(os.environ["ROS_DOMAIN_ID"]) % 100 + 1)}
        log = (tmp_path / "launch.log").open("wb")
        process = subprocess.Popen([sys.executable, "-c", RUN, str(FILE), *arguments], env=environment, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        running.append(process)
        end = time.monotonic() + 60.0
        while len(files := list(started.glob("*.json"))) < count or not trm_node_is_up():
            text = (tmp_path / "launch.log").read_text(errors="replace")
            assert process.poll() is None, text
            assert time.monotonic() < end, f"{len(files)} of {count} came:\n{text}"
            time.sleep(0.1)
        return [json.loads(file.read_text()) for file in files]

    def trm_node_is_up() -> bool:
        return "planner_server" in (tmp_path / "launch.log").read_text(errors="replace")

    yield launch
    for process in running:
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30.0) == 0, (tmp_path / "launch.log").read_text(errors="replace")


def of(started: list[dict], name: str) -> list[dict]:
    return [entry for entry in started if pathlib.Path(entry["name"]).name == name]


def one(started: list[dict], name: str) -> dict:
    (entry,) = of(started, name)
    return entry


@needs_launch
def test_everything_is_started_for_a_known_map(launched):
    started = launched(14, "x:=2.5", "yaw:=0.5", "robot_name:=rover")
    assert one(started, "gz_sim.launch")["argv"] == [
        f"gz_args:=-r -s --headless-rendering {ROOT}/worlds/hall.sdf", "on_exit_shutdown:=true"]
    spawned = one(started, "create")["argv"]
    assert spawned[:12] == ["-name", "rover", "-file", str(ROBOT), "-x", "2.5", "-y", "1.0", "-z", "0.01", "-Y", "0.5"]
    assert f"yaml_filename: {ROOT}/worlds/hall.yaml" in "".join(one(started, "map_server")["files"])
    assert str(BRIDGE) in "".join(one(started, "parameter_bridge")["files"])
    assert str(RVIZ) in one(started, "rviz2")["argv"]
    assert not of(started, "online_async_launch")
    managers = "".join(text for entry in of(started, "lifecycle_manager") for text in entry["files"])
    for node in ("map_server", "planner_server", "controller_server", "behavior_server", "bt_navigator"):
        assert f"- {node}\n" in managers
    for entry in started:
        assert "use_sim_time: false" not in "".join(entry["files"])


@needs_launch
def test_without_a_map_slam_toolbox_makes_one(launched):
    started = launched(9, "slam:=true", "use_rviz:=false", "headless:=false", "namespace:=one")
    assert one(started, "gz_sim.launch")["argv"][0] == f"gz_args:=-r {ROOT}/worlds/hall.sdf"
    assert f"slam_params_file:={PARAMETERS}" in one(started, "online_async_launch")["argv"]
    assert not of(started, "map_server") and not of(started, "static_transform_publisher") and not of(started, "rviz2")
    assert "__ns:=/one" in one(started, "parameter_bridge")["argv"]
    assert "__ns:=/one" in one(started, "controller_server")["argv"]
    assert "__ns:=/one/global_costmap" in one(started, "nav2_costmap_2d")["argv"]


def text_of(element: xml.Element, path: str) -> str:
    return (element.findtext(path) or "").strip().lstrip("/")


def test_the_bridge_carries_what_the_robot_has():
    robot = xml.parse(ROBOT).getroot().find("model")
    plugins = {plugin.get("name"): plugin for plugin in robot.findall("plugin")}
    drive, odometry = (plugins[f"gz::sim::systems::{name}"] for name in ("DiffDrive", "OdometryPublisher"))
    (lidar,) = [sensor for sensor in robot.iter("sensor") if sensor.get("type") == "gpu_lidar"]
    bridged = {entry["gz_topic_name"].lstrip("/"): entry for entry in yaml.safe_load(BRIDGE.read_text())}
    for topic, kind, direction in (
            (text_of(lidar, "topic"), "gz.msgs.LaserScan", "GZ_TO_ROS"),
            (text_of(odometry, "odom_topic"), "gz.msgs.Odometry", "GZ_TO_ROS"),
            (text_of(odometry, "tf_topic"), "gz.msgs.Pose_V", "GZ_TO_ROS"),
            (text_of(drive, "topic"), "gz.msgs.Twist", "ROS_TO_GZ"), ("clock", "gz.msgs.Clock", "GZ_TO_ROS")):
        entry = bridged.pop(topic)
        assert (entry["gz_type_name"], entry["direction"]) == (kind, direction)
        assert entry["ros_topic_name"].lstrip("/") == topic
    assert not bridged
    assert text_of(odometry, "odom_frame") == "odom" and text_of(odometry, "robot_base_frame") == "base_link"


def test_the_robot_is_the_same_in_both_generations():
    robot = xml.parse(ROBOT).getroot().find("model")
    modern, classic = ([element for element in robot.iter("sensor") if element.get("type") == kind][0]
                       for kind in ("gpu_lidar", "ray"))
    for path in ("pose", "update_rate"):
        assert text_of(modern, path) == text_of(classic, path)
    settings = [{leaf.tag: leaf.text for leaf in sensor.iter() if not len(leaf)} for sensor in
                (modern.find("lidar"), classic.find("ray"))]
    assert settings[0] == settings[1]
    radius = float(robot.findtext("link/collision[@name='hull']/geometry/cylinder/radius"))
    parameters = yaml.safe_load(PARAMETERS.read_text())
    for section in (parameters["planner_server"], parameters["global_costmap"]["global_costmap"],
                    parameters["local_costmap"]["local_costmap"]):
        assert section["ros__parameters"]["robot_radius"] == radius


def test_rviz_shows_what_is_published():
    displays = yaml.safe_load(RVIZ.read_text())["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    costmaps = {"global_costmap/costmap", "local_costmap/costmap"}
    assert topics == costmaps | {"map", "scan", "plan", "planner_server/steps", "status_marker"}


def test_the_status_is_shown_above_the_robot(context, tmp_path):
    pytest.importorskip("visualization_msgs.msg")
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from trm_msgs.msg import PlanStatus
    from visualization_msgs.msg import Marker
    node = rclpy.create_node("peer_of_marker", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    heard: list[Marker] = []
    node.create_subscription(Marker, "status_marker", heard.append, 10)
    publisher = node.create_publisher(PlanStatus, "planner_server/status", 10)
    process = subprocess.Popen([sys.executable, str(ROOT / "launch/status_marker.py")])
    status = PlanStatus(source=PlanStatus.SOURCE_MODEL, level=PlanStatus.LEVEL_WARN, message="SUCCEEDED", total_ms=4.26,
                        deadline_ms=30.0, missed=True)
    try:
        end = time.monotonic() + 30.0
        while not heard:
            assert time.monotonic() < end and process.poll() is None
            publisher.publish(status)
            executor.spin_once(timeout_sec=0.1)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30.0) == 0
        executor.shutdown()
        node.destroy_node()
    assert heard[0].text == "model: SUCCEEDED\n4.3 of 30 ms, late" and heard[0].header.frame_id == "base_link"
