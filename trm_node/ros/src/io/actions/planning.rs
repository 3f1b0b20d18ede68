//! From an action's goal to its answer.

use std::sync::Arc;
use std::time::Duration;

use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav_msgs::msg::Path;
use tokio::sync::{Notify, oneshot};
use trm_flow::log::Level;
use trm_flow::messages::Record;
use trm_flow::plan_record::{Kind, PlanRecord};
use trm_flow::request::{self, PlanRequest};
use trm_flow::text::cut;
use trm_flow::threads::guidance::settings;
use trm_grid::units::Pose;
use trm_planner::epoch::Epochs;
use trm_planner::halt::deadline::Clock;

use crate::io::actions::context::Actions;
use crate::io::actions::kinds::{Answer, AskedPath, Refusal};
use crate::io::convert;
use crate::io::plan_codes::{self, CANCELLED, INVALID_PLANNER, NO_VIAPOINTS_GIVEN, UNKNOWN};
use crate::io::verdict::Verdict;

/// A path leads through at most so many poses: all of them are planned to within one deadline.
const MAX_GOALS: usize = 256;

/// The one who waits for the answer may give it up.
pub struct Wait {
    pub epochs: Arc<Epochs>,
    given_up: Notify,
}

impl Wait {
    pub fn new() -> Self {
        Self { epochs: request::epochs(), given_up: Notify::new() }
    }

    /// Nobody waits any more: what goes on for it stops.
    pub fn give_up(&self, actions: &Actions) {
        actions.commands.cancel(&self.epochs);
        self.given_up.notify_one();
    }
}

/// A plan and its poses, as the publisher thread tells them.
type Planned = (PlanRecord, Vec<Pose>);

impl Actions {
    /// Plans what is asked for. The goal arrived at this time.
    pub async fn plan(&self, kind: Kind, asked: AskedPath, arrived: Duration, wait: &Wait) -> Answer {
        let planned = tokio::select! {
            planned = self.try_plan(kind, asked, arrived, wait) => planned,
            () = wait.given_up.notified() => Err(Refusal { result: CANCELLED, text: "cancelled".to_owned() }),
        };
        if let Err(Refusal { result, text }) = &planned {
            self.report(*result, text);
        }
        let (refusal, record, poses) = match planned {
            Ok((record, poses)) => {
                let verdict = Verdict::of(&Record::Plan(record), &self.shared);
                let refusal = record.result.is_err().then_some(Refusal { result: verdict.result, text: verdict.text });
                (refusal, Some(record), poses)
            }
            Err(refusal) => (Some(refusal), None, Vec::new()),
        };
        let stamp = record.and_then(|record| record.stamp).unwrap_or_else(|| self.shared.ros_time.now());
        let planning_time = self.shared.clock.now().saturating_sub(arrived);
        Answer { path: path(&self.placing.parameters.config().node.map_frame, stamp, &poses), planning_time, refusal }
    }

    async fn try_plan(&self, kind: Kind, asked: AskedPath, arrived: Duration, wait: &Wait) -> Result<Planned, Refusal> {
        let config = self.placing.parameters.config();
        let AskedPath { start, goals, planner_id } = asked;
        let planner = index_of(&planner_id, &config.node.planner_plugins)?;
        if goals.is_empty() {
            return Err(Refusal { result: NO_VIAPOINTS_GIVEN, text: "goals is empty".to_owned() });
        }
        if goals.len() > MAX_GOALS {
            let text = format!("goals has {} poses, more than {MAX_GOALS}", goals.len());
            return Err(Refusal { result: UNKNOWN, text });
        }
        let give_up = arrived + Duration::from_secs_f64(config.node.transform_tolerance);
        let start = match &start {
            Some(start) => Some(self.place("start", start, give_up).await?),
            None => None,
        };
        let mut placed = Vec::with_capacity(goals.len());
        for (at, goal) in goals.iter().enumerate() {
            let what = if kind == Kind::ToPose { "goal".to_owned() } else { format!("goals[{at}]") };
            placed.push(self.place(&what, goal, give_up).await?);
        }
        let config = config.of_planner(planner);
        let (sender, receiver) = oneshot::channel();
        let path = request::memory(placed.len());
        let request = PlanRequest {
            kind,
            planner,
            start,
            goals: placed,
            // As for goals of the topic, the time that transforms took isn't the planner's.
            arrived: self.shared.clock.now(),
            budget: Duration::from_secs_f64(config.node.deadline_ms / 1e3),
            epochs: Arc::clone(&wait.epochs),
            path,
            // Nobody listens when the goal was given up.
            reply: Box::new(move |record, poses| drop(sender.send((*record, poses.to_vec())))),
        };
        let robot = self.shared.latest_pose().get().map(|latest| latest.pose);
        let stops = || Refusal { result: UNKNOWN, text: "the node is stopping".to_owned() };
        if !self.commands.request(Box::new(request), &settings(&config), robot) {
            return Err(stops());
        }
        receiver.await.map_err(|_| stops())
    }

