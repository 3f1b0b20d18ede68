//! The one list of parameters. The ROS parameters, `config/trm_node.yaml`, the README's table and the command line's
//! defaults all come from [`list`].
//!
//! Imports nothing of this project. Holds values and their ranges, never what is done with them.

pub mod list;
mod parameter;
pub mod value;

pub use list::{Config, GridConfig, GridKind, MAX_TRAVEL_MULTIPLIER, NodeConfig, PlannerConfig, StartSource};
pub use value::{Needs, ParameterError, ParameterSpec, Range, Value};
