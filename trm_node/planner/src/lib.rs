//! The planner: it turns a request into a checked path, or into the reason why there is none, before the deadline.
//!
//! The modules in the order of the flow: [`request`], [`problem`], [`endpoints`], [`target`], [`model`] with [`decode`],
//! [`fallback`], [`smooth`] and [`report`]. [`disc_planner`] shows the whole flow at once; [`lattice_planner`] plans for
//! robots with a footprint, and [`planner`] is either of them. [`halt`] decides when the model stops, [`guidance_worker`]
//! computes guidance outside the planning loop, also what is [asked](ask) for once, and [`stats`] counts the outcomes.
//!
//! May import `trm_config`, `trm_grid`, `trm_safety` and `trm_net`. ROS, files, printing and reading the time other
//! than from the [`Clock`](halt::deadline::Clock) that is passed in must never be in it. Only `trm_safety` decides what
//! may be published.

pub mod answers;
pub mod ask;
pub mod backends;
mod buckets;
mod budget;
pub mod decode;
pub mod disc_planner;
pub mod endpoints;
pub mod epoch;
pub mod error;
pub mod fallback;
pub mod features;
pub mod goal_poses;
pub mod guidance_worker;
pub mod guided;
pub mod guides;
pub mod halt;
pub mod join;
pub mod kept_guidance;
pub mod lattice_planner;
pub mod model;
mod outside_window;
pub mod path_buffer;
pub mod planner;
mod pose_guide;
mod previous_path;
pub mod problem;
pub mod record;
pub mod report;
pub mod request;
pub mod robot;
pub mod search;
mod search_map;
pub mod smooth;
pub mod specialists;
pub mod stats;
pub mod target;
pub mod unchanged;
pub mod watch;

pub use error::PlanError;
pub use planner::Planner;
pub use report::{GuidanceKind, MovedGoal, Report, Source, StageTimes};
pub use request::{Outcome, Request};
