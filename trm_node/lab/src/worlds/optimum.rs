//! The cost of the best path, in cells, by the planner's own measure, [`Travel`].

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

/// What is known of a best path over eight moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Its travel cost, in cells.
    pub cost: f64,
    /// Its length, in cells.
    pub cells: f64,
}

/// The cost-to-go of all cells. Always `Some`, as it isn't cancelled.
pub fn field(costmap: &Costmap, goal: Cell, travel: Travel) -> Option<Guidance> {
    Guidance::compute(costmap, goal, travel, &|| false)
}

/// The best path from a cell; `None` when the goal can't be reached.
pub fn optimum(costmap: &Costmap, guidance: &Guidance, start: Cell) -> Option<Optimum> {
    let cost = f64::from(guidance.cost_to_go(start));
    let mut cells = 0.0;
    let mut cell = start;
    while let Some(next) = guidance.next(costmap, cell) {
        cells += f64::from(next.col - cell.col).hypot(f64::from(next.row - cell.row));
        cell = next;
    }
    (cost.is_finite() && cell == guidance.goal()).then_some(Optimum { cost, cells })
}
