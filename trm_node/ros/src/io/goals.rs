//! Goals: checked, transformed to the map's frame, and handed over.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use r2r::geometry_msgs::msg::PoseStamped;
use tokio::sync::mpsc::UnboundedSender;
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;

use crate::io::newest::newest;
use crate::io::placing::Placing;
use trm_flow::commands::Commands;
use trm_flow::messages::Record;
use trm_flow::shared::{GOAL, Shared};

/// How often a goal is tried again while its frame isn't known yet.
const RETRY_PERIOD: Duration = Duration::from_millis(20);

/// Takes goals in.
pub struct Goals {
    pub shared: Arc<Shared>,
    pub placing: Placing,
    pub commands: Commands,
    pub records: UnboundedSender<Record>,
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
        let patience = Duration::from_secs_f64(self.placing.parameters.config().node.transform_tolerance);
        let give_up = arrived + patience;
        loop {
            match self.placing.place("goal", goal) {
                Ok(pose) => {
                    self.accept(pose, arrived);
                    return None;
                }
                Err(unplaced) if unplaced.may_pass && self.shared.clock.now() < give_up => {}
                Err(unplaced) => {
                    self.refuse(unplaced.nav2_name, unplaced.to_string());
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

    fn accept(&self, pose: Pose, arrived: Duration) {
        self.shared.health().goal.good(arrived);
        let robot = self.shared.latest_pose().get().map(|latest| latest.pose);
        self.commands.goal(pose, arrived, robot);
    }

    fn refuse(&self, result: &'static str, text: String) {
        self.shared.refuse(GOAL, &text);
        // Fails only while the node is stopping.
        let _ = self.records.send(Record::GoalRefused(result, text));
    }
}
