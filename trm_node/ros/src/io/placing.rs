//! Where poses that others send are in the map's frame.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nalgebra::Isometry3;
use r2r::geometry_msgs::msg::PoseStamped;
use trm_flow::clock::NodeClock;
use trm_flow::lock::lock;
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;

use crate::io::convert::{self, Refused};
use crate::io::plan_codes::{TF_ERROR, UNKNOWN};
use crate::io::transforms::{TransformBuffer, TransformError};
use crate::params::Parameters;

/// How often a pose is tried again while its frame isn't known yet.
const RETRY_PERIOD: Duration = Duration::from_millis(20);

/// Knows the frames.
#[derive(Clone)]
pub struct Placing {
    pub parameters: Arc<Parameters>,
    pub transforms: Arc<Mutex<TransformBuffer>>,
}

/// Why a pose has no place in the map's frame.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Unplaced {
    text: String,
    /// A result of `PlanStatus`.
    pub result: u16,
    /// Whether it may have a place soon: the transform may still come.
    may_pass: bool,
}

impl Unplaced {
    fn refused(refused: &Refused) -> Self {
        Self { text: refused.to_string(), result: UNKNOWN, may_pass: false }
    }

    fn without_transform(what: &str, error: &TransformError) -> Self {
        Self { text: format!("{what} refused: {error}"), result: TF_ERROR, may_pass: error.may_pass() }
    }
}

impl Placing {
    /// Where a pose is in the odometry's frame, if it was given in a frame that hangs on that and the map doesn't.
    pub fn in_odometry(&self, stamped: &PoseStamped) -> Option<Isometry3<f64>> {
        let node = self.parameters.config().node;
        let (frame, odometry) = (trm_config::frame(&stamped.header.frame_id), node.odom_frame.as_str());
        let pose = convert::isometry("pose", "pose", &stamped.pose).ok()?;
        let transforms = lock(&self.transforms);
        if frame == node.map_frame || !transforms.hangs_on(frame, odometry) {
            return None;
        }
        let stamp = Some(convert::duration(&stamped.header.stamp)).filter(|stamp| !stamp.is_zero());
        transforms.lookup(odometry, frame, stamp).ok().map(|found| found.transform * pose)
    }

    /// Where a pose in the odometry's frame is in the map now.
    pub fn on_map(&self, pose: &Isometry3<f64>) -> Option<Pose> {
        let node = self.parameters.config().node;
        let found = lock(&self.transforms).lookup(&node.map_frame, &node.odom_frame, None).ok()?;
        Some(convert::planar(&(found.transform * pose)))
    }

    /// The pose in the map's frame, once its transform is there: until `give_up` by this clock one that may still come is
    /// waited for. Also returns when it was looked for at last.
    pub async fn place_in_time(
        &self,
        what: &str,
        stamped: &PoseStamped,
        (clock, give_up): (&NodeClock, Duration),
    ) -> Result<(Pose, Duration), Unplaced> {
        loop {
            let looked = clock.now();
            match self.place(what, stamped) {
                Err(unplaced) if unplaced.may_pass && clock.now() < give_up => {}
                placed => return placed.map(|pose| (pose, looked)),
            }
            tokio::time::sleep(RETRY_PERIOD).await;
        }
    }

    /// The pose in the map's frame. `what` it is says the refusal.
    pub fn place(&self, what: &str, stamped: &PoseStamped) -> Result<Pose, Unplaced> {
        let pose = convert::isometry(what, "pose", &stamped.pose).map_err(|error| Unplaced::refused(&error))?;
        let map_frame = self.parameters.config().node.map_frame;
        let frame = trm_config::frame(&stamped.header.frame_id);
        if frame.is_empty() {
            let expected = format!("its frame must be named (map_frame is \"{map_frame}\")");
            return Err(Unplaced::refused(&Refused::new(what, "header.frame_id", &"\"\"", expected)));
        }
        if frame == map_frame {
            return Ok(convert::planar(&pose));
        }
        // As tf2 has it: where the frame was when the pose was stamped; where it is now for a stamp of zero.
        let stamp = Some(convert::duration(&stamped.header.stamp)).filter(|stamp| !stamp.is_zero());
        let found = lock(&self.transforms).lookup(&map_frame, frame, stamp);
        let found = found.map_err(|error| Unplaced::without_transform(what, &error))?;
        Ok(convert::planar(&(found.transform * pose)))
    }
}
