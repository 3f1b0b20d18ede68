//! The world thread: owns the grid as it came in, works out the costs, and sends whole grids and changed rectangles to
//! those that plan on copies of their own. Slow things happen here, and what the planner thread is done with dies here.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::OccupancyGrid;
use trm_config::Config;
use trm_net::error::LoadError;
use trm_grid::costmap::{CostPatch, Costmap, CostmapBuilder};
use trm_config::GridKind;
use trm_planner::halt::deadline::Clock;
use trm_net::bundle::Bundle;
use trm_planner::Planner;

use crate::guidance::{self, GuidanceInbox, Guided};
use crate::shared::Shared;
use crate::{convert, inbox, planner};

/// What comes in. Times are when the message arrived.
pub enum Event {
    Grid(Box<OccupancyGrid>, Duration),
    Update(Box<OccupancyGridUpdate>, Duration),
    Configure(Box<Config>),
    /// To be dropped here, where it costs no planning time.
    Discard(Garbage),
    Stop,
}

/// A change of the grid for those that keep a copy of its costs. Copies share what is the same in them.
pub enum GridChange {
    Whole(Box<Costmap>),
    Patch(Box<CostPatch>),
}

/// Things too big to be freed on the planner thread.
pub enum Garbage {
    Costmap(Box<Costmap>),
    Patch(Box<CostPatch>),
    Guidance(Box<Guided>),
    Planner(Box<Planner>),
    Config(Box<Config>),
}

impl Garbage {
    fn free(self) {
        match self {
            Self::Costmap(costmap) => drop(costmap),
            Self::Patch(patch) => drop(patch),
            Self::Guidance(guidance) => drop(guidance),
            Self::Planner(planner) => drop(planner),
            Self::Config(config) => drop(config),
        }
    }
}

/// Brings a copy up to date; what was there before is handed back.
pub fn apply(copy: &mut Option<Box<Costmap>>, change: GridChange) -> Option<Garbage> {
    match change {
        GridChange::Whole(whole) => copy.replace(whole).map(Garbage::Costmap),
        GridChange::Patch(mut patch) => {
            if let Some(costmap) = copy {
                costmap.exchange(&mut patch);
            }
            Some(Garbage::Patch(patch))
        }
    }
}

/// The world thread's state.
pub struct World {
    pub shared: Arc<Shared>,
    pub config: Box<Config>,
    pub bundle: Bundle,
    pub builder: CostmapBuilder,
    pub planner: inbox::Sender<planner::Event>,
    pub guidance: GuidanceInbox,
}

/// A builder for the grid that the parameters name.
pub fn builder(config: &Config) -> CostmapBuilder {
    let kind = if config.node.grid_source == "costmap" { GridKind::Costmap } else { GridKind::Map };
    CostmapBuilder::new(&config.grid, kind)
}

impl World {
    /// Runs until [`Event::Stop`].
    pub fn run(mut self, inbox: &Receiver<Event>) {
        while let Ok(first) = inbox.recv() {
            let mut events: Vec<_> = std::iter::once(first).chain(inbox.try_iter()).collect();
            self.lose_superseded(&mut events);
            for event in events {
                match event {
                    Event::Grid(message, arrived) => self.replace(*message, arrived),
                    Event::Update(message, arrived) => self.update(&message, arrived),
                    Event::Configure(config) => self.configure(config),
                    Event::Discard(garbage) => garbage.free(),
                    Event::Stop => return,
                }
            }
        }
    }

    /// The newest whole grid wins over all grids and updates before it.
    fn lose_superseded(&self, events: &mut Vec<Event>) {
        let Some(newest) = events.iter().rposition(|event| matches!(event, Event::Grid(..))) else { return };
        let before = events.len();
        let mut at = 0;
        events.retain(|event| {
            at += 1;
            at > newest || !matches!(event, Event::Grid(..) | Event::Update(..))
        });
        self.shared.health().grid.lose((before - events.len()) as u64);
    }

