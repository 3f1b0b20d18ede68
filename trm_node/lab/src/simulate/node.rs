//! One life of the node: every thread of it, as a state machine.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, unbounded};
use trm_config::Config;
use trm_flow::clock::NodeClock;
use trm_flow::commands::Commands;
use trm_flow::lock::lock;
use trm_flow::log::Log;
use trm_flow::map::held;
use trm_flow::map::inbox::Inbox;
use trm_flow::map::intake::Intake;
use trm_flow::messages::{GuidanceEvent, PlannerEvent, Record};
use trm_flow::planners::Planners;
use trm_flow::real_time::RealTime;
use trm_flow::ros_time::RosTime;
use trm_flow::shared::Shared;
use trm_flow::threads::planner::{EVENTS, PlannerThread};
use trm_flow::threads::publisher::{LastPath, PublisherThread};
use trm_flow::threads::workshop::{Orders, Workshop};
use trm_flow::threads::world::{Outlets, WorldThread};
use trm_flow::threads::{garbage, guidance, plan_channel};
use trm_net::error::LoadError;
use trm_planner::Planner;
use trm_planner::epoch::Epochs;
use trm_planner::guidance_worker::GuidanceWorker;
use trm_planner::guided::Guided;
use trm_planner::halt::path_time::{PUBLISHING, PathTime};
use trm_rt::ring;

use crate::simulate::oracle::Costs;

/// What everybody around the threads uses.
pub struct Life {
    /// The node's state.
    pub shared: Arc<Shared>,
    /// The way to the world thread.
    pub inbox: Arc<Inbox>,
    /// Goals and pauses.
    pub commands: Commands,
    /// The way to the workshop.
    pub orders: Arc<Orders>,
}

/// The planner thread.
pub struct PlannerPart {
    /// The thread.
    pub thread: PlannerThread,
    /// Its events.
    pub inbox: ring::Receiver<PlannerEvent>,
    /// The costs that were looked at last: their version, and what they are.
    pub costs: Option<(u64, Costs)>,
}

type Deliver = Box<dyn FnMut(Box<Guided>) + Send>;

/// The guidance thread.
pub struct GuidancePart {
    /// The worker.
    pub worker: GuidanceWorker<NodeClock, Deliver>,
    /// Its events.
    pub inbox: Receiver<GuidanceEvent>,
}

/// Makes planners.
pub type Make = Box<dyn FnMut(&Config) -> Result<Planner, LoadError> + Send>;
/// Takes records.
pub type Records = Box<dyn FnMut(Record) + Send>;

/// The thread that takes messages in.
pub struct SpinPart {
    /// The intake.
    pub intake: Intake,
    /// When the grid was asked for last.
    pub asked: Option<u64>,
}

/// All threads.
pub struct Node {
    /// What is around them.
    pub life: Life,
    /// The thread.
    pub spin: SpinPart,
    /// The thread.
    pub world: WorldThread,
    /// The thread.
    pub guidance: GuidancePart,
    /// The thread.
    pub planner: PlannerPart,
    /// The thread.
    pub publisher: PublisherThread<Records>,
    /// The thread.
    pub workshop: Workshop<Make>,
}

