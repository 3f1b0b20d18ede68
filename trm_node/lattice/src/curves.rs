//! The cheapest ways between two exact poses where nothing is in the way, by motion model.
//!
//! | model | curve |
//! |---|---|
//! | car that may reverse | Reeds and Shepp's words: arcs of the turning radius and straight pieces, forwards and backwards |
//! | car that may not | Dubins' words: the same, forwards |
//! | differential drive | a turn on the spot, a straight drive, a turn on the spot |
//! | omnidirectional | a straight line on which the robot turns evenly |

mod curve;
mod dubins;
mod other_models;
mod reeds_shepp;
mod sampling;
mod segment;

use arrayvec::ArrayVec;
use trm_config::MotionModel;

use crate::motion::Motion;
use crate::pose::CellPose;

pub use curve::{Curve, MAX_SEGMENTS};
pub use sampling::{SPACING, TURN};
pub use segment::{Segment, Steer};

/// The greatest number of curves between two poses: Reeds and Shepp's words.
pub const MAX_CURVES: usize = 48;
/// The curves from one pose to another, the cheapest first. There is always one unless a pose isn't finite.
#[must_use]
pub fn curves(from: CellPose, to: CellPose, motion: &Motion) -> ArrayVec<Curve, MAX_CURVES> {
    let mut found = ArrayVec::new();
    each_word(from, to, motion, &mut |curve: Curve| {
        if curve.reaches(to) {
            found.push(curve);
        }
    });
    found.sort_unstable_by(|one: &Curve, other: &Curve| one.cost(motion).total_cmp(&other.cost(motion)));
    found
}

/// The cheapest curve from one pose to another; `None` if a pose isn't finite.
#[must_use]
pub fn cheapest(from: CellPose, to: CellPose, motion: &Motion) -> Option<Curve> {
    let mut best: Option<(f64, Curve)> = None;
    each_word(from, to, motion, &mut |curve: Curve| {
        let cost = curve.cost(motion);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) && curve.reaches(to) {
            best = Some((cost, curve));
        }
    });
    best.map(|(_, curve)| curve)
}

/// Goes through all curves whose form may lead from one pose to another, among them some that miss it.
fn each_word(from: CellPose, to: CellPose, motion: &Motion, offer: &mut impl FnMut(Curve)) {
    // From a pose to itself: in the words of cars rounding may make a whole turn of none.
    offer(Curve::new(from, []));
    match motion.model {
        MotionModel::Car if motion.allow_reverse => reeds_shepp::words(from, to, motion.turning_radius, offer),
        MotionModel::Car => dubins::words(from, to, motion.turning_radius, offer),
        MotionModel::Diff => other_models::turn_drive_turn(from, to, motion.allow_reverse, offer),
        MotionModel::Omni => offer(other_models::glide(from, to)),
    }
}

#[cfg(test)]
mod tests;
