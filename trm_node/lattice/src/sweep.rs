//! The cells that an outline sweeps.
//!
//! A cell is touched if its open square overlaps the swept area; what only shares a border with it is not. The area
//! that a polygon sweeps is the polygon at its first pose, united with what each side sweeps: a point that is covered
//! later but not at first has been crossed by a side. Between two poses a side lies in the convex hull of its two
//! positions, grown by the sagitta of the arcs that its ends describe, so a straight motion is exact.
//!
//! The last check of a path (`trm_safety::swept`) stops halving a turn where it is known up to 10⁻³ cells, and may cut it at
//! other places. So what is swept here is grown by as much as the check may be off: what is clear here passes there.

use crate::pose::CellPose;

/// How much of a cell's border may be overlapped without touching it, in cells: rounding errors are smaller.
pub(crate) const GRAZE: f64 = 1e-6;
/// How far an arc may leave its chord, in cells.
pub(crate) const MAX_SAGITTA: f64 = 1e-3;
/// How far the check may take a turn for wider than it is, in cells: by how far its hulls reach beyond what a side sweeps, and by
/// their sagitta, 10⁻³ each.
pub(crate) const CHECK: f64 = 2e-3;
/// Half the side of the raster. Motions of up to [`crate::primitive::MAX_STEP`] with the largest outline fit.
const HALF: i32 = 128;
const WORDS: usize = 2 * HALF as usize / 64;

/// Cells of one row, relative to the cell that a motion begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The row.
    pub row: i32,
    /// The first column.
    pub first: i32,
    /// The last column.
    pub last: i32,
}

/// An outline in cells, counter-clockwise, in the robot's frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline(Vec<[f64; 2]>);

impl Outline {
    /// An outline from its corners in cells.
    #[must_use]
    pub const fn new(corners: Vec<[f64; 2]>) -> Self {
        Self(corners)
    }

    /// The corners in cells, counter-clockwise.
    pub(crate) fn corners(&self) -> &[[f64; 2]] {
        &self.0
    }

    /// The distance of the farthest corner from the base, in cells.
    #[must_use]
    pub fn reach(&self) -> f64 {
        self.0.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max)
    }

    /// The largest turn whose arcs keep within [`MAX_SAGITTA`] of their chords, in radians, where the base turns about a
    /// point `radius` cells away: arcs of radius ρ and angle φ have a sagitta of at most ρφ²/8.
    pub(crate) fn fine_turn(&self, radius: f64) -> f64 {
        (8.0 * MAX_SAGITTA / (radius + self.reach()).max(1.0)).sqrt()
    }

    fn at(&self, pose: CellPose) -> Vec<[f64; 2]> {
        let (sin, cos) = pose.yaw.sin_cos();
        let place = |[x, y]: &[f64; 2]| [pose.col + x * cos - y * sin, pose.row + x * sin + y * cos];
        self.0.iter().map(place).collect()
    }

    /// The cells that the outline touches on its way along poses, interior included. Between two poses it keeps its
    /// heading, or turns by so little that no corner leaves the hulls of its sides by more than 10⁻³ cells; what it sweeps
    /// in a turn is grown by that and by `CHECK`.
    ///
    /// # Panics
    /// If it gets farther than 127 cells from where it begins.
    #[must_use]
    pub fn sweep(&self, poses: &[CellPose]) -> Vec<Run> {
        let mut raster = Raster::new();
        let Some(first) = poses.first() else { return Vec::new() };
        raster.fill(&self.at(*first));
        for pair in poses.windows(2) {
            let turns = (pair[1].yaw - pair[0].yaw).abs() > 1e-12;
            let (before, after) = (self.at(pair[0]), self.at(pair[1]));
            for side in 0..before.len() {
                let next = (side + 1) % before.len();
                let ends = [before[side], before[next], after[next], after[side]];
                raster.hull(&ends, if turns { MAX_SAGITTA + CHECK } else { 0.0 });
            }
        }
        raster.runs()
    }
}

/// A square of bits around the cell that a motion begins in.
struct Raster {
    rows: Vec<[u64; WORDS]>,
}

