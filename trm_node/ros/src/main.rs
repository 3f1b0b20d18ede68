//! The ROS 2 node: a thin adapter around `trm_planner`. It translates messages, drains each topic to its newest
//! message, hands over, and publishes; it doesn't plan.
//!
//! Data flows one way: the tasks of [`io`] (topics, goals, services) to the threads of [`threads`] (world, guidance,
//! planner, publisher), and from them to ROS through the publisher thread and the diagnostics task. [`messages`] has
//! everything that crosses from one to another; goals, pauses and the end go through [`commands`].
//!
//! Imports the planner's crates (`trm_config`, `trm_grid`, `trm_net`, `trm_planner`) and `trm_rt`. Never `trm_lab`:
//! what measures doesn't run on a robot. Decisions about paths must never be made in here.

mod bundle;
mod clock;
mod commands;
mod health;
mod io;
mod lock;
mod messages;
mod params;
mod plan_record;
mod real_time;
mod robot_pose;
mod shared;
mod threads;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use r2r::QosProfile;
use r2r::nav_msgs::msg::Path;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_rt::allocator::CountingAllocator;

use crate::io::diagnostics::Diagnostics;
use crate::io::goals::Goals;
use crate::io::log::Log;
use crate::io::ros_clock::RosClock;
use crate::io::services::{self, Services};
use crate::io::topics;
use crate::lock::lock;
use crate::params::Parameters;
use crate::real_time::RealTime;
use crate::robot_pose::PoseReader;
use crate::shared::Shared;
use crate::threads::start::{Resources, Threads};

/// Counts the planner thread's calls, which should be none, and prefaults what it hands out.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The node's name, unless it is remapped.
const NAME: &str = "trm_node";
/// How long the main thread waits for ROS before it looks for signals.
const SPIN: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    trm_rt::memory::return_big_buffers();
    let context = context()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stop = stop_on_signals(&runtime)?;
    let mut node = r2r::Node::create(context.clone(), NAME, "").context("can't create the ROS node")?;
    let (threads, ros_clock) = start(&mut node, &runtime)?;
    while context.is_valid() && !stop.load(Ordering::Relaxed) && threads.are_alive() {
        node.spin_once(SPIN);
        ros_clock.refresh();
    }
    let result = threads.stop();
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// rcl's context. r2r panics when rcl refuses the command line; here that is an error like any other.
fn context() -> anyhow::Result<r2r::Context> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let created = std::panic::catch_unwind(r2r::Context::create);
    std::panic::set_hook(hook);
    let refused = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        anyhow!("ROS refuses to start: {}", text.as_deref().unwrap_or("no reason given").trim())
    };
    Ok(created.map_err(refused)??)
}

/// A flag that SIGINT and SIGTERM set.
fn stop_on_signals(runtime: &Runtime) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let _inside = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind)?;
        let stop = Arc::clone(&stop);
        runtime.spawn(async move {
            signals.recv().await;
            stop.store(true, Ordering::Relaxed);
        });
    }
    Ok(stop)
}

/// Starts everything, in this order: parameters, memory, bundle and planner, because what is wrong with them should end
/// the node before it publishes anything; then the publishers, the threads, and last what brings messages in.
fn start(node: &mut r2r::Node, runtime: &Runtime) -> anyhow::Result<(Threads, RosClock)> {
    let parameters = Arc::new(Parameters::load(&lock(&node.params))?);
    let config = parameters.config();
    let (shared, robot_pose) = shared_state(node, &parameters)?;
    let folder = bundle::find(&config.node)?;
    let bundle = Bundle::load(&folder)?;
    let planner = Planner::new(&config.grid, &config.planner, &bundle, &shared.clock)?;
    shared.log.info(&format!("model bundle {}", folder.display()));
    shared.beat();

    let publisher = node.create_publisher::<Path>("plan", QosProfile::default().keep_last(10).reliable())?;
    let diagnostics = Diagnostics::new(node, Arc::clone(&shared), Arc::clone(&parameters))?;
    let parameter_events = services::parameter_events(node)?;

    let (records, record_inbox) = unbounded_channel();
    let resources = Resources {
        shared: Arc::clone(&shared),
        config: config.clone(),
        bundle,
        planner,
        robot_pose,
        publisher,
        records: records.clone(),
    };
    let threads = Threads::start(resources)?;
    runtime.spawn(diagnostics.run(record_inbox));

    let (commands, world) = (threads.commands.clone(), threads.world.clone());
    let services = Services {
        shared: Arc::clone(&shared),
        parameters: Arc::clone(&parameters),
        commands: commands.clone(),
        world: world.clone(),
        parameter_events,
    };
    services.serve(node, runtime.handle())?;
    let ros_clock = shared.ros_clock.clone();
    let goals = Goals { shared, parameters, transforms: Arc::default(), commands, records };
    topics::subscribe(node, runtime.handle(), &config.node, &world, goals)?;
    Ok((threads, ros_clock))
}

/// What the threads and tasks share. Locks the memory of the process, if that is wanted.
fn shared_state(node: &mut r2r::Node, parameters: &Parameters) -> anyhow::Result<(Arc<Shared>, PoseReader)> {
    let ros_clock = if parameters.use_sim_time() {
        node.get_time_source().enable_sim_time(node)?;
        RosClock::simulated(node)
    } else {
        RosClock::system()
    };
    let config = parameters.config().node;
    let log = Log::named(node.logger());
    let real_time = RealTime::prepare(&config, &log);
    let (shared, robot_pose) = Shared::new(node.fully_qualified_name()?, log, ros_clock, real_time, &config);
    Ok((Arc::new(shared), robot_pose))
}
