"""Starts Gazebo (gz-sim 8, Harmonic) with a hall and a robot, the bridge to ROS, trm_node as Nav2's planner, Nav2's
controller, and RViz, where a goal is given with a click.

With slam:=true there is no map: slam_toolbox makes it while the robot drives, and goals may be where nobody has
looked yet. Needs ros_gz_sim, ros_gz_bridge, nav2_bringup's packages and, for slam:=true, slam_toolbox. `make gazebo`
needs none of them.

    ros2 launch trm_node gazebo.launch.py
    ros2 launch trm_node gazebo.launch.py headless:=false slam:=true x:=2.0 y:=1.0 yaw:=1.57
"""

import sys
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, GroupAction, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.launch_description_sources.python_launch_file_utilities import load_python_launch_file_as_module
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

# Beside launch/, in a checkout and where colcon installs it.
SHARE = Path(__file__).resolve().parent.parent
CONFIG, WORLDS = SHARE / "config", SHARE / "worlds"
PLANNER = SHARE / "launch/nav2.launch.py"
# What it knows of parameter files in namespaces holds here, too.
nav2 = load_python_launch_file_as_module(str(PLANNER))

ARGUMENTS = [
    ("world", str(WORLDS / "hall.sdf"), "World file; its map is beside it, as NAME.yaml"),
    ("map", "", "map_server's YAML file, if it isn't that of the world"),
    ("headless", "true", "Without Gazebo's window"),
    ("use_rviz", "true", "Start RViz"),
    ("namespace", "", "Namespace of the robot's nodes and topics, those of TF included"),
    ("robot_name", "robot", "Name of the model in Gazebo"),
    ("x", "1.0", "Where the robot starts, m"),
    ("y", "1.0", "Where the robot starts, m"),
    ("yaw", "0.0", "How the robot stands at the start, rad"),
    ("use_sim_time", "true", "Take the time from /clock, which Gazebo publishes"),
    ("slam", "false", "Map with slam_toolbox instead of reading a map"),
    ("params_file", str(CONFIG / "gazebo.yaml"), "YAML file for all nodes"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
]
# With the lifecycle managed; the planner and its costmap have managers of their own (nav2.launch.py).
NAVIGATION = [
    ("nav2_controller", "controller_server", {}),
    ("nav2_behaviors", "behavior_server", {}),
    ("nav2_bt_navigator", "bt_navigator", {"default_nav_to_pose_bt_xml": str(CONFIG / "gazebo_navigation.xml")}),
]


def included(package: str, file: str, condition=None, **arguments) -> IncludeLaunchDescription:
    source = PythonLaunchDescriptionSource(PathJoinSubstitution([FindPackageShare(package), "launch", file]))
    return IncludeLaunchDescription(source, launch_arguments=arguments.items(), condition=condition)


def gazebo(value: dict) -> list:
    """The server, its window, and the robot in it."""
    headless = IfCondition(value["headless"])
    shown = UnlessCondition(value["headless"])
    return [
        included("ros_gz_sim", "gz_sim.launch.py", headless, on_exit_shutdown="true",
                 gz_args=["-r -s --headless-rendering ", value["world"]]),
        included("ros_gz_sim", "gz_sim.launch.py", shown, on_exit_shutdown="true", gz_args=["-r ", value["world"]]),
        Node(package="ros_gz_sim", executable="create", output="screen",
             arguments=["-name", value["robot_name"], "-file", str(WORLDS / "robot.sdf"),
                        "-x", value["x"], "-y", value["y"], "-z", "0.01", "-Y", value["yaw"]]),
    ]


def managed(name: str, nodes: list[str], value: dict, **more) -> Node:
    return Node(package="nav2_lifecycle_manager", executable="lifecycle_manager", name=name, output="screen",
                parameters=[{"node_names": nodes, "autostart": True, **flag(value)}], **more)


def flag(value: dict) -> dict:
    return {"use_sim_time": ParameterValue(value["use_sim_time"], value_type=bool)}


def localisation(value: dict) -> list:
    """A map, and where `odom` is in it. The odometry is where the robot is in the world, so both frames are one;
    slam_toolbox finds that out."""
    known = UnlessCondition(value["slam"])
    # The world's own, if none is given.
    file = PythonExpression(["'", value["map"], "' or '", value["world"], "'[:-len('.sdf')] + '.yaml'"])
    return [
        Node(package="nav2_map_server", executable="map_server", name="map_server", output="screen", condition=known,
             parameters=[{"yaml_filename": file, **flag(value)}], remappings=nav2.REMAPPINGS),
        managed("lifecycle_manager_map", ["map_server"], value, condition=known),
        Node(package="tf2_ros", executable="static_transform_publisher", name="map_to_odom", condition=known,
             arguments=["--frame-id", "map", "--child-frame-id", "odom"], parameters=[flag(value)],
             remappings=nav2.REMAPPINGS),
        included("slam_toolbox", "online_async_launch.py", IfCondition(value["slam"]),
                 use_sim_time=value["use_sim_time"], slam_params_file=value["params_file"], autostart="true",
                 use_lifecycle_manager="false"),
    ]


def planner(value: dict) -> IncludeLaunchDescription:
    """With its costmap; in the namespace by itself."""
    names = ("namespace", "params_file", "use_sim_time", "log_level")
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(str(PLANNER)),
                                    launch_arguments=[(name, value[name]) for name in names])


def navigation(value: dict) -> list:
    """What drives along the planner's paths."""
    file = nav2.parameter_file(value)
    nodes = [Node(package=package, executable=name, name=name, output="screen", remappings=nav2.REMAPPINGS,
                  parameters=[file, flag(value), parameters], ros_arguments=["--log-level", value["log_level"]])
             for package, name, parameters in NAVIGATION]
    return [*nodes, managed("lifecycle_manager_navigation", [name for _, name, _ in NAVIGATION], value)]


def generate_launch_description():
    value = {name: LaunchConfiguration(name) for name, _, _ in ARGUMENTS}
    declared = [DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in ARGUMENTS]
    bridge = Node(package="ros_gz_bridge", executable="parameter_bridge", name="gazebo_bridge", output="screen",
                  parameters=[{"config_file": str(CONFIG / "gazebo_bridge.yaml"), **flag(value)}])
    rviz = Node(package="rviz2", executable="rviz2", output="log", arguments=["-d", str(CONFIG / "gazebo.rviz")],
                parameters=[flag(value)], remappings=[*nav2.REMAPPINGS, ("/map", "map"), ("/plan", "plan")],
                condition=IfCondition(value["use_rviz"]))
    # RViz has no display for trm_msgs: it shows the status as a text above the robot.
    marker = ExecuteProcess(name="status_marker", output="screen", condition=IfCondition(value["use_rviz"]),
                            cmd=[sys.executable, str(SHARE / "launch/status_marker.py"), "--ros-args",
                                 "-r", ["__ns:=/", value["namespace"]],
                                 "-p", ["use_sim_time:=", value["use_sim_time"]]])
    robot = GroupAction([PushRosNamespace(value["namespace"]), bridge, *localisation(value), *navigation(value), rviz])
    return LaunchDescription([*declared, *gazebo(value), planner(value), robot, marker])
