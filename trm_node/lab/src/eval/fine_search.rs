//! The planner's search over positions and headings with twice as many headings and all the time that it needs: what the
//! planner's paths are compared with.

use std::sync::Arc;

use anyhow::anyhow;
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::blocked::Blocked;
use trm_lattice::clearance::Clearance;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::Lattice;
use trm_lattice::path::PathPose;
use trm_lattice::pose::CellPose;
use trm_lattice::search::{Outcome, Request, Search, World};
use trm_lattice::shorten::Shortener;
use trm_planner::goal_poses::BESIDE_GOAL;
use trm_planner::lattice_planner::GREED;
use trm_planner::robot::Robot;

use super::pair::Pair;

/// Room for states; what doesn't fit isn't compared.
const ROOM: usize = 1 << 21;
/// Room for poses.
const POSES: usize = 1 << 15;

/// The search on one map.
pub struct FineSearch {
    lattice: Arc<Lattice>,
    blocked: Blocked,
    search: Search,
    shortener: Shortener,
    path: Vec<PathPose>,
}

impl FineSearch {
    /// A search for a map.
    ///
    /// # Errors
    /// When the robot's motions can't be laid on its cells.
    pub fn new(config: &Config, costmap: &Costmap) -> anyhow::Result<Self> {
        let robot = Robot::of(&config.grid, &config.planner).ok_or_else(|| anyhow!("--footprint: none"))?;
        let lattice = Arc::new(robot.lattice(costmap.geometry().resolution(), Headings::H32)?);
        Ok(Self {
            search: Search::with_room(&lattice, Travel::new(&config.grid), ROOM),
            lattice,
            blocked: Blocked::new(costmap, config.grid.allow_unknown),
            shortener: Shortener::with_room(POSES),
            path: Vec::with_capacity(POSES),
        })
    }

    /// The length of the path that it finds, straightened, in metres; `None` if it finds none.
    pub fn length(&mut self, config: &Config, costmap: &Costmap, pair: &Pair) -> Option<f64> {
        let geometry = costmap.geometry();
        let in_cells = |pose: Pose| {
            let at = geometry.to_cells(pose.point());
            CellPose::new(at.col, at.row, geometry.to_grid_yaw(pose.yaw))
        };
        let travel = Travel::new(&config.grid);
        let weight = |cell: Cell| travel.weight(costmap.cost(cell).unwrap_or(0));
        let guidance = pair.guidance.first()?;
        let world = World {
            lattice: &self.lattice,
            blocked: &self.blocked,
            weight,
            cost_to_go: |cell| guidance.cost_to_go(cell),
            poses: None,
        };
        let request = Request {
            start: in_cells(pair.start),
            goal: in_cells(pair.goal),
            start_tolerance: config.planner.start_tolerance / geometry.resolution(),
            goal_tolerance: (BESIDE_GOAL, config.planner.yaw_goal_tolerance),
            greed: GREED,
        };
        let found = self.search.run(&world, &request, &mut || true);
        if !matches!(found, Outcome::Found(_)) || !self.search.path(&self.lattice, &mut self.path) {
            return None;
        }
        let clearance = Clearance::new(self.lattice.outline(), &self.blocked);
        self.shortener.shorten(&mut self.path, self.lattice.motion(), &clearance, weight, &mut || true);
        let cells: f64 = self.path.windows(2).map(|pair| pair[0].pose.at().distance(pair[1].pose.at())).sum();
        Some(cells * geometry.resolution())
    }
}
