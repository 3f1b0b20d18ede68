//! The body of the simulated robot: a disc on a differential drive.

use trm_grid::units::Pose;

use crate::drive::raster::angle;

/// The robot's radius in metres; the planner's is larger, since the robot cuts corners while it follows a path.
pub const RADIUS: f64 = 0.22;
/// Below this it stands, in m/s and rad/s.
pub const STANDS: f64 = 0.02;
pub const TURNS: f64 = 0.05;
/// Its limits, in m/s, rad/s, m/s² and rad/s².
pub const SPEED: f64 = 0.8;
pub const TURN: f64 = 2.0;
const ACCELERATION: f64 = 1.5;
const TURN_ACCELERATION: f64 = 6.0;

/// Where it is and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    pub pose: Pose,
    /// Metres per second along its heading.
    pub speed: f64,
    /// Radians per second.
    pub turn: f64,
}

impl Body {
    /// It stands.
    pub const fn at(pose: Pose) -> Self {
        Self { pose, speed: 0.0, turn: 0.0 }
    }

    /// Drives for so many seconds, towards these speeds.
    pub fn step(&mut self, (speed, turn): (f64, f64), seconds: f64) {
        let towards = |value: f64, wanted: f64, most: f64| value + (wanted - value).clamp(-most, most);
        self.speed = towards(self.speed, speed, ACCELERATION * seconds);
        self.turn = towards(self.turn, turn, TURN_ACCELERATION * seconds);
        let middle = self.pose.yaw + self.turn * seconds / 2.0;
        self.pose.x += self.speed * middle.cos() * seconds;
        self.pose.y += self.speed * middle.sin() * seconds;
        self.pose.yaw = angle(self.pose.yaw + self.turn * seconds);
    }

    /// Whether it stands still.
    pub fn stands(&self) -> bool {
        self.speed.abs() <= STANDS && self.turn.abs() <= TURNS
    }
}
