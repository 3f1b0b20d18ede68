//! Guidance for a game, as the node's worker computes it: kept up while the costs change, near the robot first, and over
//! headings for robots with a footprint.

use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::guided::Guided;
use trm_planner::halt::deadline::Clock;

use crate::guidance_here::GuidanceHere;

/// The worker, and the guidance that it has told of last.
pub struct GuideBook<C> {
    worker: GuidanceHere<C>,
    newest: Option<Box<Guided>>,
}

impl<C: Clock> GuideBook<C> {
    /// A worker without a grid.
    pub fn new(clock: C, settings: Settings) -> Self {
        Self { worker: GuidanceHere::new(clock, settings), newest: None }
    }

    /// Tells the worker of a change of the costs.
    pub fn change(&self, change: GridChange) {
        self.worker.change(change);
    }

    /// What there is.
    pub fn newest(&self) -> Option<&Guided> {
        self.newest.as_deref()
    }

    /// Has guidance computed. Takes all that is told of, or only what is told of first.
    pub fn guide(&mut self, costmap: &Costmap, start: Pose, goal: Pose, takes_all: bool) {
        let to_go = self.newest().and_then(|guided| guided.to_go(costmap, start));
        self.newest = None;
        for (number, guided) in self.worker.guide(start, goal, to_go).enumerate() {
            if takes_all || number == 0 {
                Guided::replace(&mut self.newest, &mut Some(guided));
            }
        }
    }
}
