//! Poses in cells: what curves, sweeps and paths are made of.

use trm_grid::units::CellPoint;

use crate::headings::wrapped;

/// A position in cells and a heading relative to the grid's columns.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellPose {
    /// Along the grid's x axis, in cells; whole numbers are centres of cells.
    pub col: f64,
    /// Along the grid's y axis, in cells; whole numbers are centres of cells.
    pub row: f64,
    /// Counter-clockwise from the grid's columns, in radians.
    pub yaw: f64,
}

impl CellPose {
    /// A pose at (`col`, `row`), in cells, with the heading `yaw`, in radians.
    #[must_use]
    pub const fn new(col: f64, row: f64, yaw: f64) -> Self {
        Self { col, row, yaw }
    }

    /// Where the robot's base is, in cells.
    #[must_use]
    pub const fn at(self) -> CellPoint {
        CellPoint::new(self.col, self.row)
    }

    /// A point of the robot's frame, in cells, where it is when the robot is here.
    #[must_use]
    pub fn place(self, point: [f64; 2]) -> CellPoint {
        let (sin, cos) = self.yaw.sin_cos();
        CellPoint { col: self.col + cos * point[0] - sin * point[1], row: self.row + sin * point[0] + cos * point[1] }
    }

    /// Another pose as the robot sees it that is here.
    #[must_use]
    pub fn sees(self, other: Self) -> Self {
        let (sin, cos) = self.yaw.sin_cos();
        let (col, row) = (other.col - self.col, other.row - self.row);
        Self::new(cos * col + sin * row, cos * row - sin * col, wrapped(other.yaw - self.yaw))
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_a_robot_sees_is_where_it_places_it(
            a in (-9.0..9.0_f64, -9.0..9.0_f64, -9.0..9.0_f64), b in (-9.0..9.0_f64, -9.0..9.0_f64, -9.0..9.0_f64),
        ) {
            let (a, b) = (CellPose::new(a.0, a.1, a.2), CellPose::new(b.0, b.1, b.2));
            let seen = a.sees(b);
            prop_assert!(a.place([seen.col, seen.row]).distance(b.at()) < 1e-12);
            prop_assert!(wrapped(b.yaw - a.yaw - seen.yaw).abs() < 1e-12);
            prop_assert!((-PI..=PI).contains(&seen.yaw));
        }
    }
}
