//! What the guidance worker tells of a goal.

use std::sync::Arc;

use crossbeam_channel::unbounded;
use trm_config::Config;
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::epoch::Epochs;
use trm_planner::guidance_worker::{Event, GuidanceWorker};
use trm_planner::guided::Guided;

use crate::common::Simulated;

/// All that there is once the worker is done, for a robot that gets its goal here.
pub fn guided(map: &Costmap, config: &Config, start: Pose, goal: Pose) -> Option<Box<Guided>> {
    let (events, inbox) = unbounded();
    let epochs = Arc::<Epochs>::default();
    let mut all = None;
    let deliver = |guided: Box<Guided>| Guided::replace(&mut all, &mut Some(guided));
    let settings = Settings::new(&config.grid, &config.planner);
    let mut worker = GuidanceWorker::new(Simulated::default(), settings, Arc::clone(&epochs), deliver);
    events.send(Event::Grid(GridChange::Whole(Box::new(map.clone())))).unwrap();
    events.send(Event::Goal(goal, epochs.begin(), Some(start))).unwrap();
    assert!(worker.step(&inbox));
    drop(worker);
    all
}
