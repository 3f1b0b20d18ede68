//! Where the robot is, for everybody who needs it.

use std::time::Duration;

use trm_grid::units::Pose;

use crate::plan_record::Failure;

/// Localisation stamps its transforms a little ahead of time. A pose that is further ahead than this is of another
/// time.
const MAX_AHEAD: Duration = Duration::from_secs(2);

/// Where the robot was.
#[derive(Debug, Clone, Copy)]
pub struct RobotPose {
    /// In the map's frame.
    pub pose: Pose,
    /// ROS time of the pose; `None` when it never ages.
    pub stamp: Option<Duration>,
}

impl RobotPose {
    /// The pose, if it is at most `tolerance` seconds old at the ROS time `now`.
    ///
    /// # Errors
    /// It is older, or of another time.
    pub fn at(&self, now: Duration, tolerance: f64) -> Result<Pose, Failure> {
        let Some(stamp) = self.stamp else { return Ok(self.pose) };
        let (age, ahead) = (now.saturating_sub(stamp), stamp.saturating_sub(now));
        if age.as_secs_f64() > tolerance {
            Err(Failure::OldPose { age })
        } else if ahead > MAX_AHEAD {
            Err(Failure::FuturePose { ahead })
        } else {
            Ok(self.pose)
        }
    }
}

/// The latest pose of the robot, `None` while it isn't known.
pub struct LatestPose {
    latest: Option<RobotPose>,
    to_planner: triple_buffer::Input<Option<RobotPose>>,
}

/// The planner thread's copy of the latest pose, which it reads without a lock.
pub type PoseReader = triple_buffer::Output<Option<RobotPose>>;

impl LatestPose {
    /// No pose yet, and the planner thread's copy.
    #[must_use]
    pub fn new() -> (Self, PoseReader) {
        let (to_planner, reader) = triple_buffer::triple_buffer(&None);
        (Self { latest: None, to_planner }, reader)
    }

    /// Sets the pose; `None` when it isn't known any more.
    pub fn set(&mut self, pose: Option<RobotPose>) {
        self.latest = pose;
        self.to_planner.write(pose);
    }

    /// The pose.
    #[must_use]
    pub const fn get(&self) -> Option<RobotPose> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_counts_at_its_time_and_a_little_later_and_earlier() {
        let s = Duration::from_secs_f64;
        let robot = RobotPose { pose: Pose::new(1.0, 2.0, 0.0), stamp: Some(s(100.0)) };
        assert_eq!(robot.at(s(100.4), 0.5), Ok(robot.pose));
        assert_eq!(robot.at(s(99.0), 0.5), Ok(robot.pose), "stamped ahead, as AMCL does");
        assert!(matches!(robot.at(s(100.6), 0.5), Err(Failure::OldPose { .. })));
        assert_eq!(robot.at(s(5.0), 0.5), Err(Failure::FuturePose { ahead: s(95.0) }));
        let fixed = RobotPose { stamp: None, ..robot };
        assert_eq!(fixed.at(s(1e6), 0.5), Ok(robot.pose));
    }
}
