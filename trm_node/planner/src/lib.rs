//! The planner: a request comes in, a checked path or the reason why there is none goes out, before the deadline.
//!
//! In the order of the flow: [`request`], [`problem`], [`endpoints`], [`model`] with [`decode`], [`fallback`],
//! [`smooth`], and [`report`]; [`planner`] is the whole flow on one screen. [`halt`] says when the model stops,
//! [`guidance_worker`] computes guidance beside the loop, [`stats`] counts the outcomes.
//!
//! Imports `trm_config`, `trm_grid`, `trm_safety` and `trm_net`. Has no clock of its own, prints nothing, reads no files and
//! knows nothing of ROS. What may be published is decided by `trm_safety` alone.

mod budget;
pub mod decode;
pub mod endpoints;
pub mod epoch;
pub mod error;
pub mod fallback;
pub mod guidance_worker;
pub mod halt;
pub mod join;
pub mod model;
mod outside_window;
pub mod path_buffer;
pub mod planner;
mod previous_path;
pub mod problem;
pub mod report;
pub mod request;
pub mod search;
mod search_map;
pub mod smooth;
pub mod stats;

pub use error::PlanError;
pub use planner::Planner;
pub use report::{GuidanceKind, Report, Source, StageTimes};
pub use request::{Outcome, Request};
