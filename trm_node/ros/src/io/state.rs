//! `~/state`: what the node is and what it waits for. Published when something in it changes, and kept for who comes
//! later.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use r2r::nav_msgs::msg::MapMetaData;
use r2r::std_msgs::msg::Header;
use r2r::trm_msgs::msg::PlannerState;
use tokio::time::MissedTickBehavior;
use trm_config::{Config, SuspectMap};
use trm_flow::map::suspicion::Suspect;
use trm_flow::plan_record::Failure;
use trm_flow::shared::Shared;
use trm_grid::geometry::Geometry;
use trm_net::bundle_id::BundleId;
use trm_planner::epoch::Epochs;

use crate::io::convert;
use crate::io::ends::End;
use crate::params::Parameters;

/// How often it is looked at, and the most often that it is published.
const PERIOD: Duration = Duration::from_millis(200);

/// Looks at the node and publishes what it is.
pub struct State {
    publisher: r2r::Publisher<PlannerState>,
    shared: Arc<Shared>,
    parameters: Arc<Parameters>,
    epochs: Arc<Epochs>,
    /// What was published last, without its stamp.
    last: Option<PlannerState>,
}

impl State {
    pub fn new(
        node: &mut r2r::Node,
        end: &End,
        shared: Arc<Shared>,
        parameters: Arc<Parameters>,
        epochs: Arc<Epochs>,
    ) -> r2r::Result<Self> {
        let publisher = node.create_publisher(end.topic, end.qos.clone())?;
        Ok(Self { publisher, shared, parameters, epochs, last: None })
    }

    /// Runs as long as the node does.
    pub async fn run(mut self) {
        let mut beat = tokio::time::interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            self.look();
        }
    }

    fn look(&mut self) {
        let now = message(&self.shared, &self.parameters.config(), &self.epochs);
        if self.last.as_ref() == Some(&now) {
            return;
        }
        let mut stamped = now.clone();
        stamped.header.stamp = convert::time(self.shared.ros_time.now());
        // One that can't be sent is tried again.
        if self.publisher.publish(&stamped).is_ok() {
            self.last = Some(now);
        }
    }
}

/// The node as it is, without a stamp.
fn message(shared: &Shared, config: &Config, epochs: &Epochs) -> PlannerState {
    let goal = *shared.goal();
    let goal = goal.filter(|(_, epoch)| !epochs.is_finished(*epoch)).map(|(pose, _)| pose);
    let grid = *shared.grid();
    let planners = shared.bundles();
    // Those of a router as one text.
    let joined = |text: fn(&BundleId) -> &str| {
        planners.iter().map(|bundles| bundles.iter().map(text).collect::<Vec<_>>().join("+")).collect()
    };
    PlannerState {
        header: Header { frame_id: config.node.map_frame.clone(), ..Header::default() },
        lifecycle_state: shared.lifecycle.load(Ordering::Relaxed),
        planner_ids: vec![String::new(); planners.len()],
        bundle_names: joined(|bundle| &bundle.name),
        bundle_hashes: joined(|bundle| &bundle.hash),
        robot_radius_m: config.grid.robot_radius,
        planner_frequency_hz: config.node.planner_frequency,
        deadlines_ms: (0..planners.len()).map(|at| config.of_planner(at).node.deadline_ms).collect(),
        has_goal: goal.is_some(),
        goal: goal.map(convert::pose_message).unwrap_or_default(),
        has_map: grid.is_some(),
        map: grid.map(map_message).unwrap_or_default(),
        missing: missing(shared, config),
        thread_priority: shared.real_time.priority().and_then(|priority| u8::try_from(priority).ok()).unwrap_or(0),
        memory_locked: shared.real_time.is_memory_locked(),
        not_granted: shared.real_time.refusals(),
    }
}

/// What is missing before anything can be planned. No ages: the text would change all the time.
fn missing(shared: &Shared, config: &Config) -> Vec<String> {
    let grid = shared.health().grid.missing().map(str::to_owned);
    let suspect = shared.ledger.suspicion.get().filter(|_| config.node.suspect_map == SuspectMap::Stop);
    let source = &shared.pose_source;
    let pose = match shared.robot_pose(config.node.transform_tolerance) {
        Ok(_) => None,
        Err(Failure::OldPose { .. }) => Some(format!("{source} is older than transform_tolerance")),
        Err(Failure::FuturePose { .. }) => Some(format!("{source} is stamped after ROS time")),
        Err(failure) => shared.pose_problem(failure),
    };
    let time = shared.ros_time.problem().filter(|_| pose.is_some()).map(str::to_owned);
    let suspect = suspect.map(|suspect| Suspect::text(suspect).to_owned());
    [grid, suspect, pose, time].into_iter().flatten().collect()
}

fn map_message(grid: Geometry) -> MapMetaData {
    MapMetaData {
        resolution: grid.resolution() as f32,
        width: grid.width(),
        height: grid.height(),
        origin: convert::pose_message(grid.origin()),
        ..MapMetaData::default()
    }
}

#[cfg(test)]
mod tests {
    use trm_flow::robot_pose::RobotPose;
    use trm_flow::ros_time::RosTime;
    use trm_grid::units::Pose;

    use super::*;
    use crate::io::for_tests::shared;

    #[test]
    fn what_is_missing_is_named_until_it_is_there_and_in_words_that_do_not_change_with_time() {
        let config = Config::default();
        let time = RosTime::simulated();
        let shared = shared(&config.node, time.clone());
        shared.health().grid.miss("no grid has come on topic map".to_owned());
        time.set(Duration::from_secs(10));
        let missing = || missing(&shared, &config);
        assert_eq!(missing(), ["no grid has come on topic map", "it isn't known where the robot is"]);
        shared.health().grid.good(Duration::ZERO);
        let pose = Some(RobotPose { pose: Pose::default(), stamp: Some(Duration::from_secs(10)) });
        shared.latest_pose().set(pose);
        assert_eq!(missing(), Vec::<String>::new());
        time.set(Duration::from_secs(11));
        let old = "transform map -> base_link is older than transform_tolerance";
        assert_eq!(missing(), [old]);
        time.set(Duration::from_secs(12));
        assert_eq!(missing(), [old]);
    }

    #[test]
    fn a_goal_is_there_until_its_epoch_is_finished() {
        let config = Config::default();
        let (shared, epochs) = (shared(&config.node, RosTime::system()), Epochs::default());
        let goal = || {
            let message = message(&shared, &config, &epochs);
            message.has_goal.then_some(message.goal.position.x)
        };
        assert_eq!(goal(), None);
        *shared.goal() = Some((Pose::new(1.5, 2.0, 0.0), epochs.begin()));
        assert_eq!(goal(), Some(1.5));
        // The end of an earlier goal is no end of this one.
        epochs.finish(0);
        assert_eq!(goal(), Some(1.5));
        epochs.finish(1);
        assert_eq!(goal(), None);
    }
}
