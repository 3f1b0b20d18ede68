//! The planner of `trm_node`: an occupancy grid goes in, a checked path comes out, within a deadline.
//!
//! In the order of the data flow: [`grid`], [`model`]. Knows nothing of ROS, has no clock of its own, prints nothing,
//! and reads no files but model bundles.

pub mod config;
pub mod error;
pub mod grid;
pub mod model;
pub mod units;
