//! The reasons why there is no path.

use trm_grid::cost::{INSCRIBED, UNKNOWN};
use trm_grid::units::Cell;

/// The reason why there is no path. Created in the planning loop, so it is `Copy`. Each reason maps to an error code of
/// Nav2's `ComputePathToPose` action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The start lies outside the grid.
    #[error("start lies outside the map, near cell ({}, {})", .0.col, .0.row)]
    StartOutsideMap(Cell),
    /// The goal lies outside the grid.
    #[error("goal lies outside the map, near cell ({}, {})", .0.col, .0.row)]
    GoalOutsideMap(Cell),
    /// The start's cell is not free, and no free cell can be reached within the start tolerance.
    #[error("start cell ({}, {}) is {}", cell.col, cell.row, state(*cost))]
    StartOccupied {
        /// The cell of the start.
        cell: Cell,
        /// Its cost: 99 inscribed, 100 lethal, 255 unknown.
        cost: u8,
    },
    /// Neither the goal's cell nor any other cell within the tolerance is free.
    #[error("goal cell ({}, {}) is {}, and no cell within the tolerance is free", cell.col, cell.row, state(*cost))]
    GoalOccupied {
        /// The cell of the goal.
        cell: Cell,
        /// Its cost: 99 inscribed, 100 lethal, 255 unknown.
        cost: u8,
    },
    /// The robot's footprint meets an obstacle where it is, and can't be driven off it within the start tolerance.
    #[error("start near cell ({}, {}): the footprint touches a blocked cell, or nothing can be driven from there", .0.col, .0.row)]
    StartBlocked(Cell),
    /// The robot's footprint meets an obstacle at the goal, and wherever the tolerance allows.
    #[error("goal near cell ({}, {}): the footprint touches a blocked cell, or can't be driven there", .0.col, .0.row)]
    GoalBlocked(Cell),
    /// The robot's motions can't be laid on cells of this size.
    #[error("parameter {0} is out of what is supported on cells of this size")]
    NoLattice(&'static str),
    /// The robot's footprint has changed, and the planner for it isn't made yet.
    #[error("the planner for the robot's new footprint isn't made yet")]
    NotReady,
    /// The deadline passed before there was a verified path.
    #[error("deadline passed after {applications} network applications without a verified path")]
    TimedOut {
        /// The number of network applications.
        applications: u16,
    },
    /// No path leads from the start to the goal.
    #[error("no path leads from the start to the goal")]
    NoValidPath,
    /// The model found no verified path, and the fallback is switched off.
    #[error("the model found no verified path in {steps} steps, and the fallback is off")]
    ModelOnly {
        /// The number of supervision steps.
        steps: u16,
    },
    /// A path was found, but it did not pass the final check.
    #[error("the path that was found did not pass the last check")]
    Unverified,
    /// The path is longer than the planner's buffers.
    #[error("the path has more than {cells} cells")]
    TooLong {
        /// The maximum number of cells of a path.
        cells: u32,
    },
    /// The classical search ran out of memory before it reached the goal. With guidance it needs only few cells.
    #[error("the classical search saw {cells} cells without reaching the goal")]
    SearchLimit {
        /// The maximum number of cells of a search.
        cells: u32,
    },
    /// The request was cancelled, or [newer guidance](crate::epoch::Epoch::until_newer) has ended the plan.
    #[error("cancelled")]
    Cancelled,
}

impl PlanError {
    /// The name of the error in Nav2's `ComputePathToPose` action.
    #[must_use]
    pub const fn nav2_name(self) -> &'static str {
        match self {
            Self::StartOutsideMap(_) => "START_OUTSIDE_MAP",
            Self::GoalOutsideMap(_) => "GOAL_OUTSIDE_MAP",
            Self::StartOccupied { .. } | Self::StartBlocked(_) => "START_OCCUPIED",
            Self::GoalOccupied { .. } | Self::GoalBlocked(_) => "GOAL_OCCUPIED",
            Self::TimedOut { .. } | Self::SearchLimit { .. } | Self::NotReady => "TIMEOUT",
            Self::NoValidPath
            | Self::ModelOnly { .. }
            | Self::Unverified
            | Self::TooLong { .. }
            | Self::NoLattice(_) => "NO_VALID_PATH",
            Self::Cancelled => "UNKNOWN",
        }
    }

    /// The code of the error in Nav2's `ComputePathToPose` action.
    #[must_use]
    pub const fn nav2_code(self) -> u16 {
        match self {
            Self::Cancelled => 200,
            Self::StartOutsideMap(_) => 203,
            Self::GoalOutsideMap(_) => 204,
            Self::StartOccupied { .. } | Self::StartBlocked(_) => 205,
            Self::GoalOccupied { .. } | Self::GoalBlocked(_) => 206,
            Self::TimedOut { .. } | Self::SearchLimit { .. } | Self::NotReady => 207,
            Self::NoValidPath
            | Self::ModelOnly { .. }
            | Self::Unverified
            | Self::TooLong { .. }
            | Self::NoLattice(_) => 208,
        }
    }
}

/// Why a robot can't be in a cell of this cost.
const fn state(cost: u8) -> &'static str {
    match cost {
        UNKNOWN => "unknown, and allow_unknown is false",
        INSCRIBED => "too close to an obstacle (cost 99)",
        _ => "occupied (cost 100)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_a_cell_that_is_not_free_is_told_in_the_words_of_its_cost() {
        let cell = Cell::new(1, 2);
        let start = |cost| PlanError::StartOccupied { cell, cost }.to_string();
        assert_eq!(start(UNKNOWN), "start cell (1, 2) is unknown, and allow_unknown is false");
        assert_eq!(start(INSCRIBED), "start cell (1, 2) is too close to an obstacle (cost 99)");
        let goal = PlanError::GoalOccupied { cell, cost: 100 }.to_string();
        assert_eq!(goal, "goal cell (1, 2) is occupied (cost 100), and no cell within the tolerance is free");
    }
}
