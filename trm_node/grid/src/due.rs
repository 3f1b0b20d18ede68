//! What part of a grid has changed since its costs were computed.

use crate::geometry::{Geometry, Rect};

/// How many rectangles are kept apart.
const MOST: usize = 32;

/// The cells that have changed since the costs were computed, as a few rectangles that contain them all.
///
/// Rectangles are merged as they come, when computing the costs around both takes no longer than around each of them.
/// What computing takes is counted in cells read: the costs change within the reach of the inflation around a
/// rectangle, and depend on what is within the reach around those. Together the rectangles never take longer than the
/// whole grid.
#[derive(Debug, Clone, Default)]
pub(super) struct Due {
    rects: Vec<Rect>,
}

impl Due {
    /// Everything is due.
    pub fn all(geometry: &Geometry) -> Self {
        Self { rects: vec![Rect::whole(geometry)] }
    }

    /// Whether nothing is due.
    pub const fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// The rectangles with the changed cells.
    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    /// Adds a rectangle of changed cells of a grid whose costs depend on cells within `reach`.
    pub fn add(&mut self, mut rect: Rect, reach: i32, geometry: &Geometry) {
        if rect.area() == 0 {
            return;
        }
        let work = |rect: Rect| rect.grown(2 * reach, geometry).area();
        // The work that merging adds; none or less if it pays.
        let added = |rect: Rect, other: Rect| {
            work(rect.including(other)).cast_signed() - (work(rect) + work(other)).cast_signed()
        };
        while let Some((at, more)) =
            self.rects.iter().map(|other| added(rect, *other)).enumerate().min_by_key(|(_, more)| *more)
            && (more <= 0 || self.rects.len() == MOST)
        {
            rect = rect.including(self.rects.swap_remove(at));
        }
        self.rects.push(rect);
        if self.rects.iter().map(|rect| work(*rect)).sum::<usize>() >= geometry.cells() {
            *self = Self::all(geometry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    const REACH: i32 = 11;

    fn geometry(side: u32) -> Geometry {
        Geometry::new(side, side, 0.05, Pose::default()).unwrap()
    }

    fn one(col: i32, row: i32) -> Rect {
        Rect { col, row, width: 1, height: 1 }
    }

    #[test]
    fn a_thousand_cells_close_together_become_one_rectangle_and_cells_far_apart_stay_apart() {
        let mut due = Due::default();
        for at in 0..1000 {
            due.add(one(500 + at * 7 % 40, 500 + at * 11 % 40), REACH, &geometry(4000));
        }
        assert_eq!(due.rects(), [Rect { col: 500, row: 500, width: 40, height: 40 }]);
        due.add(one(3000, 3000), REACH, &geometry(4000));
        assert_eq!(due.rects().len(), 2);
    }

    #[test]
    fn when_most_of_a_grid_is_due_then_all_of_it_is() {
        let mut due = Due::default();
        for at in 0..100 {
            due.add(one(at, 99 - at), REACH, &geometry(100));
        }
        assert_eq!(due.rects(), [Rect::whole(&geometry(100))]);
    }

    proptest! {
        #[test]
        fn every_cell_that_was_added_is_due_and_no_more_work_than_the_whole_grid(
            side in 1_u32..2000, cells in prop::collection::vec((0_u32..2000, 0_u32..2000), 0..200),
        ) {
            let geometry = geometry(side);
            let mut due = Due::default();
            let inside = |at: u32| (at % side) as i32;
            let cells: Vec<_> = cells.into_iter().map(|(col, row)| one(inside(col), inside(row))).collect();
            for cell in &cells {
                due.add(*cell, REACH, &geometry);
            }
            prop_assert_eq!(due.is_empty(), cells.is_empty());
            prop_assert!(due.rects().len() <= MOST);
            for cell in cells {
                prop_assert!(due.rects().iter().any(|rect| rect.including(cell) == *rect));
            }
            let work: usize = due.rects().iter().map(|rect| rect.grown(2 * REACH, &geometry).area()).sum();
            prop_assert!(work <= geometry.cells());
        }
    }
}
