//! What is left of the path before, and whether a new one leads another way.

use crate::grid::occupancy::Geometry;
use crate::path::routes::Routes;
use crate::path::smooth::STRIDE;
use crate::path::verify::{Draft, VerifiedPath};
use crate::units::{Point, Pose};

/// A robot farther than this from the path before, in cells, doesn't keep it.
pub(super) const STRAY: f64 = 32.0;
/// Two paths go the same way while they are this near to each other, in cells, or the robot's diameter.
pub(super) const SIDE: f64 = 8.0;
/// How many poses ahead two paths are compared.
const COMPARED: usize = 64;

/// Writes what is left of a path for a robot at `start`: the way to what follows the pose nearest to it, and that. Nothing
/// when the robot has strayed too far from it.
pub(super) fn rest(path: &VerifiedPath, routes: &Routes, start: Pose, geometry: &Geometry, left: &mut Draft) {
    left.poses.clear();
    left.tail = path.tail();
    let resolution = geometry.resolution();
    let poses = path.near();
    let distance = |pose: &Pose| pose.point().distance(start.point());
    let nearest = (0..poses.len())
        .min_by(|a, b| distance(&poses[*a]).total_cmp(&distance(&poses[*b])))
        .filter(|nearest| distance(&poses[*nearest]) <= STRAY * resolution);
    let Some(nearest) = nearest else { return };
    let is_at_tail = nearest + 1 == poses.len();
    let in_route = left.tail.filter(|_| is_at_tail).map(|tail| {
        // The corner where the path goes over into its route is reached.
        let (route, from) = (routes.of(tail), tail.from + 1);
        left.tail = route.corner(from).map(|_| tail.at(from));
        route.corner(from).map_or(route.end_pose(), |corner| {
            let Point { x, y } = geometry.center(corner);
            Pose::new(x, y, 0.0)
        })
    });
    let ahead = in_route.as_ref().map_or(&poses[(nearest + 1).min(poses.len() - 1)..], std::slice::from_ref);
    let (dx, dy) = (ahead[0].x - start.x, ahead[0].y - start.y);
    let pieces = (dx.hypot(dy) / (STRIDE * resolution)).ceil();
    for piece in 0..pieces as usize {
        let share = piece as f64 / pieces;
        left.poses.push(Pose::new(start.x + share * dx, start.y + share * dy, dy.atan2(dx)));
    }
    left.poses.extend_from_slice(ahead);
}

/// Whether one path leaves the other's side within its first poses.
pub(super) fn parts(path: &mut Draft, other: &mut Draft, routes: &Routes, side: f64) -> bool {
    let near = (path.poses.len(), other.poses.len());
    // The other may be ahead by as much as its poses are farther apart.
    for (draft, most) in [(&mut *path, COMPARED), (&mut *other, 2 * COMPARED)] {
        if let Some(tail) = draft.tail {
            routes.of(tail).write(tail.from, most, &mut draft.poses);
        }
    }
    let beside = &other.poses[..other.poses.len().min(2 * COMPARED)];
    let is_near = |pose: &Pose| beside.iter().any(|o| o.point().distance(pose.point()) <= side);
    let parts = !path.poses.iter().take(COMPARED).all(is_near);
    path.poses.truncate(near.0);
    other.poses.truncate(near.1);
    parts
}
