//! A request to the planner, and its outcome.

use std::time::Duration;

use trm_grid::units::Pose;
use trm_safety::VerifiedPath;

use crate::epoch::Epoch;
use crate::error::PlanError;
use crate::report::Report;

/// A request for a path. Times are readings of the planner's clock.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The robot's pose in the map frame.
    pub start: Pose,
    /// The goal in the map frame.
    pub goal: Pose,
    /// The time when the request arrived.
    pub arrived: Duration,
    /// The time by which the path must be published.
    pub deadline: Duration,
    /// Planning is cancelled when this epoch is over; with `None` it never is.
    pub epoch: Option<Epoch<'a>>,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The checked path, or why there is none.
    pub path: Result<&'a VerifiedPath, PlanError>,
    /// How it went.
    pub report: Report,
}
