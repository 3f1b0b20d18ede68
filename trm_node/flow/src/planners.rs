//! The planners of a node: that of the ticks, and one of each name for requests, so that neither disturbs the other's
//! state and previous path.

use trm_config::{Config, GridConfig};
use trm_grid::costmap::Costmap;
use trm_net::error::LoadError;
use trm_planner::Planner;

/// All of them.
pub struct Planners {
    /// Plans to goals of the topic, again and again.
    pub ticks: Planner,
    /// Plan when they are asked, in the order of `planner_plugins`.
    pub named: Vec<Planner>,
}

impl Planners {
    /// Makes all that the parameters name. `make` makes one with its own parameters.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn make(
        config: &Config,
        mut make: impl FnMut(&Config) -> Result<Planner, LoadError>,
    ) -> Result<Self, LoadError> {
        let mut one = |index| make(&config.of_planner(index));
        Ok(Self { ticks: one(0)?, named: (0..config.planners()).map(one).collect::<Result<_, _>>()? })
    }

    /// Allocates everything for a grid.
    pub fn prepare(&mut self, costmap: &Costmap) {
        self.all().for_each(|planner| planner.prepare(costmap));
    }

    /// Forgets states and previous paths, so that the next plans start cold.
    pub fn reset(&mut self) {
        self.all().for_each(Planner::reset);
    }

    /// The ticks go on with their path, where that can be.
    pub fn take_over(&mut self, old: &mut Self) {
        self.ticks.take_over(&mut old.ticks);
    }

    /// Tells of the robot's size, for when it changes together with the costs.
    pub fn set_robot(&mut self, grid: &GridConfig) {
        self.all().for_each(|planner| planner.set_robot(grid));
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Planner> {
        std::iter::once(&mut self.ticks).chain(&mut self.named)
    }
}
