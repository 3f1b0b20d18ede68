//! The one list of parameters. The ROS parameters, `config/trm_node.yaml`, the README's table and the command line's
//! defaults all come from [`list`].
//!
//! May import nothing from this project. It holds the values, their ranges and what a change requires. Code that acts
//! on a value, files, ROS and threads must never be in it.

pub mod footprint;
pub mod list;
mod parameter;
pub mod plugins;
pub mod value;

pub use list::{
    BackendChoice, Config, GoalHeading, GridConfig, GridKind, MAX_TRAVEL_MULTIPLIER, MAX_UNKNOWN_WEIGHT, MotionModel,
    NodeConfig, PlannerConfig, StartSource, SuspectMap,
};
pub use value::{MAX_PLUGINS, Needs, ParameterError, ParameterSpec, Range, Value, frame};
