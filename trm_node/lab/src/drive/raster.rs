//! Cells of a raw map for the simulated world and its judge: they share no code with the planner's costs.
//!
//! Places are in metres from the outer corner of the first cell, along columns and rows: a map's own origin changes nothing
//! here.

use std::collections::VecDeque;

use trm_grid::units::Point;

/// The straight moves as columns and rows.
const STRAIGHT: [(i32, i32); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is there.
    Free,
    /// Something is.
    Occupied,
    /// Nobody has looked.
    Unknown,
}

/// The shape of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raster {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Metres per cell.
    pub resolution: f64,
}

impl Raster {
    /// Number of cells.
    pub const fn cells(&self) -> usize {
        (self.width * self.height) as usize
    }

    /// The index of a cell, row-major; `None` outside.
    pub const fn index(&self, col: i32, row: i32) -> Option<usize> {
        let inside = col >= 0 && row >= 0 && col < self.width && row < self.height;
        if inside { Some((row * self.width + col) as usize) } else { None }
    }

    /// Column and row of an index.
    pub const fn cell(&self, at: usize) -> (i32, i32) {
        (at as i32 % self.width, at as i32 / self.width)
    }

    /// The cell that holds a point; it may be outside.
    pub fn cell_of(&self, point: Point) -> (i32, i32) {
        ((point.x / self.resolution).floor() as i32, (point.y / self.resolution).floor() as i32)
    }

    /// The index of the cell that holds a point.
    pub fn at(&self, point: Point) -> Option<usize> {
        let (col, row) = self.cell_of(point);
        self.index(col, row)
    }

    /// The centre of a cell.
    pub fn centre(&self, at: usize) -> Point {
        let (col, row) = self.cell(at);
        Point { x: (f64::from(col) + 0.5) * self.resolution, y: (f64::from(row) + 0.5) * self.resolution }
    }

    /// The offsets, in columns and rows, to all cells whose centre is within so many metres.
    pub fn offsets(&self, metres: f64) -> Vec<(i32, i32)> {
        let cells = metres / self.resolution;
        let reach = cells.ceil() as i32;
        let is_near = |(cols, rows): &(i32, i32)| f64::from(*cols).hypot(f64::from(*rows)) <= cells + 1e-9;
        (-reach..=reach).flat_map(|rows| (-reach..=reach).map(move |cols| (cols, rows))).filter(is_near).collect()
    }

    /// The indices of the cells at these offsets from one.
    pub fn around(&self, at: usize, offsets: &[(i32, i32)]) -> impl Iterator<Item = usize> {
        let (col, row) = self.cell(at);
        offsets.iter().filter_map(move |(cols, rows)| self.index(col + cols, row + rows))
    }

    /// Which cells have a centre of these within so many metres of their own.
    pub fn grown(&self, cells: &[bool], metres: f64) -> Vec<bool> {
        let offsets = self.offsets(metres);
        let mut grown = cells.to_vec();
        // Those inside an area are farther from what is around it than those at its edge.
        let is_edge = |at: usize| self.around(at, &STRAIGHT).any(|next| !cells[next]);
        for at in (0..cells.len()).filter(|at| cells[*at] && is_edge(*at)) {
            self.around(at, &offsets).for_each(|near| grown[near] = true);
        }
        grown
    }

    /// Which of the cells that are `open` can be reached from one of them. Diagonal moves cut no corners, so straight ones
    /// decide.
    pub fn reach(&self, from: usize, open: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.cells()];
        let mut front = VecDeque::new();
        if open(from) {
            seen[from] = true;
            front.push_back(from);
        }
        while let Some(at) = front.pop_front() {
            for next in self.around(at, &STRAIGHT) {
                if !seen[next] && open(next) {
                    seen[next] = true;
                    front.push_back(next);
                }
            }
        }
        seen
    }

    /// The largest connected part of some cells.
    pub fn largest(&self, cells: &[bool]) -> Vec<bool> {
        let mut left = cells.to_vec();
        let (mut best, mut most) = (vec![false; cells.len()], 0);
        while let Some(first) = left.iter().position(|is| *is) {
            let part = self.reach(first, |at| left[at]);
            left.iter_mut().zip(&part).for_each(|(left, part)| *left &= !part);
            let size = part.iter().filter(|is| **is).count();
            if size > most {
                (best, most) = (part, size);
            }
        }
        best
    }
}

/// A point so far from another in a direction.
pub fn ahead(from: Point, yaw: f64, metres: f64) -> Point {
    Point { x: from.x + metres * yaw.cos(), y: from.y + metres * yaw.sin() }
}

/// A point at a share of the way between two.
pub fn between(a: Point, b: Point, share: f64) -> Point {
    Point { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) }
}

/// An angle from -π to π.
pub fn angle(yaw: f64) -> f64 {
    let turns = (yaw / std::f64::consts::TAU).round();
    yaw - turns * std::f64::consts::TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    const RASTER: Raster = Raster { width: 12, height: 9, resolution: 0.5 };

    #[test]
    fn what_is_grown_are_the_cells_within_the_distance() {
        let mut cells = vec![false; RASTER.cells()];
        for at in [13, 14, 25, 26, 70] {
            cells[at] = true;
        }
        let grown = RASTER.grown(&cells, 1.0);
        for (at, is_grown) in grown.into_iter().enumerate() {
            let centre = RASTER.centre(at);
            let is_near = (0..RASTER.cells()).any(|other| cells[other] && RASTER.centre(other).distance(centre) <= 1.0);
            assert_eq!(is_grown, is_near, "{at}");
        }
    }

    #[test]
    fn the_largest_room_is_found_behind_smaller_ones() {
        let row = [true, false, true, true, true, false, true, true, false, false, false, false];
        let cells: Vec<bool> = (0..RASTER.cells()).map(|at| at < 12 && row[at]).collect();
        let largest: Vec<usize> =
            RASTER.largest(&cells).iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| at).collect();
        assert_eq!(largest, [2, 3, 4]);
    }

    #[test]
    fn angles_are_wrapped() {
        assert!((angle(3.5) - (3.5 - std::f64::consts::TAU)).abs() < 1e-12 && (angle(-3.0) + 3.0).abs() < 1e-12);
    }
}
