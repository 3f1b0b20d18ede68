//! The states of a robot in a grid, and the edges between them.

use trm_config::MotionModel;
use trm_config::footprint::Footprint;
use trm_grid::units::Cell;

use crate::error::LatticeError;
use crate::headings::{Heading, Headings};
use crate::motion::Motion;
use crate::pose::CellPose;
use crate::primitive::{Builder, Primitive};
use crate::sweep::{Outline, Run};

/// Costs are counted in whole units; a straight cell costs this many. The directions of all headings are within 1 % of
/// their length then.
pub const UNITS_PER_CELL: f64 = 12.0;
/// The greatest distance of a corner of the outline from the base, in cells.
pub const MAX_REACH: f64 = 60.0;

/// A state: the centre of a cell, and a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// The cell, whose frame the user of the state says.
    pub cell: Cell,
    /// Index in [`Lattice::headings`].
    pub heading: u8,
}

/// How the robot's base moves along an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// Ahead, or in any direction for an omnidirectional robot.
    Forward,
    /// Backwards.
    Backward,
    /// Turning where it stands.
    Turn,
}

/// A primitive between states, in the direction that it was made in or played backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Heading where it begins.
    pub from: u8,
    /// Heading where it ends.
    pub to: u8,
    /// Columns and rows from where it begins to where it ends.
    pub step: Cell,
    /// Cost in units, at least 1.
    pub cost: u16,
    /// Index in [`Lattice::primitives`].
    pub primitive: u16,
    /// Whether the primitive is played backwards.
    pub is_reversed: bool,
    /// How the base moves.
    pub travel: Travel,
}

/// What a robot can drive from the centre of any cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    outline: Outline,
    motion: Motion,
    headings: Vec<Heading>,
    primitives: Vec<Primitive>,
    rests: Vec<Vec<Run>>,
    edges: Vec<Edge>,
}

impl Lattice {
    /// The lattice of a robot. `footprint` is padded already; `resolution` is the side length of a cell in metres.
    ///
    /// # Errors
    /// [`LatticeError`] if the footprint reaches farther than [`MAX_REACH`] cells, a field of `motion` is out of its
    /// range, or curves of its radius are longer than [`crate::primitive::MAX_STEP`].
    pub fn new(
        footprint: &Footprint,
        resolution: f64,
        motion: Motion,
        headings: Headings,
    ) -> Result<Self, LatticeError> {
        if !(resolution.is_finite() && resolution > 0.0) {
            return Err(LatticeError::new("resolution", resolution, "must be a positive number of metres"));
        }
        motion.check()?;
        let outline = Outline::new(footprint.corners().iter().map(|[x, y]| [x / resolution, y / resolution]).collect());
        let reach = outline.reach();
        if reach > MAX_REACH {
            let expected = format!("cells from the base to the farthest corner; must be at most {MAX_REACH}");
            return Err(LatticeError::new("footprint", reach, expected));
        }
        let primitives = Builder::new(&outline, headings, motion).build()?;
        let rest = |heading: &Heading| outline.sweep(&[CellPose::new(0.0, 0.0, heading.yaw)]);
        let list = headings.list();
        let rests = list.iter().map(rest).collect();
        let edges = edges(&primitives, &motion);
        Ok(Self { outline, motion, headings: list, primitives, rests, edges })
    }

    /// The outline in cells.
    #[must_use]
    pub const fn outline(&self) -> &Outline {
        &self.outline
    }

    /// What the robot can drive.
    #[must_use]
    pub const fn motion(&self) -> &Motion {
        &self.motion
    }

    /// The headings, counter-clockwise.
    #[must_use]
    pub fn headings(&self) -> &[Heading] {
        &self.headings
    }

    /// The index of the heading nearest to an angle from the grid's columns, in radians.
    #[must_use]
    pub fn nearest_heading(&self, yaw: f64) -> u8 {
        let misfit = |heading: &Heading| crate::headings::wrapped(heading.yaw - yaw).abs();
        let numbered = self.headings.iter().enumerate();
        numbered.min_by(|(_, one), (_, other)| misfit(one).total_cmp(&misfit(other))).map_or(0, |(at, _)| at as u8)
    }

    /// The primitives.
    #[must_use]
    pub fn primitives(&self) -> &[Primitive] {
        &self.primitives
    }

