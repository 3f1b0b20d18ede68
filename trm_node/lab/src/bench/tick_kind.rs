//! What had changed between a plan and the one before.

use serde::{Deserialize, Serialize};

/// What has changed since the previous plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickKind {
    /// There is no previous plan to start from.
    Cold,
    /// The robot is in another cell.
    Moved,
    /// Costs in the window have changed.
    Obstacle,
    /// Nothing has changed.
    Still,
}

impl TickKind {
    pub const ALL: [Self; 4] = [Self::Cold, Self::Moved, Self::Obstacle, Self::Still];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Moved => "moved",
            Self::Obstacle => "obstacle",
            Self::Still => "still",
        }
    }
}
