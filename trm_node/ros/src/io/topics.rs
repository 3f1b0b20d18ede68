//! Subscriptions. All of them are taken in by the main thread, which spins: everything that the middleware has is taken,
//! and nothing is left out between it and here.

use std::sync::{Arc, Mutex};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav_msgs::msg::Odometry;
use r2r::tf2_msgs::msg::TFMessage;
use r2r::{Listening, QosProfile};
use trm_config::{NodeConfig, StartSource};
use trm_flow::lock::lock;
use trm_flow::map::inbox::Inbox;
use trm_flow::shared::Shared;

use crate::io::grids::Grids;
use crate::io::incoming::message;
use crate::io::robot::Robot;
use crate::io::transforms::TransformBuffer;

/// As in `tf2`: all of a robot's publishers send at once.
const TF_DEPTH: usize = 100;
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
    shared: &Arc<Shared>,
    inbox: &Arc<Inbox>,
    transforms: &Arc<Mutex<TransformBuffer>>,
) -> r2r::Result<(Topics, UnboundedReceiver<PoseStamped>)> {
    let grids = Grids::subscribe(node, config, shared, inbox)?;
    let robot = Robot::new(Arc::clone(shared), config.clone(), Arc::clone(transforms));
    let robot = Arc::new(Mutex::new(robot));
    let mut listening = subscribe_to_poses(node, config, shared, &robot)?;
    let (sender, goals) = unbounded();
    let warn = Arc::clone(shared);
    listening.push(node.listen("goal_pose", QosProfile::default().keep_last(1).reliable(), move |incoming| {
        if let Some(goal) = message::<PoseStamped>(incoming, "goal_pose", &warn)
            && sender.len() < GOALS_WAITING
        {
            // Fails only while the node is stopping.
            let _ = sender.unbounded_send(goal);
        }
    })?);
    Ok((Topics { grids, robot, _listening: listening }, goals))
}

/// Transforms, which goals may need in any case, and odometry if the robot's pose comes from there.
fn subscribe_to_poses(
    node: &mut r2r::Node,
    config: &NodeConfig,
    shared: &Arc<Shared>,
    robot: &Arc<Mutex<Robot>>,
) -> r2r::Result<Vec<Listening>> {
    let dynamic = QosProfile::default().keep_last(TF_DEPTH).reliable();
    // Each static publisher sends once: none of them may be missed, however many there are.
    let latched = QosProfile::default().keep_all().reliable().transient_local();
    let mut listening = Vec::new();
    for (topic, qos, is_static) in [("/tf", dynamic, false), ("/tf_static", latched, true)] {
        let (robot, shared) = (Arc::clone(robot), Arc::clone(shared));
        listening.push(node.listen(topic, qos, move |incoming| {
            if let Some(message) = message::<TFMessage>(incoming, topic, &shared) {
                lock(&robot).take_transforms(&message.transforms, is_static);
            }
        })?);
    }
    if config.start_source == StartSource::Odom {
        shared.health().robot.miss("no odometry has come on topic odom".to_owned());
        let (robot, shared) = (Arc::clone(robot), Arc::clone(shared));
        let qos = QosProfile::default().keep_last(1).reliable();
        listening.push(node.listen("odom", qos, move |incoming| {
            if let Some(message) = message::<Odometry>(incoming, "odom", &shared) {
                lock(&robot).take_odometry(&message);
            }
        })?);
    }
    Ok(listening)
}

impl Topics {
    /// Does what is due after a spin. The process stood still before it if `stopped`.
    pub fn settle(&mut self, node: &mut r2r::Node, stopped: bool) {
        lock(&self.robot).settle();
        self.grids.settle(node, stopped);
    }
}
