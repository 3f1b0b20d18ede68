//! Subscriptions. All of them are taken in by the main thread, which spins: everything that the middleware has is taken,
//! and nothing is left out between it and here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use r2r::Listening;
use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav_msgs::msg::Odometry;
use r2r::tf2_msgs::msg::TFMessage;
use trm_config::NodeConfig;
use trm_flow::lock::lock;
use trm_flow::shared::Shared;

use crate::io::ends::{End, Ends};
use crate::io::footprints;
use crate::io::grids::Grids;
use crate::io::incoming::message;
use crate::io::robot::Robot;
use crate::io::services::Services;
use crate::io::transforms::TransformBuffer;

/// While so many goals wait, another replaces none of them but is dropped: the newest are read within milliseconds.
const GOALS_WAITING: usize = 1024;

/// What the main thread listens to, and what it does after each spin.
pub struct Topics {
    grids: Grids,
    robot: Arc<Mutex<Robot>>,
    _listening: Vec<Listening>,
}

/// Subscribes to every topic. Returns the goals, too.
///
/// # Errors
/// When ROS refuses a subscription.
pub fn subscribe(
    node: &mut r2r::Node,
    config: &NodeConfig,
    ends: &Ends,
    services: &Services,
    transforms: &Arc<Mutex<TransformBuffer>>,
) -> r2r::Result<(Topics, UnboundedReceiver<PoseStamped>)> {
    let (shared, inbox) = (&services.shared, &services.inbox);
    let grids = Grids::subscribe(node, ends, &config.map_frame, shared, inbox)?;
    let robot = Robot::new(Arc::clone(shared), config.clone(), Arc::clone(transforms));
    let robot = Arc::new(Mutex::new(robot));
    let mut listening = subscribe_to_poses(node, ends, shared, &robot)?;
    let (sender, goals) = unbounded();
    let warn = Arc::clone(shared);
    let End { topic, ref qos, .. } = ends.goal;
    listening.push(node.listen(topic, qos.clone(), move |incoming| {
        if let Some(goal) = message::<PoseStamped>(incoming, topic, &warn)
            && sender.len() < GOALS_WAITING
        {
            // Fails only while the node is stopping.
            let _ = sender.unbounded_send(goal);
        }
    })?);
    listening.push(footprints::subscribe(node, &ends.footprint, services)?);
    Ok((Topics { grids, robot, _listening: listening }, goals))
}

/// Transforms, which goals may need in any case, and odometry if the robot's pose comes from there.
fn subscribe_to_poses(
    node: &mut r2r::Node,
    ends: &Ends,
    shared: &Arc<Shared>,
    robot: &Arc<Mutex<Robot>>,
) -> r2r::Result<Vec<Listening>> {
    let mut listening = Vec::new();
    for (end, is_static) in [(&ends.tf, false), (&ends.tf_static, true)] {
        let topic = end.topic;
        let (robot, shared) = (Arc::clone(robot), Arc::clone(shared));
        listening.push(node.listen(topic, end.qos.clone(), move |incoming| {
            if let Some(message) = message::<TFMessage>(incoming, topic, &shared) {
                lock(&robot).take_transforms(&message.transforms, is_static);
            }
        })?);
    }
    if let Some(End { topic, qos, .. }) = ends.odom.clone() {
        shared.health().robot.miss(format!("no odometry has come on topic {topic}"));
        let (robot, shared) = (Arc::clone(robot), Arc::clone(shared));
        listening.push(node.listen(topic, qos, move |incoming| {
            if let Some(message) = message::<Odometry>(incoming, topic, &shared) {
                lock(&robot).take_odometry(&message);
            }
        })?);
    }
    Ok(listening)
}

impl Topics {
    /// How long the next spin may wait for messages.
    pub fn patience(&self) -> Option<Duration> {
        self.grids.patience()
    }

    /// Does what is due after a spin. The process stood still before it if `stopped`.
    pub fn settle(&mut self, node: &mut r2r::Node, stopped: bool) {
        lock(&self.robot).settle();
        self.grids.settle(node, stopped);
    }
}
