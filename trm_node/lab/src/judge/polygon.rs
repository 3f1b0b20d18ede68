//! The robot's outline as the judge sees it: where it is, and how far a cell's square is from it. Shares no code with the
//! planner's sweeps nor with its check.

use trm_config::footprint::Footprint;

use crate::judge::line::{distance, enters};
use crate::judge::stand::{CellAt, Stand};

/// How deep a square may overlap the outline without being hit, in cells: the rounding of poses in metres is smaller.
const GRAZE: f64 = 1e-5;

/// An outline in cells, in the robot's frame.
#[derive(Debug, Clone)]
pub struct Polygon {
    corners: Vec<[f64; 2]>,
    /// The distance of the farthest corner from the base.
    reach: f64,
}

impl Polygon {
    /// The polygon of a footprint, padding included, on cells of this size in metres.
    pub fn new(footprint: &Footprint, resolution: f64) -> Self {
        let corners: Vec<[f64; 2]> =
            footprint.corners().iter().map(|[x, y]| [x / resolution, y / resolution]).collect();
        let reach = corners.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
        Self { corners, reach }
    }

    /// The distance of the farthest corner from the base, in cells.
    pub const fn reach(&self) -> f64 {
        self.reach
    }

    /// The outline where the robot stands.
    pub fn at(&self, stand: Stand) -> Placed {
        let (sin, cos) = stand.yaw.sin_cos();
        let place = |[x, y]: &[f64; 2]| (stand.col + cos * x - sin * y, stand.row + sin * x + cos * y);
        Placed(self.corners.iter().map(place).collect())
    }
}

/// An outline at one pose: its corners in cells.
#[derive(Debug)]
pub struct Placed(Vec<(f64, f64)>);

impl Placed {
    /// The cells around the outline, and those within `more` cells of them.
    pub fn cells_around(&self, more: f64) -> impl Iterator<Item = CellAt> + use<> {
        let range = |of: fn(&(f64, f64)) -> f64| {
            let low = self.0.iter().map(of).fold(f64::INFINITY, f64::min);
            let high = self.0.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
            (low - more - 0.5).floor() as i32..=(high + more + 0.5).ceil() as i32
        };
        let (cols, rows) = (range(|corner| corner.0), range(|corner| corner.1));
        rows.flat_map(move |row| cols.clone().map(move |col| (col, row)))
    }

    /// The distance between a cell's square and the outline with its inside, in cells; less than 0 if they overlap by more
    /// than [`GRAZE`].
    ///
    /// An open square and a polygon have area in common only if a side goes through the square, or all of the square, its
    /// centre too, is inside.
    pub fn gap(&self, (col, row): CellAt) -> f64 {
        let (col, row) = (f64::from(col), f64::from(row));
        let corners = self.0.iter().map(|corner| (corner.0 - col, corner.1 - row));
        let sides = || corners.clone().zip(corners.clone().cycle().skip(1));
        if sides().any(|(from, to)| enters(from, to, 0.5 - GRAZE)) || surrounds_origin(sides()) {
            return -1.0;
        }
        sides().map(|(from, to)| from_square(from, to)).fold(f64::INFINITY, f64::min)
    }
}

/// Whether the origin is inside a polygon: a ray from it crosses an odd number of sides.
fn surrounds_origin(sides: impl Iterator<Item = ((f64, f64), (f64, f64))>) -> bool {
    let crosses = |(from, to): &((f64, f64), (f64, f64))| {
        (from.1 > 0.0) != (to.1 > 0.0) && from.0 + from.1 / (from.1 - to.1) * (to.0 - from.0) > 0.0
    };
    sides.filter(crosses).count() % 2 == 1
}

/// The distance of a line from the square of side 1 around the origin. Where they are apart, an end or a corner is the
/// nearest.
fn from_square(from: (f64, f64), to: (f64, f64)) -> f64 {
    if enters(from, to, 0.5) {
        return 0.0;
    }
    let beyond = |(x, y): (f64, f64)| (x.abs() - 0.5).max(0.0).hypot((y.abs() - 0.5).max(0.0));
    let corners = [(0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)];
    corners.iter().map(|corner| distance(from, to, *corner)).fold(beyond(from).min(beyond(to)), f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(corners: &[[f64; 2]], stand: (f64, f64, f64)) -> Placed {
        let (col, row, yaw) = stand;
        Polygon::new(&Footprint::new(corners).unwrap(), 1.0).at(Stand { col, row, yaw })
    }

    #[test]
    fn the_gap_is_the_distance_and_less_than_nothing_where_a_square_is_in_the_way() {
        let bar = |col: f64, yaw: f64| placed(&[[2.0, 0.5], [-2.0, 0.5], [-2.0, -0.5], [2.0, -0.5]], (col, 0.0, yaw));
        let near = |gap: f64, expected: f64| assert!((gap - expected).abs() < 1e-12, "{gap}");
        near(bar(0.0, 0.0).gap((4, 0)), 1.5);
        near(bar(0.5, 0.0).gap((4, 3)), 1.0_f64.hypot(2.0));
        near(bar(0.0, 0.0).gap((0, 1)), 0.0);
        near(bar(0.0, std::f64::consts::FRAC_PI_2).gap((0, 4)), 1.5);
        // Beside a side, through a side, and around the square.
        near(bar(0.0, std::f64::consts::FRAC_PI_4).gap((2, 0)), std::f64::consts::SQRT_2 - 0.5 - 0.5_f64.sqrt());
        assert!(bar(0.0, 0.0).gap((0, 0)) < 0.0 && bar(0.0, 0.1).gap((0, 1)) < 0.0);
        let large = placed(&[[5.0, 5.0], [-5.0, 5.0], [-5.0, -5.0], [5.0, -5.0]], (0.0, 0.0, 0.3));
        assert!(large.gap((1, 1)) < 0.0 && large.gap((9, 0)) > 2.0);
    }

    #[test]
    fn what_is_in_a_notch_is_not_inside() {
        let fork =
            [[5.0, 2.0], [-1.0, 2.0], [-1.0, -2.0], [5.0, -2.0], [5.0, -1.0], [1.0, -1.0], [1.0, 1.0], [5.0, 1.0]];
        let gap = |cell: CellAt| placed(&fork, (0.0, 0.0, 0.0)).gap(cell);
        assert!((gap((3, 0)) - 0.5).abs() < 1e-12 && gap((0, 0)) < 0.0 && gap((3, 1)) < 0.0);
        assert!(placed(&fork, (0.0, 0.0, 0.0)).cells_around(0.0).any(|cell| cell == (5, 2)));
    }
}
