//! What the planner is asked in an evaluation.

use trm_grid::costmap::Costmap;
use trm_grid::units::Cell;

use crate::worlds::optimum::Optimum;

/// One query in a world that the model sees as a whole.
pub struct Query {
    /// The map or kind of world: a place among the groups of the query's source.
    pub group: usize,
    /// The world.
    pub costmap: Costmap,
    /// Where the robot is.
    pub start: Cell,
    /// Where it shall go; it can be reached.
    pub goal: Cell,
    /// The best path.
    pub optimum: Optimum,
}

/// A robot in a world larger than the window. Its goal is in the window around it, and can be reached inside that
/// window.
pub struct Scene {
    /// The world.
    pub costmap: Costmap,
    /// Where the robot is at first.
    pub start: Cell,
    /// Where it shall go.
    pub goal: Cell,
}
