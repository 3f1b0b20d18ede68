//! Computes guidance over positions and headings for a robot with a footprint, beside the guidance over cells.

use std::sync::Arc;

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::clearance::Clearance;
use trm_lattice::lattice::{State, UNITS_PER_CELL};
use trm_lattice::map_field::{MapField, Progress};
use trm_lattice::pose::CellPose;
use trm_lattice::pose_guidance::PoseGuidance;

use crate::endpoints::GoalArea;
use crate::goal_poses::{BESIDE_GOAL, HEADINGS, Wanted, arrival, in_cells};
use crate::robot::Robot;

/// Cost that is added between two looks whether the robot's states are known, in units.
const STRIDE: u16 = 40 * UNITS_PER_CELL as u16;
/// How much farther than to the robot guidance is known when it is told of first, in units: the robot's way may begin with a detour.
const BEYOND: u16 = 64 * UNITS_PER_CELL as u16;
/// Cells around the robot's in which its states are looked for.
const NEAR: i32 = 2;

/// A goal, and from where.
#[derive(Clone, Copy)]
pub(crate) struct Aim<'a> {
    pub goal: Pose,
    pub area: &'a GoalArea,
    /// The robot is here, if that is known.
    pub robot: Option<Pose>,
    /// The guidance over cells.
    pub guidance: &'a [Guidance],
}

/// What guidance is computed for.
pub(crate) struct Aimed {
    goal: CellPose,
    robot: Option<Pose>,
}

/// The field of one robot on one grid.
struct Made {
    robot: Arc<Robot>,
    /// Metres of a cell.
    resolution: f64,
    field: MapField,
}

/// What computes guidance over positions and headings. It keeps its work: the next computation for the same goal begins with
/// what still holds.
#[derive(Default)]
pub(crate) struct PoseGuide {
    made: Option<Made>,
    /// The last goal, and the pose that was planned to.
    last: Option<(Pose, CellPose)>,
}

impl PoseGuide {
    /// Finds the pose to plan to; `None` where no lattice can be made, or the robot can't stand at the goal.
    pub fn aim(&mut self, costmap: &Costmap, (robot, travel): (&Arc<Robot>, Travel), aim: &Aim) -> Option<Aimed> {
        self.prepare(costmap, robot, travel);
        let goal = self.goal(costmap, aim)?;
        self.last = Some((aim.goal, goal));
        Some(Aimed { goal, robot: aim.robot })
    }

    /// Computes guidance to that pose and tells of it: first as soon as the states around the robot are known, then all of it.
    /// `false` if it was told to stop.
    pub fn compute(
        &mut self,
        costmap: &Costmap,
        aimed: &Aimed,
        cancelled: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(PoseGuidance),
    ) -> bool {
        let Some(Made { field, robot, .. }) = &mut self.made else { return true };
        field.aim(costmap, aimed.goal, (BESIDE_GOAL, robot.yaw_goal_tolerance));
        let mut may_go_on = || !cancelled();
        if let Some(start) = aimed.robot.map(|robot| in_cells(costmap.geometry(), robot)) {
            let mut until = STRIDE;
            while let Progress::Below(below) = field.go_on(until, &mut may_go_on) {
                if cancelled() {
                    return false;
                }
                if let Some(cost) = cost_around(field, start) {
                    let enough = cost.saturating_add(cost / 8).saturating_add(BEYOND);
                    if below >= enough {
                        tell(field.guidance());
                        break;
                    }
                    until = enough;
                } else {
                    until = below.saturating_add(STRIDE);
                }
            }
        }
        while let Progress::Below(_) = field.go_on(u16::MAX, &mut may_go_on) {
            if cancelled() {
                return false;
            }
        }
        tell(field.guidance());
        true
    }

    /// Makes what is needed for a robot on a grid, and brings it up to the present costs.
    fn prepare(&mut self, costmap: &Costmap, robot: &Arc<Robot>, travel: Travel) {
        let resolution = costmap.geometry().resolution();
        let known =
            self.made.take().filter(|made| made.robot == *robot && made.resolution.to_bits() == resolution.to_bits());
        let field = match known.map(|made| made.field) {
            Some(mut field) if field.fits(costmap, travel) => {
                field.update(costmap);
                Some(field)
            }
            Some(field) => Some(MapField::new(Arc::clone(field.lattice()), costmap, travel)),
            None => {
                let lattice = robot.lattice(resolution, HEADINGS).ok();
                lattice.map(|lattice| MapField::new(Arc::new(lattice), costmap, travel))
            }
        };
        self.made = field.map(|field| Made { robot: Arc::clone(robot), resolution, field });
    }

    /// The pose to plan to. Where more than one will do, it is that of the last guidance to the same goal while the robot can
    /// stand there, so that guidance stays true while the robot goes.
    fn goal(&self, costmap: &Costmap, aim: &Aim) -> Option<CellPose> {
        let made = self.made.as_ref()?;
        let clearance = Clearance::new(made.field.lattice().outline(), made.field.blocked());
        let pose = in_cells(costmap.geometry(), aim.goal);
        let known = self.last.filter(|(goal, _)| *goal == aim.goal && aim.robot.is_none());
        let arrival = || match (known, aim.robot) {
            (Some((_, last)), _) => last.yaw,
            (None, Some(robot)) => {
                let start = in_cells(costmap.geometry(), robot);
                let leads = |group: &&Guidance| group.cost_to_go(start.at().cell()).is_finite();
                arrival(costmap, aim.guidance.iter().find(leads), start, pose)
            }
            (None, None) => pose.yaw,
        };
        let wanted = Wanted { pose, area: aim.area, heading: made.robot.goal_heading, arrival: &arrival };
        wanted.poses(&clearance).into_iter().flatten().next()
    }
}

/// The least cost-to-go of a state around a pose.
fn cost_around(field: &MapField, pose: CellPose) -> Option<u16> {
    let (cell, lattice) = (pose.at().cell(), field.lattice());
    let (nearest, headings) = (i32::from(lattice.nearest_heading(pose.yaw)), lattice.headings().len() as i32);
    let near = -NEAR..=NEAR;
    let all = near.clone().flat_map(|row| near.clone().map(move |col| (col, row)));
    let states = all.flat_map(|(col, row)| {
        (-1..=1).map(move |turn| State {
            cell: Cell::new(cell.col.saturating_add(col), cell.row.saturating_add(row)),
            heading: (nearest + turn).rem_euclid(headings) as u8,
        })
    });
    states.filter_map(|state| field.value(state)).min()
}
