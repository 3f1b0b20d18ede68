//! The motions that a lattice is made of: each begins and ends exactly on a cell's centre and a heading.

use trm_config::MotionModel;
use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

use crate::error::LatticeError;
use crate::headings::{Heading, Headings, wrapped};
use crate::motion::Motion;
use crate::pose::CellPose;
use crate::sweep::{Outline, Run};

/// The greatest number of columns or rows that a primitive leads over: half of the smallest window.
pub const MAX_STEP: i32 = 32;
/// The greatest turn of a primitive, in eighths of π.
const MAX_TURN_EIGHTHS: usize = 2;
/// A curve that turns farther is kept if it needs this share of the length for each radian that shorter ones need.
const WORTH_IT: f64 = 0.93;
/// Directions in which an omnidirectional robot moves at any heading, and their opposites.
const SLIDES: [(i32, i32); 8] = [(1, 0), (2, 1), (1, 1), (1, 2), (0, 1), (-1, 2), (-1, 1), (-2, 1)];

/// A motion from cell (0, 0) and a heading to a cell and a heading. Played backwards it leads back.
#[derive(Debug, Clone, PartialEq)]
pub struct Primitive {
    /// The heading where it begins.
    pub from: u8,
    /// The heading where it ends.
    pub to: u8,
    /// The cell where it ends.
    pub end: Cell,
    /// Length of the way of the robot's base, in cells.
    pub length: f64,
    /// The angle that it turns by, counter-clockwise, in radians.
    pub turn: f64,
    /// Poses on the way, both ends included, at most one cell apart.
    pub samples: Vec<CellPose>,
    /// The cells that the outline touches.
    pub sweep: Vec<Run>,
    /// The cell in the middle of the base's way, which tells what the ground costs.
    pub middle: Cell,
    /// The cells that the base comes by lie between these columns and rows, both included.
    pub base: [Cell; 2],
}

impl Primitive {
    /// Where it may begin, so that the base stays in a grid: between these cells, both included.
    pub(crate) fn origins(&self, grid: &Geometry) -> [Cell; 2] {
        let [low, high] = self.base;
        let (right, top) = (grid.width() as i32 - 1, grid.height() as i32 - 1);
        [Cell::new(-low.col, -low.row), Cell::new(right - high.col, top - high.row)]
    }
}

/// A part of a primitive.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Moving by columns and rows at one heading.
    Slide { cols: f64, rows: f64 },
    /// An arc of a radius in cells, to the left if the angle is positive; radius 0 is a turn where the robot stands.
    Arc { radius: f64, angle: f64 },
}

impl Part {
    fn length(self) -> f64 {
        match self {
            Self::Slide { cols, rows } => cols.hypot(rows),
            Self::Arc { radius, angle } => radius * angle.abs(),
        }
    }

    /// Where the part leads to after a share of it.
    fn after(self, start: CellPose, share: f64) -> CellPose {
        match self {
            Self::Slide { cols, rows } => CellPose::new(start.col + share * cols, start.row + share * rows, start.yaw),
            Self::Arc { radius, angle } => {
                let yaw = start.yaw + share * angle;
                let radius = radius.copysign(angle);
                let col = start.col + radius * (yaw.sin() - start.yaw.sin());
                let row = start.row - radius * (yaw.cos() - start.yaw.cos());
                CellPose::new(col, row, yaw)
            }
        }
    }
}

/// Builds the primitives of one lattice.
pub(crate) struct Builder<'a> {
    outline: &'a Outline,
    headings: Vec<Heading>,
    motion: Motion,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(outline: &'a Outline, headings: Headings, motion: Motion) -> Self {
        Self { outline, headings: headings.list(), motion }
    }

    /// All primitives.
    ///
    /// # Errors
    /// [`LatticeError`] if curves of the turning radius are too long.
    pub(crate) fn build(&self) -> Result<Vec<Primitive>, LatticeError> {
        let mut primitives = Vec::new();
        for (from, heading) in self.headings.iter().enumerate() {
            match self.motion.model {
                MotionModel::Omni => {
                    primitives.extend(SLIDES.map(|(cols, rows)| self.straight(from, cols, rows)));
                    primitives.push(self.turn(from));
                }
                MotionModel::Diff => {
                    primitives.push(self.straight(from, heading.cols, heading.rows));
                    primitives.push(self.turn(from));
                }
                MotionModel::Car => {
                    primitives.push(self.straight(from, heading.cols, heading.rows));
                    for is_left in [true, false] {
                        self.curves(from, is_left, &mut primitives)?;
                    }
                }
            }
        }
        Ok(primitives)
    }

    fn straight(&self, from: usize, cols: i32, rows: i32) -> Primitive {
        let parts = [Part::Slide { cols: f64::from(cols), rows: f64::from(rows) }];
        self.primitive(from, from, Cell::new(cols, rows), &parts)
    }

    /// A turn to the next heading where the robot stands.
    fn turn(&self, from: usize) -> Primitive {
        let to = (from + 1) % self.headings.len();
        let angle = wrapped(self.headings[to].yaw - self.headings[from].yaw);
        self.primitive(from, to, Cell::new(0, 0), &[Part::Arc { radius: 0.0, angle }])
    }

    /// Curves to one side: the shortest to the next heading, and to farther ones where that takes less of a way.
    fn curves(&self, from: usize, is_left: bool, primitives: &mut Vec<Primitive>) -> Result<(), LatticeError> {
        let count = self.headings.len();
        let mut least = f64::INFINITY;
        for turn in 1..=count * MAX_TURN_EIGHTHS / 16 {
            let to = if is_left { from + turn } else { from + count - turn } % count;
            let Some(curve) = Curve::shortest(&self.headings[from], &self.headings[to], self.motion.turning_radius)
            else {
                if turn > 1 {
                    continue;
                }
                return Err(LatticeError::new(
                    "turning_radius",
                    self.motion.turning_radius,
                    format!(
                        "cells; with {count} headings a curve to the next one is longer than {MAX_STEP} columns or rows"
                    ),
                ));
            };
            let each_radian = curve.length() / curve.angle.abs();
            if each_radian < WORTH_IT * least {
                least = each_radian;
                primitives.push(self.primitive(from, to, curve.end, &curve.parts(&self.headings[from])));
            }
        }
        Ok(())
    }

    fn primitive(&self, from: usize, to: usize, end: Cell, parts: &[Part]) -> Primitive {
        let start = CellPose::new(0.0, 0.0, self.headings[from].yaw);
        let radius = parts.iter().fold(0.0, |most: f64, part| match part {
            Part::Slide { .. } => most,
            Part::Arc { radius, .. } => most.max(*radius),
        });
        let fine_turn = self.outline.fine_turn(radius);
        let turn = wrapped(self.headings[to].yaw - self.headings[from].yaw);
        let mut samples = trace(start, parts, 1.0, fine_turn.max(0.1));
        // Nothing drifts: the last pose is the next one's first.
        if let Some(last) = samples.last_mut() {
            *last = CellPose::new(f64::from(end.col), f64::from(end.row), start.yaw + turn);
        }
        let mut line: Vec<_> =
            samples.iter().map(|pose| Cell::new(pose.col.round() as i32, pose.row.round() as i32)).collect();
        line.dedup();
        Primitive {
            from: from as u8,
            to: to as u8,
            end,
            length: parts.iter().map(|part| part.length()).sum(),
            turn,
            // Who follows the samples goes straight between them and turns evenly, and the path's checks look at that.
            sweep: self.outline.sweep(&evenly(&samples, fine_turn)),
            samples,
            middle: line[line.len() / 2],
            base: line.iter().fold([line[0]; 2], |[low, high], cell| {
                [
                    Cell::new(low.col.min(cell.col), low.row.min(cell.row)),
                    Cell::new(high.col.max(cell.col), high.row.max(cell.row)),
                ]
            }),
        }
    }
}

