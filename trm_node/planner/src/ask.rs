//! Guidance that is asked for once, beside that for the goal: for a goal that somebody else plans to.

use std::collections::VecDeque;
use std::sync::Arc;

use trm_config::{GridConfig, PlannerConfig};
use trm_grid::travel::Travel;
use trm_grid::units::Pose;

use crate::epoch::Epochs;
use crate::robot::Robot;

/// The parameters that guidance depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The travel costs.
    pub travel: Travel,
    /// The distance in metres within which a goal that is blocked or can't be reached is moved.
    pub tolerance: f64,
    /// The robot, if it isn't a disc.
    pub robot: Option<Arc<Robot>>,
}

impl Settings {
    /// Those of these parameters.
    #[must_use]
    pub fn new(grid: &GridConfig, planner: &PlannerConfig) -> Self {
        let robot = Robot::of(grid, planner).map(Arc::new);
        Self { travel: Travel::new(grid), tolerance: planner.tolerance, robot }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Where to.
    pub goal: Pose,
    /// For a planner with these parameters.
    pub settings: Settings,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What.
    pub ask: Ask,
    /// The robot is here, as far as that is known.
    pub robot: Option<Pose>,
    /// Nobody wants it any more when the first epoch is over.
    pub epochs: Arc<Epochs>,
}

impl Asked {
    /// Whether nobody wants it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.epochs.is_over(1)
    }
}

/// So many may wait; the newest count.
const MAX_ASKS: usize = 64;

/// What waits to be computed, the oldest first.
#[derive(Debug, Default)]
pub struct Asks(VecDeque<Asked>);

impl Asks {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes one more in. The same asked by another is computed once.
    pub fn put(&mut self, asked: Asked) {
        self.0.retain(|other| !other.is_over() && other.ask != asked.ask);
        self.0.push_back(asked);
        if self.0.len() > MAX_ASKS {
            self.0.pop_front();
        }
    }

    /// Puts one back that was interrupted.
    pub fn put_back(&mut self, asked: Asked) {
        if self.0.iter().all(|other| other.ask != asked.ask) {
            self.0.push_front(asked);
        }
    }

    /// The next one that somebody still wants.
    pub fn take(&mut self) -> Option<Asked> {
        std::iter::from_fn(|| self.0.pop_front()).find(|asked| !asked.is_over())
    }
}
