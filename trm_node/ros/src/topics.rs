//! Subscriptions: each takes what is queued, keeps the newest, counts the rest, and hands over.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use r2r::QosProfile;
use r2r::geometry_msgs::msg::{PoseStamped, TransformStamped};
use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::{OccupancyGrid, Odometry};
use r2r::tf2_msgs::msg::TFMessage;
use tokio::runtime::Handle;
use trm_config::Config;
use trm_planner::halt::deadline::Clock;

use crate::convert::{self, Refused};
use crate::goals::Goals;
use crate::health::{Health, Input};
use crate::shared::{RobotPose, Shared, lock};
use crate::transforms::TransformBuffer;
use crate::world;

/// As `tf2` subscribes: a robot's many static publishers all speak at once.
const TF_DEPTH: usize = 100;
/// Every update counts: none may be skipped for a newer one.
const UPDATES_DEPTH: usize = 50;

/// Subscribes to everything and starts the tasks that listen.
pub fn subscribe(
    node: &mut r2r::Node,
    runtime: &Handle,
    shared: &Arc<Shared>,
    config: &Config,
    world: &Sender<world::Event>,
    goals: Goals,
) -> r2r::Result<()> {
    let latched = QosProfile::default().keep_last(1).reliable().transient_local();
    let topic = config.node.grid_source.as_str();
    let grids = node.subscribe::<OccupancyGrid>(topic, latched)?;
    let updates_qos = QosProfile::default().keep_last(UPDATES_DEPTH).reliable();
    let updates = node.subscribe::<OccupancyGridUpdate>(&format!("{topic}_updates"), updates_qos)?;
    shared.health().grid.miss(format!("no grid has come on topic {topic}"));
    runtime.spawn(hand_over_grids(grids, Arc::clone(shared), world.clone()));
    runtime.spawn(hand_over_updates(updates, Arc::clone(shared), world.clone()));

    let goal_poses = node.subscribe::<PoseStamped>("goal_pose", QosProfile::default().keep_last(1).reliable())?;
    let buffer = Arc::clone(&goals.transforms);
    runtime.spawn(goals.listen(goal_poses));

    let dynamic = QosProfile::default().keep_last(TF_DEPTH).reliable();
    let transforms = node.subscribe::<TFMessage>("/tf", dynamic.clone())?;
    let statics = node.subscribe::<TFMessage>("/tf_static", dynamic.transient_local())?;
    let tracks_robot = config.node.start_source == "tf";
    let listener = TransformListener { shared: Arc::clone(shared), config: config.clone(), buffer, tracks_robot };
    listener.track_robot();
    runtime.spawn(listener.listen(transforms, statics));
    if !tracks_robot {
        let odometry = node.subscribe::<Odometry>("odom", QosProfile::default().keep_last(1).reliable())?;
        shared.health().robot.miss("no odometry has come on topic odom".to_owned());
        runtime.spawn(follow_odometry(odometry, Arc::clone(shared), config.node.map_frame.clone()));
    }
    Ok(())
}

/// The newest message; how many older ones were queued with it is counted.
pub async fn newest<T>(
    stream: &mut (impl Stream<Item = T> + Unpin),
    shared: &Shared,
    input: fn(&mut Health) -> &mut Input,
) -> Option<T> {
    let mut message = stream.next().await?;
    let mut lost = 0;
    while let Some(Some(newer)) = stream.next().now_or_never() {
        message = newer;
        lost += 1;
    }
    if lost > 0 {
        input(&mut shared.health()).lose(lost);
    }
    Some(message)
}

async fn hand_over_grids(
    mut grids: impl Stream<Item = OccupancyGrid> + Unpin,
    shared: Arc<Shared>,
    world: Sender<world::Event>,
) {
    while let Some(message) = newest(&mut grids, &shared, |health| &mut health.grid).await {
        // Fails only when the node is stopping; so below.
        let _ = world.send(world::Event::Grid(Box::new(message), shared.clock.now()));
    }
}

async fn hand_over_updates(
    mut updates: impl Stream<Item = OccupancyGridUpdate> + Unpin,
    shared: Arc<Shared>,
    world: Sender<world::Event>,
) {
    while let Some(message) = updates.next().await {
        let _ = world.send(world::Event::Update(Box::new(message), shared.clock.now()));
    }
}

async fn follow_odometry(mut odometry: impl Stream<Item = Odometry> + Unpin, shared: Arc<Shared>, map_frame: String) {
    while let Some(message) = newest(&mut odometry, &shared, |health| &mut health.robot).await {
        let pose = convert::check_frame("odometry", &message.header.frame_id, &map_frame)
            .and_then(|()| convert::isometry("odometry", "pose.pose", &message.pose.pose));
        match pose {
            Ok(pose) => {
                let stamp = Some(convert::duration(&message.header.stamp));
                lock(&shared.robot).set(Some(RobotPose { pose: convert::planar(&pose), stamp }));
                shared.health().robot.good(shared.clock.now());
            }
            Err(refused) => refuse_pose(&shared, &refused),
        }
    }
}

fn refuse_pose(shared: &Shared, refused: &Refused) {
    let text = refused.to_string();
    if shared.health().robot.refuse(&text, shared.clock.now()) {
        shared.log.warn(&text);
    }
}

/// Keeps the transform buffer, and the robot's pose in the map when that comes from transforms.
struct TransformListener {
    shared: Arc<Shared>,
    config: Config,
    buffer: Arc<Mutex<TransformBuffer>>,
    tracks_robot: bool,
}

impl TransformListener {
    async fn listen(
        self,
        mut transforms: impl Stream<Item = TFMessage> + Unpin,
        mut statics: impl Stream<Item = TFMessage> + Unpin,
    ) {
        loop {
            let (message, is_static) = tokio::select! {
                Some(message) = transforms.next() => (message, false),
                Some(message) = statics.next() => (message, true),
                else => return,
            };
            self.take(&message.transforms, is_static);
            while let Some(Some(message)) = transforms.next().now_or_never() {
                self.take(&message.transforms, false);
            }
            self.track_robot();
        }
    }

    fn take(&self, transforms: &[TransformStamped], is_static: bool) {
        let now = self.shared.ros_clock.now();
        for transform in transforms {
            match convert::link(transform, is_static) {
                Ok(link) => {
                    let mut buffer = lock(&self.buffer);
                    buffer.advance(now);
                    buffer.insert(link);
                }
                Err(refused) => refuse_pose(&self.shared, &refused),
            }
        }
    }

    fn track_robot(&self) {
        if !self.tracks_robot {
            return;
        }
        let found = lock(&self.buffer).lookup(&self.config.node.map_frame, &self.config.node.robot_base_frame);
        let pose = found.as_ref().ok().map(|found| {
            let stamp: Option<Duration> = found.stamp;
            RobotPose { pose: convert::planar(&found.transform), stamp }
        });
        lock(&self.shared.robot).set(pose);
        match found {
            Ok(_) => self.shared.health().robot.good(self.shared.clock.now()),
            Err(error) => self.shared.health().robot.miss(error.to_string()),
        }
    }
}
