//! The robot's pose, from transforms or odometry, and the buffer of transforms.

use std::sync::{Arc, Mutex};

use r2r::geometry_msgs::msg::TransformStamped;
use r2r::nav_msgs::msg::Odometry;
use trm_config::{NodeConfig, StartSource};
use trm_flow::lock::lock;
use trm_flow::robot_pose::RobotPose;
use trm_flow::shared::{ROBOT, Shared};
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::transforms::TransformBuffer;

/// Follows the robot.
pub struct Robot {
    shared: Arc<Shared>,
    config: NodeConfig,
    transforms: Arc<Mutex<TransformBuffer>>,
    /// Transforms have come since the pose was looked up.
    is_due: bool,
}

impl Robot {
    /// A robot whose pose isn't known yet.
    pub fn new(shared: Arc<Shared>, config: NodeConfig, transforms: Arc<Mutex<TransformBuffer>>) -> Self {
        Self { shared, config, transforms, is_due: true }
    }

    /// Takes a message of `/tf` or `/tf_static`.
    pub fn take_transforms(&mut self, transforms: &[TransformStamped], is_static: bool) {
        let (now, heard) = (self.shared.ros_time.now(), self.shared.clock.now());
        let mut buffer = lock(&self.transforms);
        buffer.advance(now);
        for transform in transforms {
            let inserted = convert::link(transform, is_static)
                .map_err(|refused| refused.to_string())
                .and_then(|link| buffer.insert(link, heard).map_err(|full| full.to_string()));
            if let Err(refused) = inserted {
                self.shared.refuse(ROBOT, &refused);
            }
        }
        self.is_due = true;
    }

    /// Takes odometry.
    pub fn take_odometry(&mut self, message: &Odometry) {
        let pose = convert::check_frame("odometry", &message.header.frame_id, &self.config.map_frame)
            .and_then(|()| convert::isometry("odometry", "pose.pose", &message.pose.pose));
        match pose {
            Ok(pose) => {
                let stamp = Some(convert::duration(&message.header.stamp));
                self.shared.latest_pose().set(Some(RobotPose { pose: convert::planar(&pose), stamp }));
                self.shared.health().robot.good(self.shared.clock.now());
            }
            Err(refused) => self.shared.refuse(ROBOT, &refused.to_string()),
        }
    }

    /// Looks up where the robot is, if transforms have come.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.is_due) || self.config.start_source != StartSource::Tf {
            return;
        }
        let found = lock(&self.transforms).lookup(&self.config.map_frame, &self.config.robot_base_frame, None);
        let pose = found.as_ref().ok();
        let pose = pose.map(|found| RobotPose { pose: convert::planar(&found.transform), stamp: found.stamp });
        self.shared.latest_pose().set(pose);
        match found {
            Ok(_) => self.shared.health().robot.good(self.shared.clock.now()),
            Err(error) => self.shared.health().robot.miss(error.to_string()),
        }
    }
}