    /// A pose in the map's frame, once its transform is there.
    async fn place(&self, what: &str, pose: &PoseStamped, give_up: Duration) -> Result<Pose, Refusal> {
        let placed = self.placing.place_in_time(what, pose, (&self.shared.clock, give_up)).await;
        placed.map(|(pose, _)| pose).map_err(|unplaced| Refusal { result: unplaced.result, text: unplaced.to_string() })
    }

    /// Tells of a goal that no plan was made for.
    fn report(&self, result: u16, text: &str) {
        let now = self.shared.clock.now();
        let level = if result == CANCELLED { Level::Info } else { Level::Warn };
        self.shared.log.limited(
            "action",
            level,
            &format!("action: no path, {}: {text}", plan_codes::name(result)),
            now,
        );
        // Fails only while the node is stopping.
        let _ = self.records.send(Record::GoalRefused(result, text.to_owned()));
    }
}

/// Which planner a name means. Where there is one alone, no name means it, as in Nav2.
fn index_of(planner_id: &str, names: &[String]) -> Result<usize, Refusal> {
    let is_default = planner_id.is_empty() && names.len() == 1;
    let found = names.iter().position(|name| name == planner_id);
    found.or(is_default.then_some(0)).ok_or_else(|| {
        let text = format!("planner_id is \"{}\", but the planners are {}", cut(planner_id), names.join(", "));
        Refusal { result: INVALID_PLANNER, text }
    })
}

/// The message of a path.
fn path(frame: &str, stamp: Duration, poses: &[Pose]) -> Path {
    let mut path = Path::default();
    path.header.stamp = convert::time(stamp);
    frame.clone_into(&mut path.header.frame_id);
    let pose = |pose: &Pose| PoseStamped { header: path.header.clone(), pose: convert::pose_message(*pose) };
    path.poses = poses.iter().map(pose).collect();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planner_is_known_by_its_name_and_one_alone_without() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (one, two) = (names(&["GridBased"]), names(&["A", "B"]));
        assert_eq!(index_of("", &one).unwrap(), 0);
        assert_eq!(index_of("GridBased", &one).unwrap(), 0);
        assert_eq!(index_of("B", &two).unwrap(), 1);
        let refusal = index_of("", &two).unwrap_err();
        assert_eq!(
            (refusal.result, refusal.text.as_str()),
            (INVALID_PLANNER, "planner_id is \"\", but the planners are A, B")
        );
        assert!(index_of(&"x".repeat(1 << 20), &two).unwrap_err().text.len() < 1000);
    }

    #[test]
    fn an_empty_path_has_its_frame_and_stamp() {
        let empty = path("map", Duration::from_millis(1500), &[]);
        assert_eq!((empty.header.frame_id.as_str(), empty.header.stamp.sec, empty.poses.len()), ("map", 1, 0));
        let one = path("map", Duration::ZERO, &[Pose::new(1.0, 2.0, 0.5)]);
        let read = convert::planar(&convert::isometry("path", "pose", &one.poses[0].pose).unwrap());
        assert!((read.yaw - 0.5).abs() < 1e-12 && one.poses[0].header == one.header);
    }
}
