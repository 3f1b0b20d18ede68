//! Regulated pure pursuit: Macenski, Singh, Martín, Ginés, "Regulated Pure Pursuit for Robot Path Tracking", Autonomous
//! Robots 47 (2023), arXiv:2305.20026. The rules and their numbers are those of `tests/closed_loop/pursuit.py`.
//!
//! The lookahead distance is proportional to the speed, within bounds; the speed falls where the curvature's radius is less
//! than a bound and where an obstacle is nearer than a bound, and the lower of both counts; the robot turns on the spot first
//! where the path leads too far aside; and it stops before a collision that the present command would lead to within a time.

use trm_grid::units::{Point, Pose};

use crate::drive::body::{RADIUS, SPEED, TURN};
use crate::drive::cause::Cause;
use crate::drive::polyline::{length, nearest, point_at};
use crate::drive::raster::{ahead, angle};

const LEAST_SPEED: f64 = 0.15;
const LOOKAHEAD_TIME: f64 = 0.6;
const LOOKAHEAD: (f64, f64) = (0.25, 0.7);
const LEAST_RADIUS: f64 = 0.6;
/// From the hull, in metres.
const PROXIMITY: f64 = 0.25;
/// Radians.
const TURN_FIRST: f64 = 0.8;
const COLLISION_TIME: f64 = 1.0;
const COLLISION_GAP: f64 = 0.03;
/// Braking towards the end, and for turns on the spot.
const DECELERATION: f64 = 0.8;
const TURN_DECELERATION: f64 = 3.0;
/// An end this near is reached, in metres.
const AT_END: f64 = 0.05;

/// What the robot is told to do.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Speed and turn rate, in m/s and rad/s.
    pub speeds: (f64, f64),
    /// What determines them.
    pub cause: Cause,
}

impl Command {
    /// These speeds for that cause.
    pub const fn new(speeds: (f64, f64), cause: Cause) -> Self {
        Self { speeds, cause }
    }
}

/// The path that is followed.
#[derive(Default)]
pub struct Pursuit {
    path: Vec<Point>,
    length: f64,
}

impl Pursuit {
    /// Follows this path from now on.
    pub fn take(&mut self, path: &[Pose]) {
        self.path = path.iter().map(|pose| pose.point()).collect();
        self.length = length(&self.path);
    }

    /// Follows nothing.
    pub fn drop_path(&mut self) {
        self.path.clear();
    }

    /// Speed and turn for a pose and a speed; `obstacles` are the points of the latest scan.
    pub fn command(&self, pose: Pose, speed: f64, obstacles: &[Point]) -> Command {
        let stop = Command::new((0.0, 0.0), Cause::Stop);
        let (Some(end), robot) = (self.path.last(), pose.point()) else { return stop };
        let (along, _) = nearest(&self.path, robot);
        let left = (self.length - along).max(end.distance(robot));
        if left < AT_END {
            return Command { cause: Cause::Goal, ..stop };
        }
        let lookahead = (LOOKAHEAD_TIME * speed.abs()).clamp(LOOKAHEAD.0, LOOKAHEAD.1);
        let Some(carrot) = point_at(&self.path, along + lookahead) else { return stop };
        let distance = carrot.distance(robot).max(0.05);
        let bearing = angle((carrot.y - robot.y).atan2(carrot.x - robot.x) - pose.yaw);
        if bearing.abs() > TURN_FIRST {
            return Command::new((0.0, turn_by(bearing)), Cause::Start);
        }
        let curvature = 2.0 * bearing.sin() / distance;
        let (wanted, cause) = regulated(curvature, gap(robot, obstacles), left);
        let turn = (wanted * curvature).clamp(-TURN, TURN);
        if collides(pose, (wanted, turn), distance, obstacles) {
            // A disc may still turn on the spot.
            return Command::new((0.0, turn_by(bearing)), Cause::Stop);
        }
        Command::new((wanted, turn), cause)
    }
}

/// The turn rate for an angle that is left.
pub fn turn_by(bearing: f64) -> f64 {
    let fastest = (2.0 * TURN_DECELERATION * bearing.abs()).sqrt();
    TURN.min(fastest).copysign(bearing)
}

fn gap(point: Point, obstacles: &[Point]) -> f64 {
    obstacles.iter().map(|obstacle| obstacle.distance(point)).fold(f64::INFINITY, f64::min) - RADIUS
}

/// The speed, and what bounds it.
fn regulated(curvature: f64, gap: f64, left: f64) -> (f64, Cause) {
    let by_curvature = SPEED * (1.0 / (curvature.abs() * LEAST_RADIUS).max(1e-9)).min(1.0);
    let by_proximity = SPEED * (gap.max(0.0) / PROXIMITY).min(1.0);
    let by_end = ((2.0 * DECELERATION * left).sqrt() - 0.05).max(0.05);
    let speed = by_curvature.min(by_proximity).max(LEAST_SPEED);
    let cause = if by_end < speed {
        Cause::Goal
    } else if speed >= SPEED {
        Cause::Free
    } else if by_proximity < by_curvature {
        Cause::Proximity
    } else {
        Cause::Curvature
    };
    (speed.min(by_end), cause)
}

/// Whether the arc, as far as the carrot and at most for the collision time, touches a point of the scan that it comes nearer
/// to.
fn collides(pose: Pose, (speed, turn): (f64, f64), reach: f64, obstacles: &[Point]) -> bool {
    let around = COLLISION_TIME * SPEED + RADIUS + PROXIMITY;
    let near: Vec<Point> =
        obstacles.iter().copied().filter(|obstacle| obstacle.distance(pose.point()) < around).collect();
    let now = gap(pose.point(), &near);
    let duration = COLLISION_TIME.min(reach / speed.max(1e-6));
    let steps = (duration / 0.1).ceil() as u32;
    (1..=steps).map(|step| f64::from(step) * 0.1).any(|time| {
        let point = ahead(pose.point(), pose.yaw + turn * time / 2.0, speed * time);
        let gap = gap(point, &near);
        gap < COLLISION_GAP && gap < now - 1e-3
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::body::Body;

    fn path(points: &[(f64, f64)]) -> Vec<Pose> {
        points.iter().map(|(x, y)| Pose::new(*x, *y, 0.0)).collect()
    }

    #[test]
    fn the_robot_follows_a_corner_to_its_end_and_stops_before_an_obstacle() {
        let mut pursuit = Pursuit::default();
        pursuit.take(&path(&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0)]));
        let drive = |obstacles: &[Point]| {
            let mut body = Body::at(Pose::new(0.0, 0.0, 1.5));
            for _ in 0..600 {
                body.step(pursuit.command(body.pose, body.speed, obstacles).speeds, 0.02);
            }
            body
        };
        let body = drive(&[]);
        assert!(body.pose.point().distance(Point { x: 2.0, y: 2.0 }) < 0.1 && body.stands(), "{body:?}");
        let obstacle = Point { x: 1.0, y: 0.0 };
        let body = drive(&[obstacle]);
        let left = body.pose.point().distance(obstacle) - RADIUS;
        assert!(left > 0.0 && left < 0.4 && body.speed.abs() < 1e-9, "{body:?}");
        let nothing = Pursuit::default();
        assert!(nothing.command(Pose::default(), 0.5, &[]).speeds.0.abs() < 1e-12);
    }
}
