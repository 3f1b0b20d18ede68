//! Starts the threads, with the channels between them, and stops them.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::anyhow;
use crossbeam_channel::{Sender, unbounded};
use r2r::nav_msgs::msg::Path;
use tokio::sync::mpsc::UnboundedSender;
use trm_config::Config;
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_planner::epoch::Epochs;
use trm_planner::halt::predictor::Predictor;
use trm_rt::ring;

use crate::commands::Commands;
use crate::io::path_message::PathMessage;
use crate::messages::{Record, WorldEvent};
use crate::robot_pose::PoseReader;
use crate::shared::Shared;
use crate::threads::planner::PlannerThread;
use crate::threads::publisher::PublisherThread;
use crate::threads::world::WorldThread;
use crate::threads::{garbage, guidance, plan_channel, planner};

/// What the threads work with.
pub struct Resources {
    pub shared: Arc<Shared>,
    pub config: Config,
    pub bundle: Bundle,
    pub planner: Planner,
    pub robot_pose: PoseReader,
    /// For paths.
    pub publisher: r2r::Publisher<Path>,
    /// Where the diagnostics task receives.
    pub records: UnboundedSender<Record>,
}

/// The running threads, and the ways to them.
pub struct Threads {
    pub commands: Commands,
    pub world: Sender<WorldEvent>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts them all.
    pub fn start(resources: Resources) -> io::Result<Self> {
        let Resources { shared, config, bundle, planner, robot_pose, publisher, records } = resources;
        let (world, world_inbox) = unbounded();
        let (guidance, guidance_inbox) = unbounded();
        let (to_planner, planner_inbox) = ring::channel(planner::EVENTS);
        let (plans, plan_inbox) = plan_channel::channel();
        let (garbage, garbage_inbox) = garbage::channel(planner::EVENTS);
        let epochs = Arc::<Epochs>::default();
        let commands = Commands { epochs: Arc::clone(&epochs), planner: to_planner.shared(), guidance };

        let outlets = (commands.planner.clone(), commands.guidance.clone());
        let world_thread = WorldThread::new(Arc::clone(&shared), config.clone(), bundle, outlets, garbage_inbox);
        let (clock, settings) = (shared.clock, guidance::settings(&config));
        let (guidance_epochs, from_guidance) = (Arc::clone(&epochs), commands.planner.clone());
        let publisher_thread = PublisherThread {
            plans: plan_inbox,
            clock,
            ros_clock: shared.ros_clock.clone(),
            publish_time: Predictor::new(config.planner.time_quantile),
            records,
        };
        let map_frame = config.node.map_frame.clone();
        let helper = Arc::clone(&shared);
        let leader = Arc::clone(&shared);
        let planner_thread = PlannerThread::new(shared, epochs, config, planner, robot_pose, (plans, garbage));
        let handles = vec![
            spawn("world", move || world_thread.run(&world_inbox))?,
            spawn("guidance", move || {
                guidance::run(clock, settings, guidance_epochs, &from_guidance, &guidance_inbox);
            })?,
            spawn("planner", move || {
                leader.real_time.enter(&leader.log);
                planner_thread.run(planner_inbox);
            })?,
            spawn("publisher", move || {
                helper.real_time.enter_below();
                let mut message = PathMessage::new(map_frame);
                publisher_thread.run(|poses, stamp| message.publish(poses, stamp, &publisher));
            })?,
        ];
        Ok(Self { commands, world, handles })
    }

    /// Whether none of them has ended.
    pub fn are_alive(&self) -> bool {
        self.handles.iter().all(|handle| !handle.is_finished())
    }

    /// Stops and joins them all.
    ///
    /// # Errors
    /// When one had ended by itself: it panicked, and has said why.
    pub fn stop(self) -> anyhow::Result<()> {
        self.commands.stop();
        // A thread that is dead already takes no message.
        let _ = self.world.send(WorldEvent::Stop);
        let mut result = Ok(());
        for handle in self.handles {
            let name = handle.thread().name().unwrap_or_default().to_owned();
            if handle.join().is_err() {
                result = Err(anyhow!("the {name} thread failed"));
            }
        }
        result
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}
