//! Random queries for a robot with a footprint.

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{CellPoint, Pose};
use trm_planner::endpoints::GoalArea;
use trm_planner::target::guide;

use crate::judge::driven::Driven;
use crate::worlds::random::Random;

/// Poses that are drawn until the robot stands clear at one.
const TRIES: usize = 20_000;

/// A query.
pub struct Pair {
    pub start: Pose,
    pub goal: Pose,
    pub guidance: Vec<Guidance>,
}

impl Pair {
    /// Two random poses where the robot stands clear, the first of them where the guidance to the second knows a way for a disc.
    pub fn draw(costmap: &Costmap, config: &Config, driven: &Driven, random: &mut Random) -> Option<Self> {
        let geometry = costmap.geometry();
        let mut pose = || {
            let (width, height) = (f64::from(geometry.width()), f64::from(geometry.height()));
            let at = CellPoint::new(random.number(-0.5, width - 0.5), random.number(-0.5, height - 0.5));
            let point = geometry.to_point(at);
            Pose::new(point.x, point.y, random.number(-std::f64::consts::PI, std::f64::consts::PI))
        };
        let is_clear = |pose: &Pose| {
            let cell = geometry.cell_at(pose.point());
            cell.is_some_and(|cell| costmap.is_free(cell, config.grid.allow_unknown))
                && driven.stands_clear(driven.map.stand(*pose))
        };
        let goal = (0..TRIES).map(|_| pose()).find(is_clear)?;
        let area = GoalArea::new(geometry, config.planner.tolerance, goal.point()).ok()?;
        let guidance = guide(costmap, Travel::new(&config.grid), &area, &|| false)?;
        let leads = |pose: &Pose| {
            let cell = geometry.cell_at(pose.point());
            cell.is_some_and(|cell| guidance.first().is_some_and(|first| first.cost_to_go(cell).is_finite()))
        };
        let start = (0..TRIES).map(|_| pose()).find(|pose| leads(pose) && is_clear(pose))?;
        Some(Self { start, goal, guidance })
    }
}