impl Raster {
    fn new() -> Self {
        Self { rows: vec![[0; WORDS]; 2 * HALF as usize] }
    }

    fn set(&mut self, row: i32, first: i32, last: i32) {
        let bits = &mut self.rows[(row + HALF) as usize];
        for col in first..=last {
            let at = (col + HALF) as usize;
            bits[at / 64] |= 1 << (at % 64);
        }
    }

    /// The cells that the convex hull of some points touches, grown by `slack` along both axes.
    fn hull(&mut self, points: &[[f64; 2]], slack: f64) {
        let low = points.iter().map(|point| point[1]).fold(f64::INFINITY, f64::min) - slack;
        let high = points.iter().map(|point| point[1]).fold(f64::NEG_INFINITY, f64::max) + slack;
        // A cell is its square without a border of the width of `GRAZE`, so the hull touches it if they have a point in
        // common.
        for row in (low + 0.5 + GRAZE).floor() as i32..=(high - 0.5 - GRAZE).ceil() as i32 {
            let bottom = f64::from(row) - 0.5 + GRAZE - slack;
            let top = f64::from(row) + 0.5 - GRAZE + slack;
            let Some((left, right)) = extent(points, bottom, top) else { continue };
            let first = (left - slack + 0.5 + GRAZE).floor() as i32;
            let last = (right + slack - 0.5 - GRAZE).ceil() as i32;
            self.set(row, first, last);
        }
    }

    /// The cells that a simple polygon touches.
    fn fill(&mut self, corners: &[[f64; 2]]) {
        let sides = || corners.iter().zip(corners.iter().cycle().skip(1));
        for (from, to) in sides() {
            self.hull(&[*from, *to], 0.0);
        }
        // A cell that no side touches lies inside if its centre does.
        let low = corners.iter().map(|corner| corner[1]).fold(f64::INFINITY, f64::min);
        let high = corners.iter().map(|corner| corner[1]).fold(f64::NEG_INFINITY, f64::max);
        for row in low.ceil() as i32..=high.floor() as i32 {
            let y = f64::from(row);
            let mut crossings: Vec<f64> = sides()
                .filter(|(from, to)| (from[1] > y) != (to[1] > y))
                .map(|(from, to)| from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]))
                .collect();
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                self.set(row, pair[0].ceil() as i32, pair[1].floor() as i32);
            }
        }
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for (at, bits) in self.rows.iter().enumerate() {
            let row = at as i32 - HALF;
            let is_set = |col: i32| bits[(col + HALF) as usize / 64] >> ((col + HALF) % 64) & 1 != 0;
            let mut col = -HALF;
            while col < HALF {
                if !is_set(col) {
                    col += 1;
                    continue;
                }
                let first = col;
                while col < HALF && is_set(col) {
                    col += 1;
                }
                runs.push(Run { row, first, last: col - 1 });
            }
        }
        runs
    }
}

