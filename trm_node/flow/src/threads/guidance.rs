//! The guidance thread: computes the cost-to-go of the whole map beside the planning loop.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use trm_config::Config;
use trm_planner::ask::Settings;
use trm_planner::epoch::Epochs;
use trm_planner::guidance_worker::GuidanceWorker;
use trm_planner::guided::{Guided, Purpose};
use trm_rt::ring;

use crate::heartbeats::Part;
use crate::messages::{GuidanceEvent, PlannerEvent};
use crate::plan_log::Content;
use crate::shared::Shared;

/// The parameters of a planner that its guidance depends on.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    Settings::new(&config.grid, &config.planner)
}

/// Runs until [`GuidanceEvent::Stop`].
pub fn run(
    shared: &Arc<Shared>,
    settings: Settings,
    epochs: Arc<Epochs>,
    planner: &ring::Sender<PlannerEvent>,
    inbox: &Receiver<GuidanceEvent>,
) {
    let deliver = |guided: Box<Guided>| {
        if matches!(guided.purpose, Purpose::Goal(_)) {
            shared.plan_log.put(|| Content::Guidance { number: guided.number, groups: guided.guidance.clone() });
        }
        // Fails only while the node is stopping.
        let _ = planner.send(PlannerEvent::Guidance(guided));
    };
    let alive = || shared.beat(Part::Guidance);
    GuidanceWorker::new(shared.clock.clone(), settings, epochs, deliver).run(inbox, &alive);
}