    fn replace(&mut self, message: OccupancyGrid, arrived: Duration) {
        let grid = match convert::grid(message, &self.config.node.map_frame) {
            Ok(grid) => grid,
            Err(error) => return self.refuse(&error),
        };
        self.shared.health().grid.good(self.shared.clock.now());
        let is_resized = self.builder.costmap().is_none_or(|old| old.geometry() != grid.geometry());
        let costmap = self.builder.replace(grid);
        if is_resized {
            let geometry = costmap.geometry();
            self.shared.log.info(&format!(
                "grid of {} x {} cells of {} m",
                geometry.width(),
                geometry.height(),
                geometry.resolution()
            ));
        }
        let copies = (costmap.clone(), costmap.clone());
        self.send_whole(copies, is_resized, arrived);
    }

    fn update(&mut self, message: &OccupancyGridUpdate, arrived: Duration) {
        let patch = convert::update_rect(message, &self.config.node.map_frame)
            .and_then(|rect| self.builder.update(rect, &message.data));
        match patch {
            Ok(patch) => {
                self.shared.health().grid.good(self.shared.clock.now());
                let patch = Box::new(patch);
                self.guidance.send(guidance::Event::Grid(GridChange::Patch(patch.clone())));
                // Fails only when the node is stopping; so everywhere below.
                let _ = self.planner.send(planner::Event::Grid(GridChange::Patch(patch), arrived));
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn send_whole(&self, (one, other): (Costmap, Costmap), is_resized: bool, arrived: Duration) {
        self.guidance.send(guidance::Event::Grid(GridChange::Whole(Box::new(one))));
        if is_resized {
            self.guidance.interrupt();
        }
        let _ = self.planner.send(planner::Event::Grid(GridChange::Whole(Box::new(other)), arrived));
    }

    fn refuse(&self, error: &LoadError) {
        let text = error.to_string();
        if self.shared.health().grid.refuse(&text, self.shared.clock.now()) {
            self.shared.log.warn(&text);
        }
    }

    fn configure(&mut self, config: Box<Config>) {
        let old = std::mem::replace(&mut self.config, config);
        if !plans_alike(&old, &self.config) {
            match Planner::new(&self.config.grid, &self.config.planner, &self.bundle, &self.shared.clock) {
                Ok(planner) => {
                    let _ = self.planner.send(planner::Event::Planner(Box::new(planner)));
                }
                Err(error) => {
                    let text = format!("the planner stays as it was: {error}");
                    self.shared.health().parameters.refuse(&text, self.shared.clock.now());
                    self.shared.log.error(&text);
                }
            }
        }
        let _ = self.planner.send(planner::Event::Config(self.config.clone()));
        self.guidance.send(guidance::Event::Config(self.config.clone()));
        if !costs_alike(&old, &self.config)
            && let Some(costmap) = self.builder.configure(&self.config)
        {
            let copies = (costmap.clone(), costmap.clone());
            self.send_whole(copies, false, self.shared.clock.now());
        }
    }
}

/// A configuration with the parameters of another that costs are made with.
fn with_costs_of(config: &Config, other: &Config) -> Config {
    {
let mut new = config.clone();
new.grid.robot_radius = other.robot_radius;
new.grid.inflation_radius = other.inflation_radius;
new.grid.cost_scaling_factor = other.cost_scaling_factor;
new.grid.occupied_threshold = other.occupied_threshold;
new
}
}

/// Whether a grid has the same costs under both.
fn costs_alike(old: &Config, new: &Config) -> bool {
    with_costs_of(old, new) == *old
}

/// Whether the planner itself may stay when the parameters change from one to the other.
fn plans_alike(old: &Config, new: &Config) -> bool {
    let node_only = {
let mut new = with_costs_of(old, new);
new.node.transform_tolerance = new.node.transform_tolerance;
new.node.goal_reached_tolerance = new.node.goal_reached_tolerance;
new.node.planner_frequency = new.node.planner_frequency;
new.node.deadline_ms = new.node.deadline_ms;
new
};
    node_only == *new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_radius_makes_new_costs_and_a_new_tolerance_a_new_planner() {
        let old = Config::default();
        let radius = {
let mut new = old.clone();
new.grid.robot_radius = 0.3;
new
};
        assert!(!costs_alike(&old, &radius) && plans_alike(&old, &radius));
        let tolerance = {
let mut new = old.clone();
new.planner.tolerance = 0.1;
new
};
        assert!(costs_alike(&old, &tolerance) && !plans_alike(&old, &tolerance));
        let frequency = {
let mut new = old.clone();
new.node.planner_frequency = 5.0;
new
};
        assert!(costs_alike(&old, &frequency) && plans_alike(&old, &frequency));
    }
}
