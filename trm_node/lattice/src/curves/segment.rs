//! The pieces of which curves are made.

use crate::lattice::Travel;
use crate::motion::Motion;
use crate::pose::CellPose;

/// How the robot steers on a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Steer {
    /// Along an arc. The radius, in cells, is positive where the centre is on the robot's left, negative on its right.
    Arc(f64),
    /// Straight on.
    Straight,
    /// It turns on the spot.
    Turn,
    /// In a straight line whatever its heading, while it turns evenly.
    Glide {
        /// Where it moves, in radians from the direction in which columns increase.
        towards: f64,
        /// How far it turns on a cell of the way, in radians.
        turn_per_cell: f64,
    },
}

/// A piece of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// How the robot steers.
    pub steer: Steer,
    /// How far: of a [turn](Steer::Turn) in radians, else in cells. Negative is backwards, or a turn to the right.
    pub amount: f64,
}

impl Segment {
    /// Where the robot is after a part of the segment, as much of it as `amount` says.
    #[must_use]
    pub fn after(&self, start: CellPose, amount: f64) -> CellPose {
        let (sin, cos) = start.yaw.sin_cos();
        let (col, row) = (start.col, start.row);
        match self.steer {
            Steer::Straight => CellPose::new(col + amount * cos, row + amount * sin, start.yaw),
            Steer::Arc(radius) => {
                let yaw = start.yaw + amount / radius;
                CellPose::new(col + radius * (yaw.sin() - sin), row - radius * (yaw.cos() - cos), yaw)
            }
            Steer::Turn => CellPose::new(col, row, start.yaw + amount),
            Steer::Glide { towards, turn_per_cell } => {
                let (sin, cos) = towards.sin_cos();
                CellPose::new(col + amount * cos, row + amount * sin, start.yaw + amount * turn_per_cell)
            }
        }
    }

    /// Where the robot is after the whole segment.
    #[must_use]
    pub fn end(&self, start: CellPose) -> CellPose {
        self.after(start, self.amount)
    }

    /// The way of the robot's base, in cells.
    #[must_use]
    pub fn length(&self) -> f64 {
        if self.is_drive() { self.amount.abs() } else { 0.0 }
    }

    /// How far the robot turns, in radians.
    #[must_use]
    pub fn turn(&self) -> f64 {
        match self.steer {
            Steer::Straight => 0.0,
            Steer::Arc(radius) => self.amount / radius,
            Steer::Turn => self.amount,
            Steer::Glide { turn_per_cell, .. } => self.amount * turn_per_cell,
        }
    }

    /// Whether the base moves.
    #[must_use]
    pub fn is_drive(&self) -> bool {
        self.steer != Steer::Turn
    }

    /// How the base moves.
    #[must_use]
    pub fn travel(&self) -> Travel {
        if !self.is_drive() {
            Travel::Turn
        } else if self.amount < 0.0 {
            Travel::Backward
        } else {
            Travel::Forward
        }
    }

    /// What it costs where the ground costs nothing, in cells.
    #[must_use]
    pub fn cost(&self, motion: &Motion) -> f64 {
        let way = match self.steer {
            Steer::Arc(_) => self.length() * motion.non_straight_penalty,
            Steer::Straight => self.length(),
            Steer::Turn | Steer::Glide { .. } => self.length() + self.turn().abs() * motion.turning_cost,
        };
        if self.travel() == Travel::Backward { way * motion.reverse_penalty } else { way }
    }
}
