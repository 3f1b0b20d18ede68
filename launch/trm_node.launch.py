"""Starts trm_node. The arguments have the names that nav2_bringup gives them; topics can be renamed.

    ros2 launch trm_node trm_node.launch.py namespace:=robot1 use_sim_time:=true
    ros2 launch trm_node trm_node.launch.py params_file:=mine.yaml costmap_topic:=global_costmap/costmap
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

# Beside launch/, in a checkout and where colcon installs it.
PARAMETERS = Path(__file__).resolve().parent.parent / "config" / "trm_node.yaml"

ARGUMENTS = [
    ("namespace", "", "Namespace of the node and of its topics, those of TF included"),
    ("params_file", str(PARAMETERS), "YAML file with the node's parameters"),
    ("use_sim_time", "false", "Take the time from /clock"),
    ("autostart", "true", "Configure and activate at once; else a lifecycle manager does, as for Nav2's nodes"),
    ("use_respawn", "false", "Start the node again when it ends"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
    ("map_topic", "map", "Grid when grid_source is map; updates come from <map_topic>_updates"),
    ("costmap_topic", "costmap", "Grid when grid_source is costmap; updates come from <costmap_topic>_updates"),
    ("odom_topic", "odom", "Pose of the robot when start_source is odom"),
    ("goal_topic", "goal_pose", "Where to go"),
    ("plan_topic", "plan", "The path"),
]


def generate_launch_description():
    value = {name: LaunchConfiguration(name) for name, _, _ in ARGUMENTS}
    flag = {name: ParameterValue(value[name], value_type=bool) for name in ("use_sim_time", "autostart")}
    node = Node(
        package="trm_node",
        executable="trm_node",
        name="trm_node",
        namespace=value["namespace"],
        output="screen",
        respawn=value["use_respawn"],
        respawn_delay=2.0,
        # What is given here counts, whatever the file says.
        parameters=[value["params_file"], flag],
        ros_arguments=["--log-level", value["log_level"]],
        remappings=[
            ("/tf", "tf"),
            ("/tf_static", "tf_static"),
            ("map", value["map_topic"]),
            ("map_updates", [value["map_topic"], "_updates"]),
            ("costmap", value["costmap_topic"]),
            ("costmap_updates", [value["costmap_topic"], "_updates"]),
            ("odom", value["odom_topic"]),
            ("goal_pose", value["goal_topic"]),
            ("plan", value["plan_topic"]),
        ],
    )
    declared = [DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS]
    return LaunchDescription([*declared, node])
