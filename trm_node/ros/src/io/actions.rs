//! Nav2's planner actions, `compute_path_to_pose` and `compute_path_through_poses`, and its service `is_path_valid`.
//!
//! A goal is planned once, beside the goal of the topic and with the same check, fallback and deadline: that of the
//! planner that it names. Goals of several clients are independent. A newer goal of one client pre-empts its older one,
//! which ends aborted, as in Nav2.

mod book;
pub mod context;
mod kinds;
mod path_validity;
mod planning;
mod server;

use std::sync::Arc;

use r2r::nav2_msgs::action::{ComputePathThroughPoses, ComputePathToPose};
use tokio::runtime::Handle;

use crate::io::actions::context::Actions;

/// Creates the servers, and starts the tasks that answer.
pub fn serve(actions: Actions, node: &mut r2r::Node, runtime: &Handle) -> r2r::Result<()> {
    let actions = Arc::new(actions);
    server::serve::<ComputePathToPose::Action>(node, runtime, &actions)?;
    server::serve::<ComputePathThroughPoses::Action>(node, runtime, &actions)?;
    path_validity::serve(node, runtime, &actions)
}
