//! The problem that one plan solves, in cells of the costmap.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_safety::check::Rules;
use trm_safety::ends::{first_point, last_point};

use crate::endpoints::GoalArea;
use crate::epoch::Epoch;

/// A request on a costmap. Created once for each plan, and never changed.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The costmap.
    pub costmap: &'a Costmap,
    /// The guidance to `goal`, if there is any.
    pub guidance: Option<&'a Guidance>,
    /// Which cells a path may cross.
    pub rules: Rules,
    /// What crossing the cells costs.
    pub travel: Travel,
    /// The end of the departure: the free cell where planning begins.
    pub from: Cell,
    /// The cells that the goal may be planned to.
    pub area: GoalArea,
    /// The cell to plan to.
    pub goal: Cell,
    /// The pose of the robot.
    pub start_pose: Pose,
    /// The requested pose.
    pub goal_pose: Pose,
    /// The plan is cancelled when this epoch is over.
    pub epoch: Option<Epoch<'a>>,
}

impl<'a> Problem<'a> {
    /// From the centre of a cell to that of another, without guidance and an epoch.
    #[must_use]
    pub fn between(costmap: &'a Costmap, rules: Rules, travel: Travel, [from, goal]: [Cell; 2]) -> Self {
        let [start_pose, goal_pose] = [from, goal].map(|cell| {
            let center = costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        });
        let area = GoalArea::only(goal);
        Self { costmap, guidance: None, rules, travel, from, area, goal, start_pose, goal_pose, epoch: None }
    }

    /// Whether the plan is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.epoch.is_some_and(|epoch| epoch.is_over())
    }

    /// Where the path begins: see [`first_point`].
    #[must_use]
    pub fn begin(&self) -> Point {
        first_point(self.costmap, self.rules.allow_unknown, self.start_pose.point())
    }

    /// Where the path ends: see [`last_point`].
    #[must_use]
    pub fn end(&self) -> Pose {
        let Point { x, y } = last_point(self.costmap, self.rules.allow_unknown, self.goal, self.goal_pose.point());
        Pose { x, y, ..self.goal_pose }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::Epochs;
    use trm_grid::testing::{costmap, travel};

    fn problem(costmap: &Costmap, from: Cell) -> Problem<'_> {
        Problem {
            costmap,
            guidance: None,
            rules: Rules { allow_unknown: false, escape: 0.0 },
            travel: travel(2.0),
            from,
            area: GoalArea::only(Cell::new(4, 0)),
            goal: Cell::new(4, 0),
            start_pose: Pose::default(),
            goal_pose: Pose::default(),
            epoch: None,
        }
    }

    #[test]
    fn a_problem_is_cancelled_when_its_epoch_is_over() {
        let (map, epochs) = (costmap(&["....."]), Epochs::default());
        let mut problem = problem(&map, Cell::new(0, 0));
        assert!(!problem.is_cancelled());
        problem.epoch = Some(Epoch::new(&epochs, epochs.begin()));
        assert!(!problem.is_cancelled());
        epochs.begin();
        assert!(problem.is_cancelled());
    }
}
