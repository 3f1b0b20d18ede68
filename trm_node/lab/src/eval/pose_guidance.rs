//! What the node's guidance worker computes for a goal, and what that takes.

use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::guided::Guided;

use crate::cpu_clock::CpuClock;
use crate::guidance_here::GuidanceHere;

/// The worker, on this thread, for one map.
pub struct PoseGuidanceWorker(GuidanceHere<CpuClock>);

/// Milliseconds of CPU since the goal came, that for guidance over cells not counted.
#[derive(Debug, Clone, Copy)]
pub struct PoseGuidanceTimes {
    /// Until the states around the robot are known, or all if there is no way from it.
    pub first: f64,
    /// Until all are.
    pub whole: f64,
    /// Megabytes of all.
    pub megabytes: f64,
}

impl PoseGuidanceWorker {
    /// A worker for a map.
    pub fn new(costmap: &Costmap, settings: Settings) -> Self {
        let worker = GuidanceHere::new(CpuClock, settings);
        worker.change(GridChange::Whole(Box::new(costmap.clone())));
        Self(worker)
    }

    /// All guidance to a goal for a robot at a pose; none where the robot can't stand at the goal.
    pub fn guide(&mut self, start: Pose, goal: Pose) -> Option<(Box<Guided>, PoseGuidanceTimes)> {
        let all: Vec<_> = self.0.guide(start, goal, None).collect();
        let ms = |guided: &Guided| guided.took.as_secs_f64() * 1e3;
        let cells = all.iter().rev().find(|guided| guided.poses.is_none()).map(|guided| ms(guided))?;
        let took = |guided: &Guided| ms(guided) - cells;
        let first = all.iter().find(|guided| guided.poses.is_some()).map(|guided| took(guided))?;
        let last = all.last()?;
        let bytes = last.poses.as_ref().map_or(0, |poses| poses.bytes());
        let times = PoseGuidanceTimes { first, whole: took(last), megabytes: bytes as f64 / 1e6 };
        let mut newest = None;
        for guided in all {
            Guided::replace(&mut newest, &mut Some(guided));
        }
        newest.map(|newest| (newest, times))
    }
}
