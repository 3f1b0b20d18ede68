//! When the robot gets a new path, and from what.

use serde::Serialize;
use trm_config::Config;

/// Who plans, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The node as shipped.
    Node,
    /// The node at Nav2's default rate, at once where the path becomes blocked.
    OneHertz,
    /// A* from nothing at every tick: no model, no guidance, no previous path.
    AStar,
    /// The node, which looks at its path at every tick and plans when that is blocked.
    WhenBlocked,
}

impl Policy {
    /// All of them; the others are compared with the first.
    pub const ALL: [Self; 4] = [Self::Node, Self::OneHertz, Self::AStar, Self::WhenBlocked];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node, 20 Hz",
            Self::OneHertz => "node, 1 Hz",
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
                Self::OneHertz => config.node.planner_frequency = 1.0,
                Self::AStar => config.planner.max_steps = 0,
                Self::Node | Self::WhenBlocked => {}
            }
        })
    }
}
