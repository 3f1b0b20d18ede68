//! Why there is no path. Made in the planning loop, so `Copy`.

use trm_grid::units::Cell;

/// Why there is no path. Maps one to one to the error codes of Nav2's `ComputePathToPose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The start lies outside the grid.
    #[error("start lies outside the map, near cell ({}, {})", .0.col, .0.row)]
    StartOutsideMap(Cell),
    /// The goal lies outside the grid.
    #[error("goal lies outside the map, near cell ({}, {})", .0.col, .0.row)]
    GoalOutsideMap(Cell),
    /// The start's cell is lethal or unknown, and no free cell is within reach of the robot.
    #[error("start cell ({}, {}) is occupied (cost {cost})", cell.col, cell.row)]
    StartOccupied {
        /// The start's cell.
        cell: Cell,
        /// Its cost: 99 inscribed, 100 lethal, 255 unknown.
        cost: u8,
    },
    /// The goal's cell can't be entered, nor any within the tolerance.
    #[error("goal cell ({}, {}) is occupied (cost {cost}), and every cell within the tolerance", cell.col, cell.row)]
    GoalOccupied {
        /// The goal's cell.
        cell: Cell,
        /// Its cost: 99 inscribed, 100 lethal, 255 unknown.
        cost: u8,
    },
    /// The deadline came before any verified path.
    #[error("deadline passed after {applications} network applications without a verified path")]
    TimedOut {
        /// Network applications that were run.
        applications: u16,
    },
    /// The goal can't be reached from the start.
    #[error("no path leads from the start to the goal")]
    NoValidPath,
    /// The model found none, and the fallback is switched off.
    #[error("the model found no verified path in {steps} steps, and the fallback is off")]
    ModelOnly {
        /// Supervision steps that were run.
        steps: u16,
    },
    /// A path was found, but it did not pass the last check.
    #[error("the path that was found did not pass the last check")]
    Unverified,
    /// The way is longer than the planner's buffers.
    #[error("the path has more than {cells} cells")]
    TooLong {
        /// The most cells that a path may have.
        cells: u32,
    },
    /// The classical search saw as many cells as it has room for, and the goal was not among them: with guidance it needs
    /// few.
    #[error("the classical search saw {cells} cells without reaching the goal")]
    SearchLimit {
        /// The most cells that it has room for.
        cells: u32,
    },
    /// The planning was cancelled.
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
            Self::StartOccupied { .. } => "START_OCCUPIED",
            Self::GoalOccupied { .. } => "GOAL_OCCUPIED",
            Self::TimedOut { .. } | Self::SearchLimit { .. } => "TIMEOUT",
            Self::NoValidPath | Self::ModelOnly { .. } | Self::Unverified | Self::TooLong { .. } => "NO_VALID_PATH",
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
            Self::StartOccupied { .. } => 205,
            Self::GoalOccupied { .. } => 206,
            Self::TimedOut { .. } | Self::SearchLimit { .. } => 207,
            Self::NoValidPath | Self::ModelOnly { .. } | Self::Unverified | Self::TooLong { .. } => 208,
        }
    }
}
