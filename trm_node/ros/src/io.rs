//! ROS at the edge: messages in, messages out, and nothing of what lies between.

#[cfg(nav2_msgs)]
pub mod actions;
pub mod convert;
pub mod diagnostics;
pub mod ends;
pub mod footprints;
#[cfg(test)]
mod for_tests;
pub mod goals;
pub mod grids;
pub mod incoming;
pub mod inference_failures;
pub mod key_values;
pub mod log;
pub mod matches;
pub mod newest;
pub mod path_message;
pub mod placing;
pub mod plan_codes;
pub mod plan_log;
pub mod qos_overrides;
pub mod reply;
pub mod robot;
pub mod ros_clock;
pub mod services;
pub mod state;
pub mod status;
#[cfg(visualization_msgs)]
pub mod steps;
pub mod topics;
pub mod transforms;
pub mod verdict;
