//! The service `is_path_valid`: whether what is left of a path may still be driven, on the costs as they are now.
//!
//! As in Nav2, what is left begins with the pose that is nearest to the robot. Every cell between two poses counts, not
//! only those of the poses; for a robot with a footprint, every cell in the area that it sweeps. A robot that stands too
//! close to an obstacle may leave it, as everywhere in this node.

use std::sync::Arc;

use futures::StreamExt;
use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav2_msgs::srv::IsPathValid;
use r2r::{QosProfile, ServiceRequest};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use trm_config::footprint::Footprint;
use trm_flow::log::Level;
use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;
use trm_safety::check::Rules;
use trm_safety::swept::invalid_for;

use crate::io::actions::context::Actions;
use crate::io::placing::Unplaced;
use crate::io::reply::reply;

/// Creates the service, and starts the task that answers.
pub fn serve(node: &mut r2r::Node, runtime: &Handle, actions: &Arc<Actions>) -> r2r::Result<()> {
    let qos = QosProfile::services_default().keep_all();
    let mut requests = node.create_service::<IsPathValid::Service>("is_path_valid", qos)?;
    let actions = Arc::clone(actions);
    runtime.spawn(async move {
        while let Some(request) = requests.next().await {
            actions.ask_costs(request);
        }
    });
    Ok(())
}

impl Actions {
    /// Has the thread that owns the costs look, when they hold what has come, and answers.
    fn ask_costs(self: &Arc<Self>, request: ServiceRequest<IsPathValid::Service>) {
        let poses = match self.poses(&request.message) {
            Ok(poses) => poses,
            Err(unplaced) => {
                let text = format!("is_path_valid: {unplaced}");
                self.shared.log.limited("is_path_valid", Level::Warn, &text, self.shared.clock.now());
                return reply(request, IsPathValid::Response::default());
            }
        };
        let config = self.placing.parameters.config().of_planner(0);
        let (unknown, escape) = (config.grid.allow_unknown, config.planner.start_tolerance);
        let footprint = config.grid.outline();
        let robot = self.shared.latest_pose().get().map(|latest| latest.pose);
        let (seen, answer) = oneshot::channel();
        self.inbox.put_look(Box::new(move |costmap| {
            let response = costmap.map_or_else(IsPathValid::Response::default, |costmap| {
                let rules = Rules::new(unknown, escape, costmap.geometry().resolution());
                let invalid_pose_indices = invalid(costmap, rules, footprint.as_ref(), &poses, robot);
                let is_valid = invalid_pose_indices.is_empty() && !poses.is_empty();
                IsPathValid::Response { is_valid, invalid_pose_indices }
            });
            // Nobody listens while the node is stopping.
            let _ = seen.send(response);
        }));
        tokio::spawn(async move {
            if let Ok(response) = answer.await {
                reply(request, response);
            }
        });
    }

    /// The poses in the map's frame, where the header says they are.
    fn poses(&self, request: &IsPathValid::Request) -> Result<Vec<Pose>, Unplaced> {
        let header = &request.path.header;
        let place = |(at, pose): (usize, &PoseStamped)| {
            let stamped = PoseStamped { header: header.clone(), pose: pose.pose.clone() };
            self.placing.place(&format!("path.poses[{at}]"), &stamped)
        };
        request.path.poses.iter().enumerate().map(place).collect()
    }
}

/// The poses that can't be driven to, from the one nearest to the robot on.
fn invalid(
    costmap: &Costmap,
    rules: Rules,
    footprint: Option<&Footprint>,
    poses: &[Pose],
    robot: Option<Pose>,
) -> Vec<i32> {
    let nearest = |robot: Pose| {
        let away = |pose: &Pose| pose.point().distance(robot.point());
        poses.iter().enumerate().min_by(|a, b| away(a.1).total_cmp(&away(b.1))).map(|(at, _)| at)
    };
    let from = robot.and_then(nearest).unwrap_or(0);
    let left = &poses[from..];
    invalid_for(costmap, rules, footprint, left)
        .into_iter()
        .map(|at| i32::try_from(from + at).unwrap_or(i32::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use trm_grid::testing::costmap;

    use super::*;

    #[test]
    fn what_the_robot_has_passed_does_not_count_and_every_cell_between_two_poses_does() {
        let map = costmap(&["......", ".#....", "......"]);
        let rules = Rules::new(false, 0.0, 1.0);
        let path = [(0.5, 1.5), (2.5, 1.5), (4.5, 1.5)].map(|(x, y)| Pose::new(x, y, 0.0));
        assert_eq!(invalid(&map, rules, None, &path, None), [1], "the obstacle lies between two poses");
        assert_eq!(invalid(&map, rules, None, &path, Some(Pose::new(2.0, 1.4, 0.0))), [] as [i32; 0]);
        let out = [Pose::new(4.5, 0.5, 0.0), Pose::new(9.5, 0.5, 0.0)];
        assert_eq!(invalid(&map, rules, None, &out, None), [1]);
    }

    #[test]
    fn a_footprint_sweeps_what_its_base_does_not_come_near() {
        let map = costmap(&["......", "......", "..#...", "......"]);
        let rules = Rules::new(false, 0.0, 1.0);
        let path = [(1.5, 0.5), (4.5, 0.5), (4.5, 1.5)].map(|(x, y)| Pose::new(x, y, 0.0));
        let robot: Footprint = "[[1, 0.4], [-2.2, 0.4], [-2.2, -0.4], [1, -0.4]]".parse().unwrap();
        assert_eq!(invalid(&map, rules, None, &path, None), [] as [i32; 0]);
        assert_eq!(invalid(&map, rules, Some(&robot), &path[1..], None), [] as [i32; 0]);
        let up = [path[1], Pose::new(4.5, 2.4, 0.0)];
        assert_eq!(invalid(&map, rules, Some(&robot), &up, None), [1]);
    }
}