/// Poses along parts, at most `length` cells and `turn` radians apart.
fn trace(start: CellPose, parts: &[Part], length: f64, turn: f64) -> Vec<CellPose> {
    let mut poses = vec![start];
    let mut from = start;
    for part in parts {
        let angle = if let Part::Arc { angle, .. } = part { angle.abs() } else { 0.0 };
        let steps = (part.length() / length).max(angle / turn).ceil().max(1.0) as usize;
        poses.extend((1..=steps).map(|step| part.after(from, step as f64 / steps as f64)));
        from = part.after(from, 1.0);
    }
    poses
}

/// Poses between which the base goes straight, with more in between so that no turn is greater than `turn` radians.
fn evenly(poses: &[CellPose], turn: f64) -> Vec<CellPose> {
    let mut fine: Vec<_> = poses.first().copied().into_iter().collect();
    for pair in poses.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let angle = wrapped(to.yaw - from.yaw);
        let steps = (angle.abs() / turn).ceil().max(1.0);
        fine.extend((1..=steps as usize).map(|step| {
            let share = step as f64 / steps;
            let along = |from: f64, to: f64| from + share * (to - from);
            CellPose::new(along(from.col, to.col), along(from.row, to.row), from.yaw + share * angle)
        }));
    }
    fine
}

/// A straight line, an arc and a straight line from one heading to another. One of the lines has no length.
#[derive(Debug, Clone, Copy)]
struct Curve {
    /// Distance from the start to where the two headings' lines meet.
    before: f64,
    /// Distance from there to the end.
    after: f64,
    angle: f64,
    end: Cell,
}

impl Curve {
    /// The shortest curve whose arc has at least this radius, and which ends on a cell within [`MAX_STEP`].
    fn shortest(from: &Heading, to: &Heading, least_radius: f64) -> Option<Self> {
        let angle = wrapped(to.yaw - from.yaw);
        // The headings' lines from the start and to an end (cols, rows) meet where
        // before · from + after · to = (cols, rows), for unit vectors from and to.
        let determinant = f64::from(from.cols * to.rows - from.rows * to.cols);
        let mut shortest: Option<Self> = None;
        for rows in -MAX_STEP..=MAX_STEP {
            for cols in -MAX_STEP..=MAX_STEP {
                let before = f64::from(cols * to.rows - rows * to.cols) * from.step() / determinant;
                let after = f64::from(from.cols * rows - from.rows * cols) * to.step() / determinant;
                let curve = Self { before, after, angle, end: Cell::new(cols, rows) };
                if curve.radius() < least_radius {
                    continue;
                }
                if shortest.is_none_or(|shortest| curve.length() < shortest.length()) {
                    shortest = Some(curve);
                }
            }
        }
        shortest
    }

    /// The radius of the arc that touches both lines and takes all of the shorter one.
    fn radius(&self) -> f64 {
        self.before.min(self.after) / (self.angle.abs() / 2.0).tan()
    }

    fn length(&self) -> f64 {
        (self.before - self.after).abs() + self.radius() * self.angle.abs()
    }

    fn parts(&self, from: &Heading) -> Vec<Part> {
        let arc = Part::Arc { radius: self.radius(), angle: self.angle };
        let along = |yaw: f64, length: f64| Part::Slide { cols: length * yaw.cos(), rows: length * yaw.sin() };
        let line = (self.before - self.after).abs();
        if line < 1e-9 {
            vec![arc]
        } else if self.before > self.after {
            vec![along(from.yaw, line), arc]
        } else {
            vec![arc, along(from.yaw + self.angle, line)]
        }
    }
}
