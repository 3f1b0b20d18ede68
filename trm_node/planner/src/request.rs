//! What is asked of the planner, and what comes of it.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::report::Report;
use crate::error::PlanError;
use crate::path::verify::VerifiedPath;
use crate::units::Pose;

/// What is asked for. Times are readings of the planner's clock.
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
    /// Set by another thread to give the plan up.
    pub cancel: Option<&'a AtomicBool>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The checked path, or why there is none.
    pub path: Result<&'a VerifiedPath, PlanError>,
    /// How it went.
    pub report: Report,
}
