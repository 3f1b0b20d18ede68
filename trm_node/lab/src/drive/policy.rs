//! When the robot gets a new path, and from what.

use serde::Serialize;
use trm_config::Config;

/// Who plans, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The node as shipped.
    Node,
    /// The node at 1 Hz, at once where the path becomes blocked.
    OneHertz,
    /// The node as Nav2's default tree asks it: at 1 Hz, and not when the path becomes blocked in between. The robot then drives
    /// on until the collision check of its pursuit stops it.
    /// <https://github.com/ros-navigation/navigation2/blob/jazzy/nav2_bt_navigator/behavior_trees/navigate_to_pose_w_replanning_and_recovery.xml>
    /// (`RateController hz="1.0"` around `ComputePathToPose`, and no condition on the path).
    DefaultTree,
    /// A* from nothing at every tick: no model, no guidance, no previous path.
    AStar,
    /// The node, which looks at its path at every tick and plans when that is blocked.
    WhenBlocked,
}

impl Policy {
    /// All of them; the others are compared with the first.
    pub const ALL: [Self; 5] = [Self::Node, Self::OneHertz, Self::DefaultTree, Self::AStar, Self::WhenBlocked];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node, 20 Hz",
            Self::OneHertz => "node, 1 Hz",
            Self::DefaultTree => "node, Nav2's tree",
            Self::AStar => "A*, 20 Hz",
            Self::WhenBlocked => "when blocked",
        }
    }

    /// The parameters: those of the demo's robot (`tools/demo/demo.yaml`), and what the policy changes.
    pub fn config(self) -> Config {
        Config::with(|config| {
            config.grid.robot_radius = 0.3;
            config.grid.inflation_radius = 0.8;
            config.grid.cost_scaling_factor = 4.0;
            config.node.goal_reached_tolerance = 0.1;
            match self {
                Self::OneHertz | Self::DefaultTree => config.node.planner_frequency = 1.0,
                Self::AStar => config.planner.max_steps = 0,
                Self::Node | Self::WhenBlocked => {}
            }
        })
    }
}
