//! A request to the planner, and its outcome.

use std::time::Duration;

use trm_grid::units::Pose;
use trm_safety::VerifiedPath;

use crate::epoch::Epoch;
use crate::error::PlanError;
use crate::report::Report;

/// A request. Times are readings of the planner's clock.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the robot is, in the map frame.
    pub start: Pose,
    /// Where it shall go, in the map frame.
    pub goal: Pose,
    /// When the request arrived.
    pub arrived: Duration,
    /// When the path must be published.
    pub deadline: Duration,
    /// Planning is cancelled when this epoch is over; `None`: never.
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
