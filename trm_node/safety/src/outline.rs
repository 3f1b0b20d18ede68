//! The outline of a robot in cells.

use trm_config::footprint::Footprint;
use trm_grid::units::{Cell, CellPoint};

use crate::hull_cells::Hull;
use crate::motion::{Side, Standing};

/// A robot's footprint in cells, in its base frame: the polygon that is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    sides: Vec<Side>,
}

impl Outline {
    /// The outline of a footprint, padding included, on a grid with this resolution in metres.
    #[must_use]
    pub fn new(footprint: &Footprint, resolution: f64) -> Self {
        let in_cells = |[x, y]: [f64; 2]| [x / resolution, y / resolution];
        Self { sides: footprint.sides().map(|(from, to)| Side::new([in_cells(from), in_cells(to)])).collect() }
    }

    /// The sides, counter-clockwise.
    pub(crate) fn sides(&self) -> impl Iterator<Item = &Side> {
        self.sides.iter()
    }

    /// The least and the greatest coordinates of the outline where it stands.
    pub(crate) fn bounds(&self, at: &Standing) -> [CellPoint; 2] {
        let corners = self.sides.iter().map(|side| at.place(side.ends[0]));
        let none = [f64::INFINITY, f64::NEG_INFINITY].map(|far| CellPoint::new(far, far));
        corners.fold(none, |[low, high], corner| {
            [
                CellPoint::new(low.col.min(corner.col), low.row.min(corner.row)),
                CellPoint::new(high.col.max(corner.col), high.row.max(corner.row)),
            ]
        })
    }

    /// Whether the outline or its inside meets a cell where it stands, by more than grazing it.
    pub(crate) fn covers(&self, at: &Standing, cell: Cell) -> bool {
        let center = cell.center();
        let mut is_inside = false;
        for side in &self.sides {
            let [from, to] = side.ends.map(|end| at.place(end));
            if Hull::new([from, from, to, to], 0.0).meets(cell) {
                return true;
            }
            // No side comes near the centre, so it's enough to count those that a line from it to the right crosses.
            if (from.row > center.row) != (to.row > center.row) {
                let share = (center.row - from.row) / (to.row - from.row);
                is_inside ^= from.towards(to, share).col > center.col;
            }
        }
        is_inside
    }
}