    /// The cells that the robot touches at rest in cell (0, 0) with a heading.
    #[must_use]
    pub fn rest(&self, heading: u8) -> &[Run] {
        &self.rests[heading as usize]
    }

    /// The edges, in the order of the heading where they end, so that all that lead to one lie together.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Poses along an edge that begins in a cell, both ends included, at most one cell apart.
    pub fn poses(&self, edge: &Edge, from: Cell) -> impl Iterator<Item = CellPose> {
        let primitive = &self.primitives[edge.primitive as usize];
        let count = primitive.samples.len();
        // Played backwards, a primitive ends where it was made to begin.
        let origin =
            if edge.is_reversed { Cell::new(from.col + edge.step.col, from.row + edge.step.row) } else { from };
        let is_reversed = edge.is_reversed;
        (0..count).map(move |at| {
            let pose = primitive.samples[if is_reversed { count - 1 - at } else { at }];
            CellPose { col: pose.col + f64::from(origin.col), row: pose.row + f64::from(origin.row), ..pose }
        })
    }

    /// The farthest column or row beyond both ends of an edge that any edge's sweep or base touches: how much of the grid
    /// around a window decides about edges in it.
    #[must_use]
    pub fn margin(&self) -> i32 {
        let beyond = |at: i32, end: i32| if at < 0 { end.min(0) - at } else { at - end.max(0) };
        let farthest = |end: Cell, cells: &mut dyn Iterator<Item = Cell>| {
            cells.map(|cell| beyond(cell.col, end.col).max(beyond(cell.row, end.row))).max().unwrap_or(0)
        };
        let ends = |run: &Run| [run.first, run.last].map(|col| Cell::new(col, run.row));
        let moving = self.primitives.iter().map(|primitive| {
            let touched = primitive.sweep.iter().flat_map(ends);
            farthest(primitive.end, &mut touched.chain([primitive.middle]))
        });
        let resting = self.rests.iter().map(|rest| farthest(Cell::new(0, 0), &mut rest.iter().flat_map(ends)));
        moving.chain(resting).max().unwrap_or(0).max(0)
    }
}