impl Node {
    /// An active node before anything has come, made as [`Threads::start`](trm_flow::threads::start::Threads::start) makes it.
    ///
    /// # Errors
    /// If its planner can't be made.
    pub fn start(
        clock: NodeClock,
        ros_time: RosTime,
        config: &Config,
        mut make: Make,
        records: Records,
    ) -> Result<Self, LoadError> {
        let log = Log::new(|_, _| {});
        let real_time = RealTime::prepare(&config.node, &log);
        let (shared, robot_pose) =
            Shared::new("/simulated".to_owned(), log, clock.clone(), ros_time, real_time, &config.node);
        shared.active.store(true, Ordering::Relaxed);
        let shared = Arc::new(shared);
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let orders = Arc::<Orders>::default();
        let (to_guidance, guidance_inbox) = unbounded();
        let (to_planner, planner_inbox) = ring::channel(EVENTS);
        let (plans, plan_inbox) = plan_channel::channel();
        let (garbage, garbage_inbox) = garbage::channel(EVENTS);
        let (held, world_holds) = held::channel();
        let epochs = Arc::<Epochs>::default();
        let to_planner = to_planner.shared();
        let commands =
            Commands { epochs: Arc::clone(&epochs), planner: to_planner.clone(), guidance: to_guidance.clone() };
        let outlets =
            Outlets { planner: to_planner.clone(), guidance: to_guidance, held, workshop: Arc::clone(&orders) };
        let world = WorldThread::new(Arc::clone(&shared), config.clone(), Arc::clone(&inbox), outlets, garbage_inbox);
        let planners = Planners::make(config, &mut make)?;
        let workshop = Workshop {
            orders: Arc::clone(&orders),
            shared: Arc::clone(&shared),
            make,
            planner: to_planner.clone(),
            inbox: Arc::clone(&inbox),
        };
        let deliver: Deliver = Box::new(move |guided| drop(to_planner.send(PlannerEvent::Guidance(guided))));
        let worker =
            GuidanceWorker::new(clock, guidance::settings(&config.of_planner(0)), Arc::clone(&epochs), deliver);
        let publish_time = PathTime::new(PUBLISHING, config.planner.time_quantile);
        let last = LastPath::new(&config.node);
        let publisher = PublisherThread { plans: plan_inbox, shared: Arc::clone(&shared), publish_time, records, last };
        let inlets = (robot_pose, world_holds);
        let config = config.of_planner(0);
        let thread = PlannerThread::new(Arc::clone(&shared), epochs, config, planners, inlets, (plans, garbage));
        let intake = Intake::new(Arc::clone(&shared), Arc::clone(&inbox));
        Ok(Self {
            life: Life { shared, inbox, commands, orders },
            spin: SpinPart { intake, asked: None },
            world,
            guidance: GuidancePart { worker, inbox: guidance_inbox },
            planner: PlannerPart { thread, inbox: planner_inbox, costs: None },
            publisher,
            workshop,
        })
    }
}

/// The threads, each in its place; none while the node is dead.
#[derive(Default)]
pub struct Parts {
    /// The thread.
    pub spin: Mutex<Option<SpinPart>>,
    /// The thread.
    pub world: Mutex<Option<WorldThread>>,
    /// The thread.
    pub guidance: Mutex<Option<GuidancePart>>,
    /// The thread.
    pub planner: Mutex<Option<PlannerPart>>,
    /// The thread.
    pub publisher: Mutex<Option<PublisherThread<Records>>>,
    /// The thread.
    pub workshop: Mutex<Option<Workshop<Make>>>,
}

impl Parts {
    /// A node begins to live.
    pub fn fill(&self, node: Node) -> Arc<Life> {
        let Node { life, spin, world, guidance, planner, publisher, workshop } = node;
        *lock(&self.spin) = Some(spin);
        *lock(&self.world) = Some(world);
        *lock(&self.guidance) = Some(guidance);
        *lock(&self.planner) = Some(planner);
        *lock(&self.publisher) = Some(publisher);
        *lock(&self.workshop) = Some(workshop);
        Arc::new(life)
    }

    /// The node is dead.
    pub fn clear(&self) {
        drop((lock(&self.spin).take(), lock(&self.world).take(), lock(&self.guidance).take()));
        drop((lock(&self.planner).take(), lock(&self.publisher).take(), lock(&self.workshop).take()));
    }
}

/// Asks a part that isn't at work.
pub fn is_so<T>(part: &Mutex<Option<T>>, is_so: impl Fn(&T) -> bool) -> bool {
    part.try_lock().is_ok_and(|part| part.as_ref().is_some_and(is_so))
}
