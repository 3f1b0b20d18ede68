//! Goals: checked, transformed to the map's frame, and handed over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt};
use r2r::geometry_msgs::msg::PoseStamped;
use tokio::sync::mpsc::UnboundedSender;
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;

use crate::io::convert::{self, Refused};
use crate::io::newest::newest;
use crate::io::transforms::{TransformBuffer, TransformError};
use crate::params::Parameters;
use trm_flow::commands::Commands;
use trm_flow::lock::lock;
use trm_flow::messages::Record;
use trm_flow::shared::{GOAL, Shared};

/// How often a goal is tried again while its frame isn't known yet.
const RETRY_PERIOD: Duration = Duration::from_millis(20);

/// Takes goals in.
pub struct Goals {
    pub shared: Arc<Shared>,
    pub parameters: Arc<Parameters>,
    pub transforms: Arc<Mutex<TransformBuffer>>,
    pub commands: Commands,
    pub records: UnboundedSender<Record>,
}

/// Why a goal has no pose in the map's frame.
enum Unplaced {
    Refused(Refused),
    /// The transform may still come.
    NoTransform(TransformError),
}

impl Goals {
    /// Runs as long as the node does.
    pub async fn listen(self, mut goals: impl Stream<Item = PoseStamped> + Unpin) {
        let mut next = None;
        loop {
            let goal = match next.take() {
                Some(goal) => goal,
                None => match newest(&mut goals, &self.shared, |health| &mut health.goal).await {
                    Some(goal) => goal,
                    None => return,
                },
            };
            next = self.take(&goal, &mut goals).await;
        }
    }

    /// Hands a goal over, or refuses it. Returns a newer one that came while this one waited for its transform.
    async fn take(
        &self,
        goal: &PoseStamped,
        goals: &mut (impl Stream<Item = PoseStamped> + Unpin),
    ) -> Option<PoseStamped> {
        let mut arrived = self.shared.clock.now();
        let patience = Duration::from_secs_f64(self.parameters.config().node.transform_tolerance);
        let give_up = arrived + patience;
        loop {
            match self.place(goal) {
                Ok(pose) => {
                    self.accept(pose, arrived);
                    return None;
                }
                Err(Unplaced::NoTransform(error)) if error.may_pass() && self.shared.clock.now() < give_up => {}
                Err(Unplaced::NoTransform(error)) => {
                    self.refuse("TF_ERROR", format!("goal refused: {error}"));
                    return None;
                }
                Err(Unplaced::Refused(refused)) => {
                    self.refuse("UNKNOWN", refused.to_string());
                    return None;
                }
            }
            tokio::select! {
                Some(newer) = goals.next() => {
                    self.shared.health().goal.lose(1);
                    return Some(newer);
                }
                () = tokio::time::sleep(RETRY_PERIOD) => arrived = self.shared.clock.now(),
            }
        }
    }

    /// The goal's pose in the map's frame.
    fn place(&self, goal: &PoseStamped) -> Result<Pose, Unplaced> {
        let pose = convert::isometry("goal", "pose", &goal.pose).map_err(Unplaced::Refused)?;
        let map_frame = self.parameters.config().node.map_frame;
        let frame = trm_config::frame(&goal.header.frame_id);
        if frame.is_empty() {
            let expected = format!("a goal's frame must be named (map_frame is \"{map_frame}\")");
            return Err(Unplaced::Refused(Refused::new("goal", "header.frame_id", &"\"\"", expected)));
        }
        if frame == map_frame {
            return Ok(convert::planar(&pose));
        }
        // As tf2 has it: where the frame was when the goal was stamped; where it is now for a stamp of zero.
        let stamp = Some(convert::duration(&goal.header.stamp)).filter(|stamp| !stamp.is_zero());
        let found = lock(&self.transforms).lookup(&map_frame, frame, stamp).map_err(Unplaced::NoTransform)?;
        Ok(convert::planar(&(found.transform * pose)))
    }

    /// Hands it over, unless the node isn't configured.
    fn accept(&self, pose: Pose, arrived: Duration) {
        let robot = self.shared.latest_pose().get().map(|latest| latest.pose);
        if self.shared.goals.pass(|| self.commands.goal(pose, arrived, robot)) {
            self.shared.health().goal.good(arrived);
        } else {
            let text =
                "goal refused: the node isn't configured; its state must be inactive or active (`~/change_state`)";
            self.refuse("UNKNOWN", text.to_owned());
        }
    }

    fn refuse(&self, result: &'static str, text: String) {
        self.shared.refuse(GOAL, &text);
        // Fails only while the node is stopping.
        let _ = self.records.send(Record::GoalRefused(result, text));
    }
}
