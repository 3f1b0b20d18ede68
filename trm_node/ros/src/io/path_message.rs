//! The message with a path, in C's layout. It is made once and overwritten for each path, so that the memory of the
//! poses, and the frame's name in each of them, are used again.
#![expect(unsafe_code, reason = "the poses are an array of C")]

use std::time::Duration;

use r2r::nav_msgs::msg::Path;
use r2r::{NativeMsg, Publisher};
use trm_grid::units::Pose;

use crate::io::convert;
use trm_flow::plan_record::Failure;

/// The message has room for so many poses at first.
const ROOM: usize = 8192;

/// A path that can be published.
pub struct PathMessage {
    frame: String,
    message: NativeMsg<Path>,
    /// How many poses the message was made with. A longer path gets a new one.
    room: usize,
}

impl PathMessage {
    /// A message for paths in this frame.
    pub fn new(frame: String) -> Self {
        let message = with_room(&frame, ROOM);
        Self { frame, message, room: ROOM }
    }

    /// Overwrites the previous path.
    fn write(&mut self, poses: &[Pose], stamp: Duration) {
        if poses.len() > self.room {
            self.room = poses.len().next_power_of_two();
            self.message = with_room(&self.frame, self.room);
        }
        let stamp = convert::time(stamp);
        let path = &mut *self.message;
        (path.header.stamp.sec, path.header.stamp.nanosec) = (stamp.sec, stamp.nanosec);
        // SAFETY: `with_room` made `room` poses, and `poses` has no more.
        let out = unsafe { std::slice::from_raw_parts_mut(path.poses.data, poses.len()) };
        for (pose, out) in poses.iter().zip(out) {
            (out.header.stamp.sec, out.header.stamp.nanosec) = (stamp.sec, stamp.nanosec);
            (out.pose.position.x, out.pose.position.y) = (pose.x, pose.y);
            (out.pose.orientation.z, out.pose.orientation.w) = (pose.yaw / 2.0).sin_cos();
        }
        // The message is freed by its capacity, which stays as it is.
        path.poses.size = poses.len();
    }

    /// Writes a path and publishes it.
    pub fn publish(&mut self, poses: &[Pose], stamp: Duration, publisher: &Publisher<Path>) -> Result<(), Failure> {
        self.write(poses, stamp);
        publisher.publish_native(&mut self.message).map_err(|_| Failure::Publish)
    }
}

/// A message with this many poses, and the frame's name in each.
fn with_room(frame: &str, room: usize) -> NativeMsg<Path> {
    let mut path = Path::default();
    frame.clone_into(&mut path.header.frame_id);
    let pose = r2r::geometry_msgs::msg::PoseStamped { header: path.header.clone(), ..Default::default() };
    path.poses = vec![pose; room];
    NativeMsg::from(&path)
}

#[cfg(test)]
mod tests {
    use r2r::WrappedTypesupport as _;
    use r2r::builtin_interfaces::msg::Time;

    use super::*;

    fn check(message: &PathMessage, poses: &[Pose], stamp: &Time) {
        let read = Path::from_native(&message.message);
        assert_eq!((read.header.frame_id.as_str(), &read.header.stamp), ("map", stamp));
        assert_eq!(read.poses.len(), poses.len());
        for (out, pose) in read.poses.iter().zip(poses) {
            assert_eq!(out.header, read.header);
            let read = convert::planar(&convert::isometry("path", "pose", &out.pose).unwrap());
            assert!(read.point() == pose.point() && (read.yaw - pose.yaw).abs() < 1e-12);
        }
    }

    #[test]
    fn a_path_is_written_over_a_longer_one_and_a_shorter_one() {
        let mut message = PathMessage::new("map".to_owned());
        let poses: Vec<_> = (0..20_000).map(|i| Pose::new(f64::from(i) * 0.1, 0.5, f64::from(i % 6) - 3.0)).collect();
        for (count, ms) in [(3, 1500), (1, 2500), (20_000, 3500), (0, 4500), (2, 5500)] {
            message.write(&poses[..count], Duration::from_millis(ms));
            check(&message, &poses[..count], &Time { sec: (ms / 1000) as i32, nanosec: 500_000_000 });
        }
    }
}
