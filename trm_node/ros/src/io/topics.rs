//! Subscriptions: each takes what is queued, keeps the newest, counts the rest, and hands it over.

use std::sync::Arc;

use crossbeam_channel::Sender;
use futures::{Stream, StreamExt};
use r2r::QosProfile;
use r2r::geometry_msgs::msg::PoseStamped;
use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::tf2_msgs::msg::TFMessage;
use tokio::runtime::Handle;
use trm_config::{NodeConfig, StartSource};
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::goals::Goals;
use crate::io::newest::newest;
use crate::io::transform_listener::TransformListener;
use crate::messages::WorldEvent;
use crate::robot_pose::RobotPose;
use crate::shared::Shared;

/// As in `tf2`: all of a robot's static publishers send at once.
const TF_DEPTH: usize = 100;
/// Every update counts: none may be skipped for a newer one.
const UPDATES_DEPTH: usize = 50;

/// Subscribes to every topic, and starts the tasks that listen.
pub fn subscribe(
    node: &mut r2r::Node,
    runtime: &Handle,
    config: &NodeConfig,
    world: &Sender<WorldEvent>,
    goals: Goals,
) -> r2r::Result<()> {
    subscribe_to_grids(node, runtime, config, &goals.shared, world)?;
    subscribe_to_poses(node, runtime, config, &goals)?;
    let goal_poses = node.subscribe::<PoseStamped>("goal_pose", QosProfile::default().keep_last(1).reliable())?;
    runtime.spawn(goals.listen(goal_poses));
    Ok(())
}

/// The grid that the parameter names, and its updates.
fn subscribe_to_grids(
    node: &mut r2r::Node,
    runtime: &Handle,
    config: &NodeConfig,
    shared: &Arc<Shared>,
    world: &Sender<WorldEvent>,
) -> r2r::Result<()> {
    let topic = config.grid_source.name();
    let latched = QosProfile::default().keep_last(1).reliable().transient_local();
    let grids = node.subscribe::<OccupancyGrid>(topic, latched)?;
    let updates_qos = QosProfile::default().keep_last(UPDATES_DEPTH).reliable();
    let updates = node.subscribe::<OccupancyGridUpdate>(&format!("{topic}_updates"), updates_qos)?;
    shared.health().grid.miss(format!("no grid has come on topic {topic}"));
    runtime.spawn(hand_over_grids(grids, Arc::clone(shared), world.clone()));
    runtime.spawn(hand_over_updates(updates, Arc::clone(shared), world.clone()));
    Ok(())
}

/// Transforms, which goals may need in any case, and odometry if the robot's pose comes from there.
fn subscribe_to_poses(node: &mut r2r::Node, runtime: &Handle, config: &NodeConfig, goals: &Goals) -> r2r::Result<()> {
    let shared = &goals.shared;
    let dynamic = QosProfile::default().keep_last(TF_DEPTH).reliable();
    let transforms = node.subscribe::<TFMessage>("/tf", dynamic.clone())?;
    let statics = node.subscribe::<TFMessage>("/tf_static", dynamic.transient_local())?;
    let buffer = Arc::clone(&goals.transforms);
    let listener = TransformListener { shared: Arc::clone(shared), config: config.clone(), buffer };
    runtime.spawn(listener.listen(transforms, statics));
    if config.start_source == StartSource::Odom {
        let odometry = node.subscribe::<Odometry>("odom", QosProfile::default().keep_last(1).reliable())?;
        shared.health().robot.miss("no odometry has come on topic odom".to_owned());
        runtime.spawn(follow_odometry(odometry, Arc::clone(shared), config.map_frame.clone()));
    }
    Ok(())
}

async fn hand_over_grids(
    mut grids: impl Stream<Item = OccupancyGrid> + Unpin,
    shared: Arc<Shared>,
    world: Sender<WorldEvent>,
) {
    while let Some(message) = newest(&mut grids, &shared, |health| &mut health.grid).await {
        // Fails only while the node is stopping; so below.
        let _ = world.send(WorldEvent::Grid { message: Box::new(message), arrived: shared.clock.now() });
    }
}

async fn hand_over_updates(
    mut updates: impl Stream<Item = OccupancyGridUpdate> + Unpin,
    shared: Arc<Shared>,
    world: Sender<WorldEvent>,
) {
    while let Some(message) = updates.next().await {
        let _ = world.send(WorldEvent::Update { message: Box::new(message), arrived: shared.clock.now() });
    }
}

async fn follow_odometry(mut odometry: impl Stream<Item = Odometry> + Unpin, shared: Arc<Shared>, map_frame: String) {
    while let Some(message) = newest(&mut odometry, &shared, |health| &mut health.robot).await {
        let pose = convert::check_frame("odometry", &message.header.frame_id, &map_frame)
            .and_then(|()| convert::isometry("odometry", "pose.pose", &message.pose.pose));
        match pose {
            Ok(pose) => {
                let stamp = Some(convert::duration(&message.header.stamp));
                shared.latest_pose().set(Some(RobotPose { pose: convert::planar(&pose), stamp }));
                shared.health().robot.good(shared.clock.now());
            }
            Err(refused) => shared.refuse_pose(&refused.to_string()),
        }
    }
}
