//! The headings of a lattice: directions from one cell's centre to another's, so that a straight line along one of them
//! ends exactly on a cell. Equal angles would have to be rounded.

use std::cmp::Reverse;
use std::f64::consts::{PI, TAU};

/// How many headings a lattice has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headings {
    /// 16: through (1, 0), (2, 1), (1, 1) and their mirror images. Neighbours are 18.4° or 26.6° apart.
    H16,
    /// 32: through (1, 0), (5, 1), (5, 2), (3, 2), (1, 1) and their mirror images. Neighbours are 10.5° to 11.9° apart.
    H32,
}

impl Headings {
    /// How many there are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::H16 => 16,
            Self::H32 => 32,
        }
    }

    /// The directions, counter-clockwise from that of the columns.
    #[must_use]
    pub fn list(self) -> Vec<Heading> {
        let below_diagonal: &[(i32, i32)] = match self {
            Self::H16 => &[(1, 0), (2, 1)],
            Self::H32 => &[(1, 0), (5, 1), (5, 2), (3, 2)],
        };
        let mut first_quadrant = below_diagonal.to_vec();
        first_quadrant.push((1, 1));
        first_quadrant.extend(below_diagonal.iter().skip(1).map(|(cols, rows)| (*rows, *cols)));
        first_quadrant.sort_by_key(|(cols, rows)| Reverse(1000 * cols / (cols + rows)));
        let turned = |quarter: usize, (cols, rows): (i32, i32)| match quarter {
            0 => (cols, rows),
            1 => (-rows, cols),
            2 => (-cols, -rows),
            _ => (rows, -cols),
        };
        let quarters = (0..4).flat_map(|quarter| first_quadrant.iter().map(move |vector| turned(quarter, *vector)));
        quarters.map(|(cols, rows)| Heading::along(cols, rows)).collect()
    }
}

/// One heading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heading {
    /// Columns to the next cell that lies exactly ahead.
    pub cols: i32,
    /// Rows to the next cell that lies exactly ahead.
    pub rows: i32,
    /// Counter-clockwise from the columns, in radians, from 0 to 2π.
    pub yaw: f64,
}

impl Heading {
    fn along(cols: i32, rows: i32) -> Self {
        Self { cols, rows, yaw: f64::from(rows).atan2(f64::from(cols)).rem_euclid(TAU) }
    }

    /// The distance to the next cell that lies exactly ahead, in cells.
    #[must_use]
    pub fn step(&self) -> f64 {
        f64::from(self.cols).hypot(f64::from(self.rows))
    }
}

/// An angle brought into the range from −π to π.
#[must_use]
pub fn wrapped(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_go_round_once_in_nearly_equal_turns() {
        for headings in [Headings::H16, Headings::H32] {
            let list = headings.list();
            assert_eq!(list.len(), headings.count());
            assert_eq!((list[0].cols, list[0].rows), (1, 0));
            let turns: Vec<_> = (0..list.len())
                .map(|at| wrapped(list[(at + 1) % list.len()].yaw - list[at].yaw).to_degrees())
                .collect();
            let equal = 360.0 / list.len() as f64;
            assert!(turns.iter().all(|turn| (0.8 * equal..1.2 * equal).contains(turn)), "{turns:?}");
            assert!((turns.iter().sum::<f64>() - 360.0).abs() < 1e-9);
        }
    }
}
