//! Reeds and Shepp's words: the shortest curves of a car that drives forwards and backwards.
//!
//! Source: J. A. Reeds and L. A. Shepp, "Optimal paths for a car that goes both forwards and backwards", Pacific Journal of
//! Mathematics 145 (1990), section 8. In a word, C is an arc and S a straight piece, + forwards and - backwards, and
//! u marks arcs of the same length. Here the radius is 1, and the car starts at the origin and heads along x.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use arrayvec::ArrayVec;

use super::curve::{Curve, MAX_SEGMENTS};
use super::segment::{Segment, Steer};
use crate::pose::CellPose;

/// A letter of a word: an arc on the left (1) or on the right (-1) or a straight piece (0), and its signed length.
type Letter = (f64, f64);
type Word = ArrayVec<Letter, MAX_SEGMENTS>;
/// Where a word must end.
#[derive(Clone, Copy)]
struct End {
    x: f64,
    y: f64,
    yaw: f64,
}

/// How far rounding may bring a length, or a circle that touches another, beyond its limit.
const ROUNDING: f64 = 1e-12;

const L: f64 = 1.0;
const S: f64 = 0.0;
const R: f64 = -1.0;

/// The forms of words; the symmetries give the others.
const FORMS: [fn(End) -> Option<Word>; 8] = [
    left_straight_left,
    left_straight_right,
    three_arcs,
    four_arcs_one_cusp,
    four_arcs_two_cusps,
    quarter_straight_left,
    quarter_straight_right,
    two_quarters,
];

/// All words from one pose to another.
pub(super) fn words(from: CellPose, to: CellPose, radius: f64, offer: &mut impl FnMut(Curve)) {
    let seen = from.sees(to);
    let end = End { x: seen.col / radius, y: seen.row / radius, yaw: seen.yaw };
    // The same way driven from its end to its start.
    let (sin, cos) = end.yaw.sin_cos();
    let reversed = End { x: end.x * cos + end.y * sin, y: end.x * sin - end.y * cos, yaw: end.yaw };
    for form in FORMS {
        mirrored(form, end, &mut |word| offer(curve(from, radius, word.iter().copied())));
    }
    for form in [three_arcs, quarter_straight_left, quarter_straight_right] {
        mirrored(form, reversed, &mut |word| offer(curve(from, radius, word.iter().rev().copied())));
    }
}

/// A form and its images: forwards and backwards exchanged, left and right exchanged, and both.
fn mirrored(form: fn(End) -> Option<Word>, end: End, each: &mut impl FnMut(Word)) {
    for (time, side) in [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)] {
        let image = End { x: time * end.x, y: side * end.y, yaw: time * side * end.yaw };
        if let Some(mut word) = form(image) {
            word.iter_mut().for_each(|letter| *letter = (side * letter.0, time * letter.1));
            each(word);
        }
    }
}

fn curve(start: CellPose, radius: f64, word: impl Iterator<Item = Letter>) -> Curve {
    let steer = |side| if side == S { Steer::Straight } else { Steer::Arc(side * radius) };
    Curve::new(start, word.map(|(side, length)| Segment { steer: steer(side), amount: length * radius }))
}

/// An angle from −π to π. A half turn that only rounding makes negative is positive, so that no word is lost.
fn wrapped(angle: f64) -> f64 {
    let angle = angle.rem_euclid(TAU);
    if angle > PI + ROUNDING { angle - TAU } else { angle }
}

/// A word, if the lengths that must not be negative aren't, except by rounding.
fn word(letters: &[Letter], not_negative: &[f64]) -> Option<Word> {
    not_negative.iter().all(|length| *length >= -ROUNDING).then(|| letters.iter().copied().collect())
}

fn polar(x: f64, y: f64) -> (f64, f64) {
    (x.hypot(y), y.atan2(x))
}

/// L+ S+ L+ (8.1).
fn left_straight_left(End { x, y, yaw }: End) -> Option<Word> {
    let (u, t) = polar(x - yaw.sin(), y - 1.0 + yaw.cos());
    let v = wrapped(yaw - t);
    word(&[(L, t), (S, u), (L, v)], &[t, v])
}

/// L+ S+ R+ (8.2).
fn left_straight_right(End { x, y, yaw }: End) -> Option<Word> {
    let (apart, line) = polar(x + yaw.sin(), y - 1.0 - yaw.cos());
    if apart < 2.0 - ROUNDING {
        return None;
    }
    let u = (apart * apart - 4.0).max(0.0).sqrt();
    let t = wrapped(line + 2.0_f64.atan2(u));
    let v = wrapped(t - yaw);
    word(&[(L, t), (S, u), (R, v)], &[t, v])
}

