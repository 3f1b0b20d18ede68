//! Which poses a robot with a footprint may plan to.

use std::f64::consts::PI;

use trm_config::GoalHeading;
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::units::{Cell, Pose};
use trm_lattice::clearance::Clearance;
use trm_lattice::headings::{Headings, wrapped};
use trm_lattice::pose::CellPose;

use crate::endpoints::GoalArea;

/// How many headings a lattice has.
pub(crate) const HEADINGS: Headings = Headings::H16;
/// How far beside a goal that can't be driven to exactly a path may end, in cells.
pub const BESIDE_GOAL: f64 = 0.75;
/// The heading of an arrival is that over the last so many moves.
const STRAIGHT: usize = 8;
/// Moves of a way that are looked at.
const MAX_MOVES: usize = 1 << 14;

/// A goal, in cells.
pub(crate) struct Wanted<'a> {
    pub pose: CellPose,
    pub area: &'a GoalArea,
    /// With which headings the robot may stand there.
    pub heading: GoalHeading,
    /// The heading that it is to have where more than one will do.
    pub arrival: &'a dyn Fn() -> f64,
}

impl Wanted<'_> {
    /// The poses to plan to, in the order in which they are tried: each is the goal with a heading that it may have, or the
    /// nearest place within the tolerance where the robot can stand so.
    pub fn poses(&self, clearance: &Clearance) -> [Option<CellPose>; 3] {
        let (ahead, back) = (self.pose.yaw, self.pose.yaw + PI);
        let yaws = match self.heading {
            GoalHeading::Default => [Some(ahead), None, None],
            GoalHeading::Bidirectional => {
                let arrival = (self.arrival)();
                let is_back = turn(arrival, back) < turn(arrival, ahead);
                let [first, second] = if is_back { [back, ahead] } else { [ahead, back] };
                [Some(first), Some(second), None]
            }
            GoalHeading::All => [Some((self.arrival)()), Some(ahead), Some(back)],
        };
        let can_stand = |pose: CellPose| clearance.is_clear_at(pose);
        yaws.map(|yaw| {
            let exact = CellPose { yaw: yaw?, ..self.pose };
            let at = |cell: Cell| CellPose { col: f64::from(cell.col), row: f64::from(cell.row), ..exact };
            if can_stand(exact) { Some(exact) } else { self.area.nearest(|cell| can_stand(at(cell))).map(at) }
        })
    }
}

/// The heading with which guidance from a start comes to a goal.
pub(crate) fn arrival(costmap: &Costmap, guidance: Option<&Guidance>, start: CellPose, goal: CellPose) -> f64 {
    let mut cell = start.at().cell();
    let mut before = cell;
    if let Some(guidance) = guidance {
        let ways = std::iter::successors(Some(cell), |cell| guidance.next(costmap, *cell));
        for (count, next) in ways.take(MAX_MOVES).enumerate() {
            // The direction over the last cells, not of the last move alone.
            if count % STRAIGHT == 0 {
                (before, cell) = (cell, next);
            }
        }
    }
    let from = if before.center().distance(goal.at()) < 1.0 { start.at() } else { before.center() };
    from.heading(goal.at())
}

/// A pose in cells and relative to the grid's columns.
pub(crate) fn in_cells(geometry: &Geometry, pose: Pose) -> CellPose {
    let at = geometry.to_cells(pose.point());
    CellPose::new(at.col, at.row, geometry.to_grid_yaw(pose.yaw))
}

/// The angle between two headings, in radians.
pub(crate) fn turn(one: f64, other: f64) -> f64 {
    wrapped(one - other).abs()
}
