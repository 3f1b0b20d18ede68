//! Keeps the transform buffer, and the robot's pose in the map when that comes from transforms.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, Stream, StreamExt};
use r2r::geometry_msgs::msg::TransformStamped;
use r2r::tf2_msgs::msg::TFMessage;
use trm_config::{NodeConfig, StartSource};
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::transforms::TransformBuffer;
use crate::lock::lock;
use crate::robot_pose::RobotPose;
use crate::shared::Shared;

/// Listens to `/tf` and `/tf_static`.
pub struct TransformListener {
    pub shared: Arc<Shared>,
    pub config: NodeConfig,
    pub buffer: Arc<Mutex<TransformBuffer>>,
}

impl TransformListener {
    /// Runs as long as the node does.
    pub async fn listen(
        self,
        mut transforms: impl Stream<Item = TFMessage> + Unpin,
        mut statics: impl Stream<Item = TFMessage> + Unpin,
    ) {
        self.update_pose();
        loop {
            let (message, is_static) = tokio::select! {
                Some(message) = transforms.next() => (message, false),
                Some(message) = statics.next() => (message, true),
                else => return,
            };
            self.insert(&message.transforms, is_static);
            while let Some(Some(message)) = transforms.next().now_or_never() {
                self.insert(&message.transforms, false);
            }
            self.update_pose();
        }
    }

    fn insert(&self, transforms: &[TransformStamped], is_static: bool) {
        let now = self.shared.ros_clock.now();
        for transform in transforms {
            match convert::link(transform, is_static) {
                Ok(link) => {
                    let mut buffer = lock(&self.buffer);
                    buffer.advance(now);
                    buffer.insert(link);
                }
                Err(refused) => self.shared.refuse_pose(&refused.to_string()),
            }
        }
    }

    /// Looks up where the robot is.
    fn update_pose(&self) {
        if self.config.start_source != StartSource::Tf {
            return;
        }
        let found = lock(&self.buffer).lookup(&self.config.map_frame, &self.config.robot_base_frame);
        let pose = found.as_ref().ok();
        let pose = pose.map(|found| RobotPose { pose: convert::planar(&found.transform), stamp: found.stamp });
        self.shared.latest_pose().set(pose);
        match found {
            Ok(_) => self.shared.health().robot.good(self.shared.clock.now()),
            Err(error) => self.shared.health().robot.miss(error.to_string()),
        }
    }
}
