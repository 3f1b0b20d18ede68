"""Starts trm_node in the place of Nav2's planner server, under its name, with the global costmap beside it.

Nav2's planner server holds the global costmap; here `nav2_costmap_2d` runs as a node of its own, under the same names.
The arguments have the names that nav2_bringup gives them. In nav2_bringup's launch file for navigation leave
`planner_server` out of the nodes that it starts and of `lifecycle_nodes`; or keep it in the latter, and start this with
use_lifecycle_manager:=false.

    ros2 launch trm_node nav2.launch.py params_file:=nav2_params.yaml use_sim_time:=true
    ros2 launch trm_node nav2.launch.py use_global_costmap:=false costmap_topic:=my_costmap
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

try:
    from nav2_common.launch import RewrittenYaml
except ImportError:  # without Nav2 on this machine
    RewrittenYaml = None

# Beside launch/, in a checkout and where colcon installs it.
PARAMETERS = Path(__file__).resolve().parent.parent / "config" / "nav2.yaml"

ARGUMENTS = [
    ("namespace", "", "Namespace of the nodes and of their topics, those of TF included"),
    ("params_file", str(PARAMETERS), "YAML file with the sections planner_server and global_costmap"),
    ("use_sim_time", "false", "Take the time from /clock"),
    ("autostart", "true", "Whether the lifecycle manager activates the nodes at once"),
    ("use_respawn", "false", "Start a node again when it ends"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
    ("use_global_costmap", "true", "Start nav2_costmap_2d as global_costmap"),
    ("use_lifecycle_manager", "true", "Start lifecycle managers for these nodes"),
    ("costmap_topic", "global_costmap/costmap", "The grid; updates come from <costmap_topic>_updates"),
]
REMAPPINGS = [("/tf", "tf"), ("/tf_static", "tf_static")]


def parameter_file(value: dict) -> ParameterFile:
    """The file, its sections in the namespace as nav2_bringup puts them there."""
    file = value["params_file"]
    if RewrittenYaml is not None:
        file = RewrittenYaml(source_file=file, root_key=value["namespace"], param_rewrites={}, convert_types=True)
    return ParameterFile(file, allow_substs=True)


def manager(name: str, nodes: list[str], value: dict, **parameters) -> Node:
    """A lifecycle manager of these nodes."""
    return Node(
        package="nav2_lifecycle_manager",
        executable="lifecycle_manager",
        name=name,
        output="screen",
        parameters=[{
            "node_names": nodes,
            "autostart": ParameterValue(value["autostart"], value_type=bool),
            "use_sim_time": ParameterValue(value["use_sim_time"], value_type=bool),
            **parameters,
        }],
        condition=IfCondition(value["use_lifecycle_manager"]),
    )


def generate_launch_description():
    value = {name: LaunchConfiguration(name) for name, _, _ in ARGUMENTS}
    file = parameter_file(value)
    sim_time = {"use_sim_time": ParameterValue(value["use_sim_time"], value_type=bool)}
    planner = Node(
        package="trm_node",
        executable="trm_node",
        name="planner_server",
        output="screen",
        respawn=value["use_respawn"],
        respawn_delay=2.0,
        # The manager activates it, whatever the file says.
        parameters=[file, sim_time, {"autostart": False}],
        ros_arguments=["--log-level", value["log_level"]],
        remappings=[
            *REMAPPINGS,
            ("costmap", value["costmap_topic"]),
            ("costmap_updates", [value["costmap_topic"], "_updates"]),
        ],
    )
    costmap = GroupAction(
        [
            Node(
                package="nav2_costmap_2d",
                executable="nav2_costmap_2d",
                name="global_costmap",
                namespace="global_costmap",
                output="screen",
                respawn=value["use_respawn"],
                respawn_delay=2.0,
                parameters=[file, sim_time],
                ros_arguments=["--log-level", value["log_level"]],
                remappings=REMAPPINGS,
            ),
            # A costmap has no bond.
            manager("lifecycle_manager_global_costmap", ["global_costmap/global_costmap"], value, bond_timeout=0.0),
        ],
        condition=IfCondition(value["use_global_costmap"]),
    )
    declared = [DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS]
    manage = manager("lifecycle_manager_planner", ["planner_server"], value)
    return LaunchDescription([*declared, GroupAction([PushRosNamespace(value["namespace"]), costmap, planner, manage])])
