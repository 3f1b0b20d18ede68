//! Paths as points in metres.

use trm_grid::units::Point;

use crate::drive::raster::between;

/// Where a path is nearest to a point, in metres along it, and how near.
pub fn nearest(path: &[Point], point: Point) -> (f64, f64) {
    let mut best = (0.0, path.first().map_or(f64::INFINITY, |first| first.distance(point)));
    let mut along = 0.0;
    for pair in path.windows(2) {
        let length = pair[0].distance(pair[1]);
        let (dx, dy) = (pair[1].x - pair[0].x, pair[1].y - pair[0].y);
        let share = ((point.x - pair[0].x) * dx + (point.y - pair[0].y) * dy) / (length * length).max(1e-18);
        let share = share.clamp(0.0, 1.0);
        let distance = between(pair[0], pair[1], share).distance(point);
        if distance < best.1 {
            best = (along + share * length, distance);
        }
        along += length;
    }
    best
}

/// The length in metres.
pub fn length(path: &[Point]) -> f64 {
    path.windows(2).map(|pair| pair[0].distance(pair[1])).sum()
}

/// The point so far along a path; its end beyond it.
pub fn point_at(path: &[Point], metres: f64) -> Option<Point> {
    let mut left = metres.max(0.0);
    for pair in path.windows(2) {
        let length = pair[0].distance(pair[1]);
        if left <= length {
            return Some(between(pair[0], pair[1], left / length.max(1e-12)));
        }
        left -= length;
    }
    path.last().copied()
}

/// What is left of a path from so far along it.
pub fn rest(path: &[Point], metres: f64) -> Vec<Point> {
    let mut left = Vec::new();
    left.extend(point_at(path, metres));
    let mut along = 0.0;
    for pair in path.windows(2) {
        along += pair[0].distance(pair[1]);
        if along > metres {
            left.push(pair[1]);
        }
    }
    left
}

/// Points along a path at most `step` metres apart, its own among them, with how far along each is.
pub fn samples(path: &[Point], step: f64) -> Vec<(f64, Point)> {
    let mut samples = Vec::new();
    let mut along = 0.0;
    for pair in path.windows(2) {
        let length = pair[0].distance(pair[1]);
        let pieces = (length / step).ceil().max(1.0) as usize;
        for piece in 0..pieces {
            let share = piece as f64 / pieces as f64;
            samples.push((along + share * length, between(pair[0], pair[1], share)));
        }
        along += length;
    }
    samples.extend(path.last().map(|end| (along, *end)));
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORNER: [Point; 3] = [Point { x: 0.0, y: 0.0 }, Point { x: 2.0, y: 0.0 }, Point { x: 2.0, y: 1.0 }];

    #[test]
    fn the_rest_begins_where_the_path_is_nearest() {
        let (along, distance) = nearest(&CORNER, Point { x: 1.5, y: 0.2 });
        assert!((along - 1.5).abs() < 1e-12 && (distance - 0.2).abs() < 1e-12);
        let left = rest(&CORNER, along);
        assert_eq!(left, [Point { x: 1.5, y: 0.0 }, CORNER[1], CORNER[2]]);
        assert!((length(&left) - 1.5).abs() < 1e-12);
        assert_eq!(point_at(&CORNER, 9.0), Some(CORNER[2]));
    }

    #[test]
    fn samples_are_dense_and_keep_the_corners() {
        let samples = samples(&CORNER, 0.3);
        assert!(samples.windows(2).all(|pair| pair[0].1.distance(pair[1].1) <= 0.3 + 1e-12));
        assert!(CORNER.iter().all(|corner| samples.iter().any(|(_, point)| point == corner)));
        assert!((samples[samples.len() - 1].0 - 3.0).abs() < 1e-12);
    }
}
