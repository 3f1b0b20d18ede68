//! The planner of `trm_node`: an occupancy grid goes in, a checked path comes out, within a deadline.
//!
//! In the order of the data flow: [`grid`], [`model`], [`halt`], [`path`]; [`planner`] is the whole flow on one screen,
//! [`stats`] counts what came of it. Knows nothing of ROS, has no clock of its own, prints nothing, and reads no files
//! but model bundles.

pub mod config;
pub mod error;
pub mod grid;
pub mod halt;
pub mod model;
pub mod path;
pub mod planner;
pub mod stats;
pub mod units;
pub mod usage;
