//! Goals: checked, transformed to the map's frame, and handed over.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use nalgebra::Isometry3;
use r2r::geometry_msgs::msg::PoseStamped;
use tokio::sync::mpsc::UnboundedSender;
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;

use crate::io::newest::newest;
use crate::io::placing::Placing;
use crate::io::plan_codes::UNKNOWN;
use trm_flow::commands::Commands;
use trm_flow::messages::Record;
use trm_flow::shared::{GOAL, Shared};

/// How often a goal in the odometry's frame is looked at.
const DRIFT_PERIOD: Duration = Duration::from_millis(200);
/// A goal that has moved by so many metres or radians is told again.
const DRIFT: f64 = 0.05;

/// Takes goals in.
pub struct Goals {
    pub shared: Arc<Shared>,
    pub placing: Placing,
    pub commands: Commands,
    pub records: UnboundedSender<Record>,
}

const UNCONFIGURED: &str =
    "goal refused: the node isn't configured; its state must be inactive or active (`~/change_state`)";

/// What became of a goal.
enum Taken {
    Accepted(Option<Drifting>),
    Refused,
    /// A newer one came while it waited for its transform.
    Replaced(PoseStamped),
}

/// A goal that stays where it is in the odometry's frame, while that moves against the map.
struct Drifting {
    in_odometry: Isometry3<f64>,
    /// Where it was in the map when it was last told.
    told: Pose,
    epoch: u64,
}

impl Goals {
    /// Runs as long as the node does.
    pub async fn listen(self, mut goals: impl Stream<Item = PoseStamped> + Unpin) {
        let (mut next, mut drifting) = (None, None);
        loop {
            let newest = async {
                match next.take() {
                    None => newest(&mut goals, &self.shared, |health| &mut health.goal).await,
                    next => next,
                }
            };
            let goal = tokio::select! {
                Some(goal) = newest => goal,
                () = tokio::time::sleep(DRIFT_PERIOD), if drifting.is_some() => {
                    drifting = drifting.and_then(|drifting| self.follow(drifting));
                    continue;
                }
                else => return,
            };
            match self.take(&goal, &mut goals).await {
                Taken::Accepted(accepted) => drifting = accepted,
                Taken::Refused => {}
                Taken::Replaced(newer) => next = Some(newer),
            }
        }
    }

    /// Hands a goal over, or refuses it.
    async fn take(&self, goal: &PoseStamped, goals: &mut (impl Stream<Item = PoseStamped> + Unpin)) -> Taken {
        let clock = &self.shared.clock;
        let patience = Duration::from_secs_f64(self.placing.parameters.config().node.transform_tolerance);
        let give_up = clock.now() + patience;
        let placed = tokio::select! {
            biased;
            placed = self.placing.place_in_time("goal", goal, (clock, give_up)) => placed,
            Some(newer) = goals.next() => {
                self.shared.health().goal.lose(1);
                return Taken::Replaced(newer);
            }
        };
        // The time that transforms took isn't the planner's.
        let (told, arrived) = match placed {
            Ok(placed) => placed,
            Err(unplaced) => {
                self.refuse(unplaced.result, unplaced.to_string());
                return Taken::Refused;
            }
        };
        let Some(epoch) = self.hand_over(told, arrived) else {
            self.refuse(UNKNOWN, UNCONFIGURED.to_owned());
            return Taken::Refused;
        };
        self.shared.health().goal.good(arrived);
        let in_odometry = self.placing.in_odometry(goal);
        Taken::Accepted(in_odometry.map(|in_odometry| Drifting { in_odometry, told, epoch }))
    }

    /// Tells where a goal is now, if it has moved in the map. `None` when it is reached.
    fn follow(&self, drifting: Drifting) -> Option<Drifting> {
        let Drifting { in_odometry, told, epoch } = drifting;
        if self.commands.epochs.is_finished(epoch) {
            return None;
        }
        let here = self.placing.on_map(&in_odometry).unwrap_or(told);
        let (sin, cos) = (here.yaw - told.yaw).sin_cos();
        if here.point().distance(told.point()) < DRIFT && sin.atan2(cos).abs() < DRIFT {
            return Some(drifting);
        }
        let epoch = self.hand_over(here, self.shared.clock.now())?;
        Some(Drifting { in_odometry, told: here, epoch })
    }

    /// Hands it over, unless the node isn't configured. Returns the epoch that begins with it.
    fn hand_over(&self, pose: Pose, arrived: Duration) -> Option<u64> {
        let robot = self.shared.latest_pose().get().map(|latest| latest.pose);
        let mut epoch = None;
        self.shared.goals.pass(|| {
            let began = self.commands.goal(pose, arrived, robot);
            *self.shared.goal() = Some((pose, began));
            epoch = Some(began);
        });
        epoch
    }

    fn refuse(&self, result: u16, text: String) {
        self.shared.refuse(GOAL, &text);
        // Fails only while the node is stopping.
        let _ = self.records.send(Record::GoalRefused(result, text));
    }
}
