//! Poses along a curve.

use std::f64::consts::PI;

use super::curve::Curve;
use super::segment::Segment;
use crate::lattice::Travel;
use crate::path::PathPose;

/// The greatest distance between neighbouring samples, in cells.
pub const SPACING: f64 = 1.0;
/// The greatest turn between neighbouring samples, in radians.
pub const TURN: f64 = PI / 16.0;

impl Curve {
    /// Goes through poses along the curve, at most [`SPACING`] and [`TURN`] apart, as long as `each` returns true. The first
    /// is the start, the last the end, and where segments meet, cusps among them, is one. Returns whether it came to the
    /// end.
    pub fn all_samples(&self, mut each: impl FnMut(PathPose) -> bool) -> bool {
        let travel = self.segments.first().map_or(Travel::Turn, Segment::travel);
        if !each(PathPose { pose: self.start, travel }) {
            return false;
        }
        let mut start = self.start;
        for segment in &self.segments {
            let travel = segment.travel();
            let steps = (segment.length() / SPACING).max(segment.turn().abs() / TURN);
            // What is longer by rounding alone needs no step more.
            let steps = (steps - 1e-9).ceil().max(1.0) as usize;
            for step in 1..=steps {
                let amount = segment.amount * step as f64 / steps as f64;
                if !each(PathPose { pose: segment.after(start, amount), travel }) {
                    return false;
                }
            }
            start = segment.end(start);
        }
        true
    }

    /// Adds the poses of [`Self::all_samples`] to a path. Never allocates; `false` if the path's capacity is too small.
    pub fn sample(&self, path: &mut Vec<PathPose>) -> bool {
        self.all_samples(|sample| {
            let fits = path.len() < path.capacity();
            if fits {
                path.push(sample);
            }
            fits
        })
    }
}