/// L+ R- L (8.3 and 8.4).
fn three_arcs(End { x, y, yaw }: End) -> Option<Word> {
    let (apart, line) = polar(x - yaw.sin(), y - 1.0 + yaw.cos());
    if apart > 4.0 + ROUNDING {
        return None;
    }
    let u = -2.0 * (apart / 4.0).min(1.0).asin();
    let t = wrapped(line + u / 2.0 + PI);
    let v = wrapped(yaw - t + u);
    word(&[(L, t), (R, u), (L, v)], &[t, -u])
}

/// The outer arcs of words of four arcs, whose inner arcs are `u` and `v`.
fn outer_arcs(u: f64, v: f64, xi: f64, eta: f64, yaw: f64) -> (f64, f64) {
    let delta = wrapped(u - v);
    let (a, b) = (u.sin() - delta.sin(), u.cos() - delta.cos() - 1.0);
    let line = (eta * a - xi * b).atan2(xi * a + eta * b);
    let is_opposite = 2.0 * (delta.cos() - v.cos() - u.cos()) + 3.0 < 0.0;
    let first = wrapped(if is_opposite { line + PI } else { line });
    (first, wrapped(first - u + v - yaw))
}

/// L+ R+u L-u R- (8.7).
fn four_arcs_one_cusp(End { x, y, yaw }: End) -> Option<Word> {
    let (xi, eta) = (x + yaw.sin(), y - 1.0 - yaw.cos());
    let cos = 0.25 * (2.0 + xi.hypot(eta));
    if cos > 1.0 + ROUNDING {
        return None;
    }
    let u = cos.min(1.0).acos();
    let (t, v) = outer_arcs(u, -u, xi, eta, yaw);
    word(&[(L, t), (R, u), (L, -u), (R, v)], &[t, -v])
}

/// L+ R-u L-u R+ (8.8).
fn four_arcs_two_cusps(End { x, y, yaw }: End) -> Option<Word> {
    let (xi, eta) = (x + yaw.sin(), y - 1.0 - yaw.cos());
    let cos = (20.0 - xi * xi - eta * eta) / 16.0;
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&cos) {
        return None;
    }
    let u = -cos.clamp(0.0, 1.0).acos();
    let (t, v) = outer_arcs(u, u, xi, eta, yaw);
    word(&[(L, t), (R, u), (L, u), (R, v)], &[t, v])
}

/// L+ R-(π/2) S- L- (8.9).
fn quarter_straight_left(End { x, y, yaw }: End) -> Option<Word> {
    let (apart, line) = polar(x - yaw.sin(), y - 1.0 + yaw.cos());
    if apart < 2.0 - ROUNDING {
        return None;
    }
    let r = (apart * apart - 4.0).max(0.0).sqrt();
    let u = 2.0 - r;
    let t = wrapped(line + r.atan2(-2.0));
    let v = wrapped(yaw - FRAC_PI_2 - t);
    word(&[(L, t), (R, -FRAC_PI_2), (S, u), (L, v)], &[t, -u, -v])
}

/// L+ R-(π/2) S- R- (8.10).
fn quarter_straight_right(End { x, y, yaw }: End) -> Option<Word> {
    let (apart, line) = polar(1.0 + yaw.cos() - y, x + yaw.sin());
    if apart < 2.0 - ROUNDING {
        return None;
    }
    let (t, u) = (line, 2.0 - apart);
    let v = wrapped(t + FRAC_PI_2 - yaw);
    word(&[(L, t), (R, -FRAC_PI_2), (S, u), (R, v)], &[t, -u, -v])
}

/// L+ R-(π/2) S- L-(π/2) R+ (8.11).
fn two_quarters(End { x, y, yaw }: End) -> Option<Word> {
    let (xi, eta) = (x + yaw.sin(), y - 1.0 - yaw.cos());
    let apart = xi.hypot(eta);
    if apart < 2.0 - ROUNDING {
        return None;
    }
    let u = 4.0 - (apart * apart - 4.0).max(0.0).sqrt();
    let t = wrapped(((4.0 - u) * xi - 2.0 * eta).atan2(-2.0 * xi + (u - 4.0) * eta));
    let v = wrapped(t - yaw);
    word(&[(L, t), (R, -FRAC_PI_2), (S, u), (L, -FRAC_PI_2), (R, v)], &[t, -u, v])
}
