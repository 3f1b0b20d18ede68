//! Lines, squares and points: the judge's own geometry.

/// Whether a line enters the open square around the origin whose side is twice `half`.
pub fn enters(a: (f64, f64), b: (f64, f64), half: f64) -> bool {
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (from, to) in [(a.0, b.0), (a.1, b.1)] {
        let step = to - from;
        if step == 0.0 {
            if from.abs() >= half {
                return false;
            }
            continue;
        }
        let (s, t) = ((-half - from) / step, (half - from) / step);
        enter = enter.max(s.min(t));
        leave = leave.min(s.max(t));
    }
    enter < leave
}

/// The distance between a line and a point.
pub fn distance(a: (f64, f64), b: (f64, f64), p: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let share = if length > 0.0 { (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (a.0 + share * dx - p.0).hypot(a.1 + share * dy - p.1)
}