/// The edges of primitives: each forwards, and backwards where the motion allows that.
fn edges(primitives: &[Primitive], motion: &Motion) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (at, primitive) in primitives.iter().enumerate() {
        let stands = primitive.length == 0.0;
        let is_omni = motion.model == MotionModel::Omni;
        let cells = if stands {
            motion.turning_cost * primitive.turn.abs()
        } else if primitive.turn == 0.0 {
            primitive.length
        } else {
            primitive.length * motion.non_straight_penalty
        };
        let units = |factor: f64| (cells * factor * UNITS_PER_CELL).round().max(1.0) as u16;
        let (from, to, end) = (primitive.from, primitive.to, primitive.end);
        let primitive = at as u16;
        let travel = if stands { Travel::Turn } else { Travel::Forward };
        edges.push(Edge { from, to, step: end, cost: units(1.0), primitive, is_reversed: false, travel });
        if stands || is_omni || motion.allow_reverse {
            let step = Cell::new(-end.col, -end.row);
            let (travel, factor) =
                if stands || is_omni { (travel, 1.0) } else { (Travel::Backward, motion.reverse_penalty) };
            let cost = units(factor);
            edges.push(Edge { from: to, to: from, step, cost, primitive, is_reversed: true, travel });
        }
    }
    edges.sort_by_key(|edge| (edge.to, edge.from));
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headings::wrapped;
    use crate::testing::{car, motion, outline_of};
    use trm_config::MotionModel::{Car, Diff, Omni};

    const ALL: [Headings; 2] = [Headings::H16, Headings::H32];

    fn refused(motion: Motion, footprint: &str, headings: Headings) -> String {
        Lattice::new(&footprint.parse().unwrap(), 0.05, motion, headings).unwrap_err().to_string()
    }

    #[test]
    fn edges_begin_and_end_exactly_on_states_and_keep_the_turning_radius() {
        for (headings, radius) in ALL.into_iter().flat_map(|all| [0.3, 1.0, 10.0, 60.0].map(|radius| (all, radius))) {
            let lattice = Lattice::new(&car(), 0.05, motion(Car, radius), headings).unwrap();
            for edge in lattice.edges() {
                let poses: Vec<_> = lattice.poses(edge, Cell::new(7, -3)).collect();
                let (first, last) = (poses[0], poses[poses.len() - 1]);
                assert_eq!((first.col, first.row), (7.0, -3.0));
                assert_eq!((last.col, last.row), (f64::from(7 + edge.step.col), f64::from(-3 + edge.step.row)));
                assert!(wrapped(first.yaw - lattice.headings()[edge.from as usize].yaw).abs() < 1e-9);
                assert!(wrapped(last.yaw - lattice.headings()[edge.to as usize].yaw).abs() < 1e-9);
                for pair in poses.windows(2) {
                    let (cols, rows) = (pair[1].col - pair[0].col, pair[1].row - pair[0].row);
                    let (chord, turn) = (cols.hypot(rows), wrapped(pair[1].yaw - pair[0].yaw));
                    assert!(chord <= 1.0 + 1e-9);
                    // A chord of a circle of radius r over the angle φ is 2 r sin(φ / 2) long.
                    assert!(chord >= 2.0 * radius * (turn.abs() / 2.0).sin() - 1e-6, "{edge:?}");
                    // The base moves along its heading, in the middle of a chord.
                    let across = wrapped(rows.atan2(cols) - pair[0].yaw - turn / 2.0).abs();
                    let wanted = if edge.travel == Travel::Backward { std::f64::consts::PI } else { 0.0 };
                    assert!((across - wanted).abs() < 1e-6, "{edge:?} {across}");
                }
            }
        }
    }

    #[test]
    fn every_heading_can_be_left_and_reached_to_both_sides() {
        for (headings, model) in ALL.into_iter().flat_map(|all| [Omni, Diff, Car].map(|model| (all, model))) {
            let lattice = Lattice::new(&car(), 0.05, motion(model, 60.0), headings).unwrap();
            let count = headings.count();
            for from in 0..count {
                for to in [(from + 1) % count, (from + count - 1) % count] {
                    let leads = |edge: &&Edge| (edge.from as usize, edge.to as usize) == (from, to);
                    assert!(lattice.edges().iter().any(|edge| leads(&edge)), "{model:?} {from} {to}");
                }
            }
        }
    }

    #[test]
    fn penalties_are_factors_and_backwards_is_left_out_where_it_is_forbidden() {
        let dear = Motion { reverse_penalty: 2.0, non_straight_penalty: 1.5, ..motion(Car, 10.0) };
        let lattice = Lattice::new(&car(), 0.05, dear, Headings::H16).unwrap();
        for edge in lattice.edges() {
            let primitive = &lattice.primitives()[edge.primitive as usize];
            let factor = if primitive.turn == 0.0 { 1.0 } else { 1.5 } * if edge.is_reversed { 2.0 } else { 1.0 };
            assert!((f64::from(edge.cost) - primitive.length * factor * UNITS_PER_CELL).abs() <= 0.5);
        }
        let ahead = Motion { allow_reverse: false, ..motion(Car, 10.0) };
        let lattice = Lattice::new(&car(), 0.05, ahead, Headings::H16).unwrap();
        assert!(lattice.edges().iter().all(|edge| edge.travel == Travel::Forward));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let square = "[[0.2, 0.2], [-0.2, 0.2], [-0.2, -0.2], [0.2, -0.2]]";
        for (radius, text) in [(0.0, "0"), (f64::NAN, "NaN"), (-2.0, "-2"), (f64::INFINITY, "inf")] {
            let expected = format!("turning_radius is {text}: must be a positive number of cells");
            assert_eq!(refused(motion(Car, radius), square, Headings::H16), expected);
        }
        let long = refused(motion(Car, 120.0), square, Headings::H16);
        assert!(
            long.starts_with("turning_radius is 120: cells; with 16 headings a curve to the next one is"),
            "{long}"
        );
        let far = "[[4, 1], [-1, 1], [-1, -1], [4, -1]]";
        let error = refused(motion(Omni, 0.0), far, Headings::H32);
        assert!(error.starts_with("footprint is 82.4") && error.ends_with("must be at most 60"), "{error}");
        let cheap = Motion { reverse_penalty: 0.5, ..motion(Diff, 0.0) };
        assert_eq!(refused(cheap, square, Headings::H16), "reverse_penalty is 0.5: must be from 1 to 5");
        let error = Lattice::new(&outline_of(square), 0.0, motion(Diff, 0.0), Headings::H16).unwrap_err().to_string();
        assert_eq!(error, "resolution is 0: must be a positive number of metres");
    }
}
