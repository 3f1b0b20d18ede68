//! What is noted of one plan while it is made, in memory that is taken once.

use std::time::Duration;

use trm_grid::units::Pose;
use trm_safety::VerifiedPath;

use crate::error::PlanError;
use crate::record::readings::Readings;
use crate::report::Report;
use crate::request::Outcome;

/// Readings of the clock that a plan has room for. One of 30 ms takes some hundred.
const READINGS: usize = 1 << 14;
/// Poses that a path has room for.
const POSES: usize = 1 << 13;

/// One plan: what it was given, and what came out.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Its number, counted from 1.
    pub number: u64,
    /// ROS time before it.
    pub time: Duration,
    /// The robot's pose in the map frame.
    pub start: Pose,
    /// The goal in the map frame.
    pub goal: Pose,
    /// When the request arrived, as a reading of the node's clock.
    pub arrived: Duration,
    /// When its path must be there.
    pub deadline: Duration,
    /// The version of the costs.
    pub costs: u64,
    /// The number of the guidance; `None` without any.
    pub guidance: Option<u64>,
    /// The readings of the clock.
    pub readings: Readings,
    /// The poses of its path.
    path: Vec<Pose>,
    /// How it ended.
    pub result: Result<(), PlanError>,
    /// How it went.
    pub report: Report,
}

impl Noted {
    /// Memory for a plan.
    #[must_use]
    pub fn with_room() -> Self {
        // Written to, so that its pages are there before the first path.
        let mut path = vec![Pose::new(1.0, 0.0, 0.0); POSES];
        path.clear();
        Self {
            number: 0,
            time: Duration::ZERO,
            start: Pose::default(),
            goal: Pose::default(),
            arrived: Duration::ZERO,
            deadline: Duration::ZERO,
            costs: 0,
            guidance: None,
            readings: Readings::with_room(READINGS),
            path,
            result: Ok(()),
            report: Report::default(),
        }
    }

    /// Notes what came out. Allocates nothing.
    pub fn end(&mut self, outcome: &Outcome) {
        let path = outcome.path.map_or(&[][..], VerifiedPath::poses);
        self.path.clear();
        self.path.extend_from_slice(&path[..path.len().min(POSES)]);
        self.readings.is_full |= path.len() > POSES;
        (self.result, self.report) = (outcome.path.map(|_| ()), outcome.report);
    }

    /// The poses of its path.
    #[must_use]
    pub fn path(&self) -> &[Pose] {
        &self.path
    }

    /// Whether all of it found room.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        !self.readings.is_full
    }
}
