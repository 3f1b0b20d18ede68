//! Curves of robots that turn on the spot or move in any direction.

use std::f64::consts::PI;

use super::curve::Curve;
use super::segment::{Segment, Steer};
use crate::headings::wrapped;
use crate::pose::CellPose;

/// Positions that are nearer to each other than this, in cells, are one: a direction between them means nothing.
const SAME: f64 = 1e-9;

/// The ways of a differential drive: forwards, and backwards if allowed.
pub(super) fn turn_drive_turn(from: CellPose, to: CellPose, allow_reverse: bool, offer: &mut impl FnMut(Curve)) {
    let distance = from.at().distance(to.at());
    let turning = |amount: f64| Segment { steer: Steer::Turn, amount };
    if distance < SAME {
        return offer(Curve::new(from, [turning(wrapped(to.yaw - from.yaw))]));
    }
    let towards = from.at().heading(to.at());
    let drives = [(towards, distance), (towards + PI, -distance)];
    for (heading, amount) in drives.into_iter().take(if allow_reverse { 2 } else { 1 }) {
        let drive = Segment { steer: Steer::Straight, amount };
        offer(Curve::new(from, [turning(wrapped(heading - from.yaw)), drive, turning(wrapped(to.yaw - heading))]));
    }
}

/// The way of an omnidirectional robot.
pub(super) fn glide(from: CellPose, to: CellPose) -> Curve {
    let (distance, turned) = (from.at().distance(to.at()), wrapped(to.yaw - from.yaw));
    let segment = if distance < SAME {
        Segment { steer: Steer::Turn, amount: turned }
    } else {
        let steer = Steer::Glide { towards: from.at().heading(to.at()), turn_per_cell: turned / distance };
        Segment { steer, amount: distance }
    };
    Curve::new(from, [segment])
}