/// The least and the greatest x of the part of a convex hull that lies between two values of y, both included.
pub(crate) fn extent(points: &[[f64; 2]], bottom: f64, top: f64) -> Option<(f64, f64)> {
    let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut take = |x: f64| (left, right) = (left.min(x), right.max(x));
    for (at, from) in points.iter().enumerate() {
        if (bottom..=top).contains(&from[1]) {
            take(from[0]);
        }
        // Lines between all pairs of points lie in the hull, and those of its border are among them.
        for to in &points[at + 1..] {
            for y in [bottom, top] {
                if (from[1] < y) != (to[1] < y) {
                    take(from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]));
                }
            }
        }
    }
    (left <= right).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rectangle(left: f64, right: f64, bottom: f64, top: f64) -> Outline {
        Outline::new(vec![[right, top], [left, top], [left, bottom], [right, bottom]])
    }

    fn touches(runs: &[Run], col: i32, row: i32) -> bool {
        runs.iter().any(|run| run.row == row && (run.first..=run.last).contains(&col))
    }

    #[test]
    fn a_shared_border_is_no_touch() {
        let runs = rectangle(-1.5, 2.5, -0.5, 1.5).sweep(&[CellPose::new(0.0, 0.0, 0.0)]);
        assert_eq!(runs, [Run { row: 0, first: -1, last: 2 }, Run { row: 1, first: -1, last: 2 }]);
        let runs = rectangle(-1.5, 2.51, -0.5, 1.51).sweep(&[CellPose::new(0.0, 0.0, 0.0)]);
        let row = |row| Run { row, first: -1, last: 3 };
        assert_eq!(runs, [row(0), row(1), row(2)]);
    }

    #[test]
    fn a_straight_motion_touches_exactly_its_strip() {
        let width = 12.4;
        let poses = [CellPose::new(0.0, 0.0, 0.0), CellPose::new(9.0, 0.0, 0.0)];
        let runs = rectangle(-4.0, 14.0, -width / 2.0, width / 2.0).sweep(&poses);
        assert_eq!(runs.len(), 13);
        assert!(runs.iter().all(|run| run.row.abs() <= 6 && (run.first, run.last) == (-4, 23)));
    }

    #[test]
    fn a_notch_isn_t_filled() {
        let outline = Outline::new(vec![[4.5, -4.5], [4.5, 4.5], [-4.5, 4.5], [-4.5, 1.5], [1.5, 1.5], [1.5, -4.5]]);
        let runs = outline.sweep(&[CellPose::new(0.0, 0.0, 0.0)]);
        assert!(touches(&runs, 2, -4) && touches(&runs, -4, 2) && touches(&runs, 4, 4));
        assert!(!touches(&runs, 1, 1) && !touches(&runs, -4, -4) && !touches(&runs, 0, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn a_turn_touches_what_it_covers_and_little_else(
            radii in proptest::collection::vec(3.0..15.0_f64, 3..8), arc in 0.0..20.0_f64, angle in -0.8..0.8_f64,
        ) {
            let sector = std::f64::consts::TAU / radii.len() as f64;
            let corners: Vec<_> = radii.iter().enumerate().map(|(at, radius)| {
                let (sin, cos) = (sector * at as f64).sin_cos();
                [radius * cos, radius * sin]
            }).collect();
            let outline = Outline::new(corners.clone());
            let pose = |share: f64| {
                let yaw = share * angle;
                CellPose::new(arc * yaw.sin(), arc * (1.0 - yaw.cos()), yaw)
            };
            let steps = (angle.abs() / outline.fine_turn(arc)).ceil().max(1.0);
            let poses: Vec<_> = (0..=steps as usize).map(|step| pose(step as f64 / steps)).collect();
            let runs = outline.sweep(&poses);
            // Whether a star around the base, grown by a margin, covers a point at a pose.
            let covers = |pose: CellPose, x: f64, y: f64, margin: f64| {
                let (sin, cos) = pose.yaw.sin_cos();
                let (x, y) = (x - pose.col, y - pose.row);
                let point = [x * cos + y * sin, y * cos - x * sin];
                let left_of = |from: [f64; 2], to: [f64; 2]| {
                    let (x, y) = (to[0] - from[0], to[1] - from[1]);
                    (x * (point[1] - from[1]) - y * (point[0] - from[0])) / x.hypot(y)
                };
                corners.iter().zip(corners.iter().cycle().skip(1)).any(|(a, b)| {
                    [([0.0; 2], *a), (*a, *b), (*b, [0.0; 2])].iter().all(|(from, to)| left_of(*from, *to) >= -margin)
                })
            };
            for (row, col) in (-36..36).flat_map(|row| (-36..36).map(move |col| (row, col))) {
                let near = |margin: f64| (0..=40).any(|share| {
                    let at = pose(f64::from(share) / 40.0);
                    let offsets = [-0.45, 0.0, 0.45];
                    offsets.iter().any(|x| offsets.iter().any(|y| {
                        covers(at, f64::from(col) + x, f64::from(row) + y, margin)
                    }))
                });
                if touches(&runs, col, row) {
                    prop_assert!(near(0.5), "({col}, {row}) is too much");
                } else {
                    prop_assert!(!near(-1e-9), "({col}, {row}) is missing");
                }
            }
        }
    }
}
