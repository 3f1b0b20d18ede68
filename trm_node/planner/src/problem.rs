//! The problem that one plan solves, in cells of the costmap.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_safety::check::Rules;

use crate::epoch::Epoch;
use crate::report::GuidanceKind;

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
    /// The cell to plan to.
    pub goal: Cell,
    /// The pose of the robot.
    pub start_pose: Pose,
    /// The requested pose.
    pub goal_pose: Pose,
    /// The plan is cancelled when this epoch is over.
    pub epoch: Option<Epoch<'a>>,
}

impl Problem<'_> {
    /// Whether the plan is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.epoch.is_some_and(|epoch| epoch.is_over())
    }

    /// What leads the path outside the window.
    #[must_use]
    pub fn guidance_kind(&self) -> GuidanceKind {
        match self.guidance.map(Guidance::version) {
            None => GuidanceKind::None,
            Some(Some(_)) => GuidanceKind::Classical,
            Some(None) => GuidanceKind::Corridor,
        }
    }

    /// Whether guidance for this version of the costmap shows that no path leads to the goal.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        let guidance = self.guidance.filter(|guidance| guidance.version() == Some(self.costmap.version()));
        guidance.is_some_and(|guidance| guidance.cost_to_go(self.from).is_infinite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::Epochs;
    use trm_grid::testing::{costmap, travel};

    fn problem<'a>(costmap: &'a Costmap, guidance: Option<&'a Guidance>, from: Cell) -> Problem<'a> {
        Problem {
            costmap,
            guidance,
            rules: Rules { allow_unknown: false, escape: 0.0 },
            travel: travel(2.0),
            from,
            goal: Cell::new(4, 0),
            start_pose: Pose::default(),
            goal_pose: Pose::default(),
            epoch: None,
        }
    }

    #[test]
    fn a_problem_is_hopeless_only_if_guidance_for_the_same_costmap_knows_no_path() {
        let map = costmap(&["..#..", "..#.."]);
        let guidance = Guidance::compute(&map, Cell::new(4, 0), travel(2.0), &|| false).unwrap();
        let (cut_off, connected) = (Cell::new(0, 0), Cell::new(3, 1));
        assert!(problem(&map, Some(&guidance), cut_off).is_hopeless());
        assert!(!problem(&map, Some(&guidance), connected).is_hopeless());
        assert!(!problem(&map, None, cut_off).is_hopeless(), "nothing is known");
        let changed = costmap(&["..#..", "....."]);
        assert!(!problem(&changed, Some(&guidance), cut_off).is_hopeless(), "the wall may be gone");
    }

    #[test]
    fn a_problem_is_cancelled_when_its_epoch_is_over() {
        let (map, epochs) = (costmap(&["....."]), Epochs::default());
        let mut problem = problem(&map, None, Cell::new(0, 0));
        assert!(!problem.is_cancelled());
        problem.epoch = Some(Epoch::new(&epochs, epochs.begin()));
        assert!(!problem.is_cancelled());
        epochs.begin();
        assert!(problem.is_cancelled());
    }
}
