//! Starts the threads, with the channels between them, and stops them.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::unbounded;
use trm_config::Config;
use trm_grid::units::Pose;
use trm_net::error::LoadError;
use trm_planner::Planner;
use trm_planner::epoch::Epochs;
use trm_planner::halt::path_time::{PUBLISHING, PathTime};
use trm_rt::ring;

use crate::commands::Commands;
use crate::map::held;
use crate::map::inbox::Inbox;
use crate::messages;
use crate::notes::{self, Wanted};
use crate::plan_record::Failure;
use crate::planners::Planners;
use crate::robot_pose::PoseReader;
use crate::shared::Shared;
use crate::threads::notes::{NotesThread, Record, Steps};
use crate::threads::planner::PlannerThread;
use crate::threads::publisher::{LastPath, PublisherThread};
use crate::threads::workshop::{Orders, Workshop};
use crate::threads::world::{Outlets, WorldThread};
use crate::threads::{garbage, guidance, plan_channel, planner};

/// Publishes poses with a stamp in ROS time.
pub type Publish = Box<dyn FnMut(&[Pose], Duration) -> Result<(), Failure>>;

/// What the threads work with.
pub struct Resources<P, R, M> {
    /// The node's.
    pub shared: Arc<Shared>,
    /// The parameters.
    pub config: Config,
    /// Makes a planner of the parameters that are its own.
    pub make: M,
    /// Planners with these parameters.
    pub planners: Planners,
    /// The planner thread's copy of the robot's pose.
    pub robot_pose: PoseReader,
    /// Makes, in the publisher thread, what publishes paths.
    pub publish: P,
    /// Takes what is reported about plans, in the publisher thread.
    pub records: R,
    /// Takes the record of plans, in the notes thread.
    pub record: Option<Record>,
    /// Takes what the model answered, in the notes thread.
    pub steps: Option<Steps>,
}

/// The running threads, and the ways to them.
pub struct Threads {
    /// Goals, pauses, the end.
    pub commands: Commands,
    /// Grids and parameters.
    pub inbox: Arc<Inbox>,
    workshop: Arc<Orders>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts them all.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    pub fn start<P, R, M>(resources: Resources<P, R, M>) -> io::Result<Self>
    where
        P: FnOnce() -> Publish + Send + 'static,
        R: FnMut(messages::Record) + Send + 'static,
        M: FnMut(&Config) -> Result<Planner, LoadError> + Send + 'static,
    {
        let Resources { shared, config, make, planners, robot_pose, publish, records, record: log, steps } = resources;
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let workshop = Arc::<Orders>::default();
        let (guidance, guidance_inbox) = unbounded();
        let (to_planner, planner_inbox) = ring::channel(planner::EVENTS);
        let (plans, plan_inbox) = plan_channel::channel();
        let (garbage, garbage_inbox) = garbage::channel(planner::EVENTS);
        let (held, world_holds) = held::channel();
        let epochs = Arc::<Epochs>::default();
        let commands = Commands { epochs: Arc::clone(&epochs), planner: to_planner.shared(), guidance };

        let (to_planner, to_guidance) = (commands.planner.clone(), commands.guidance.clone());
        let outlets =
            Outlets { planner: to_planner.clone(), guidance: to_guidance, held, workshop: Arc::clone(&workshop) };
        let world = WorldThread::new(Arc::clone(&shared), config.clone(), Arc::clone(&inbox), outlets, garbage_inbox);
        let maker = Workshop {
            orders: Arc::clone(&workshop),
            shared: Arc::clone(&shared),
            make,
            planner: to_planner.clone(),
            inbox: Arc::clone(&inbox),
        };
        let settings = guidance::settings(&config.of_planner(0));
        let (guidance_shared, guidance_epochs) = (Arc::clone(&shared), Arc::clone(&epochs));
        let publish_time = PathTime::new(PUBLISHING, config.planner.time_quantile);
        let last = LastPath::new(&config.node);
        let publisher = PublisherThread { plans: plan_inbox, shared: Arc::clone(&shared), publish_time, records, last };
        let (helper, leader) = (Arc::clone(&shared), Arc::clone(&shared));
        let inlets = (robot_pose, world_holds);
        let wanted = Wanted { steps: steps.is_some(), record: log.is_some() };
        let notes = (wanted.steps || wanted.record).then(|| notes::channel(wanted, &config.of_planner(0), &shared));
        let noted = Arc::clone(&shared);
        let mut planner = PlannerThread::new(shared, epochs, config.of_planner(0), planners, inlets, (plans, garbage));
        let mut last = Vec::new();
        if let Some((sender, inbox)) = notes {
            planner = planner.with_notes(sender);
            let thread = NotesThread::new(inbox, noted, log, steps);
            last.push(spawn("notes", move || thread.run())?);
        }
        // Not joined: making a planner takes long, and nobody needs it any more then.
        spawn("workshop", move || maker.run())?;
        let mut handles = vec![
            spawn("world", move || world.run())?,
            spawn("guidance", move || {
                guidance::run(&guidance_shared, settings, guidance_epochs, &to_planner, &guidance_inbox);
            })?,
            spawn("planner", move || {
                leader.real_time.enter(&leader.log);
                planner.run(planner_inbox);
            })?,
            spawn("publisher", move || {
                helper.real_time.enter_below();
                publisher.run(publish());
            })?,
        ];
        handles.extend(last);
        Ok(Self { commands, inbox, workshop, handles })
    }

    /// Whether none of them has ended.
    #[must_use]
    pub fn are_alive(&self) -> bool {
        self.handles.iter().all(|handle| !handle.is_finished())
    }

    /// Stops and joins them all.
    ///
    /// # Errors
    /// The names of those that had failed.
    pub fn stop(self) -> Result<(), Vec<String>> {
        self.inbox.stop();
        self.workshop.stop();
        self.commands.stop();
        let mut failed = Vec::new();
        for handle in self.handles {
            let name = handle.thread().name().unwrap_or_default().to_owned();
            if handle.join().is_err() {
                failed.push(name);
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}
