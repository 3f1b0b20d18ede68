//! Dubins' words: the shortest curves of a car that drives forwards only.
//!
//! Source: L. E. Dubins, "On curves of minimal length with a constraint on average curvature", American Journal of
//! Mathematics 79 (1957). The lengths follow from the centres of the two circles.

use std::f64::consts::TAU;

use super::curve::Curve;
use super::segment::{Segment, Steer};
use crate::pose::CellPose;

/// A side of the robot on which the centre of an arc lies.
const SIDES: [f64; 2] = [1.0, -1.0];
/// How far rounding may bring circles that touch apart, or into each other, as a share of their distance.
const ROUNDING: f64 = 1e-12;

/// The six words from one pose to another.
pub(super) fn words(from: CellPose, to: CellPose, radius: f64, offer: &mut impl FnMut(Curve)) {
    for first in SIDES {
        for last in SIDES {
            arc_straight_arc(from, to, radius, [first, last], offer);
        }
        three_arcs(from, to, radius, first, offer);
    }
}

/// An arc, its tangent, and an arc. The angle of the tangent against the line between the centres is 0 for arcs on the same
/// side, and that of a right-angled triangle with a leg of two radii for arcs on different sides.
fn arc_straight_arc(from: CellPose, to: CellPose, radius: f64, [first, last]: [f64; 2], offer: &mut impl FnMut(Curve)) {
    let (one, other) = (from.place([0.0, first * radius]), to.place([0.0, last * radius]));
    let (apart, line) = (one.distance(other), one.heading(other));
    let legs = if first * last > 0.0 { 0.0 } else { 2.0 * radius };
    if apart < legs * (1.0 - ROUNDING) {
        return;
    }
    let straight = (apart * apart - legs * legs).max(0.0).sqrt();
    let tangent = line + first * legs.atan2(straight);
    let arc =
        |side: f64, turn: f64| Segment { steer: Steer::Arc(side * radius), amount: radius * forwards(side * turn) };
    let segments = [
        arc(first, tangent - from.yaw),
        Segment { steer: Steer::Straight, amount: straight },
        arc(last, to.yaw - tangent),
    ];
    offer(Curve::new(from, segments));
}

/// Three arcs, the middle one on the other side: the centres are the corners of a triangle with two sides of two radii.
fn three_arcs(from: CellPose, to: CellPose, radius: f64, side: f64, offer: &mut impl FnMut(Curve)) {
    let (one, other) = (from.place([0.0, side * radius]), to.place([0.0, side * radius]));
    let half = one.distance(other) / (4.0 * radius);
    if half > 1.0 + ROUNDING {
        return;
    }
    let corner = half.min(1.0).acos();
    let line = one.heading(other);
    // Either way round the triangle: the middle centre is left or right of the line.
    for middle in SIDES {
        // Where two circles touch, the car heads across the line between their centres.
        let junction = line + middle * corner + side * TAU / 4.0;
        let second = line - middle * corner - side * TAU / 4.0;
        let arc =
            |side: f64, turn: f64| Segment { steer: Steer::Arc(side * radius), amount: radius * forwards(side * turn) };
        let segments = [arc(side, junction - from.yaw), arc(-side, second - junction), arc(side, to.yaw - second)];
        offer(Curve::new(from, segments));
    }
}

/// A turn that is driven forwards: from 0 to a whole turn. A whole turn that only rounding makes is none.
fn forwards(turn: f64) -> f64 {
    let turn = turn.rem_euclid(TAU);
    if turn > TAU - 1e-11 { 0.0 } else { turn }
}
