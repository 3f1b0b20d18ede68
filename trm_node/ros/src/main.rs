//! The ROS 2 node: a thin adapter over `trm_core`. It translates, drains to the newest, and publishes.
//!
//! `main` starts up and shuts down. Data flows one way: [`topics`] and [`goals`] (tokio tasks) to the [`world`] thread,
//! from there to the [`guidance`] thread and the [`planner`] thread, and from that through the [`outlet`] to ROS and
//! [`diagnostics`].

mod bundle;
mod clock;
mod convert;
mod diagnostics;
mod goals;
mod guidance;
mod health;
mod inbox;
mod log;
mod outlet;
mod params;
mod path_message;
mod planner;
mod realtime;
mod record;
mod services;
mod shared;
mod status;
mod system;
mod ticks;
mod topics;
mod transforms;
mod usage;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use r2r::QosProfile;
use r2r::nav_msgs::msg::Path;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use trm_planner::halt::predictor::Predictor;
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_grid::units::Pose;

use crate::guidance::GuidanceInbox;
use crate::path_message::PathMessage;
use crate::record::Failure;
use crate::shared::Shared;

/// It shows that the planner thread asks for nothing, and hands out memory that is real.
#[global_allocator]
static ALLOCATOR: trm_rt::usage::CountingAllocator = trm_rt::usage::CountingAllocator;

/// The node's name, unless it is remapped.
const NAME: &str = "trm_node";
/// How long ROS is waited for before the signals are looked at.
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
    system::return_big_buffers();
    let context = context()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stop = stop_on_signals(&runtime)?;
    let mut node = r2r::Node::create(context.clone(), NAME, "").context("can't create the ROS node")?;
    let mut threads = start(&mut node, &runtime)?;
    while context.is_valid() && !stop.load(Ordering::Relaxed) && threads.are_alive() {
        node.spin_once(SPIN);
        threads.shared.ros_clock.refresh();
    }
    let result = threads.stop();
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// rcl's context. r2r panics where rcl refuses the command line; that is an error like any other here.
fn context() -> anyhow::Result<r2r::Context> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let made = std::panic::catch_unwind(r2r::Context::create);
    std::panic::set_hook(hook);
    let refused = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        anyhow!("ROS refuses to start: {}", text.as_deref().unwrap_or("no reason given").trim())
    };
    Ok(made.map_err(refused)??)
}

/// A flag that SIGINT and SIGTERM raise.
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

/// Parameters, bundle and planner first: what is wrong with them ends the node before it says a word to others.
fn start(node: &mut r2r::Node, runtime: &Runtime) -> anyhow::Result<Threads> {
    let parameters = Arc::new(params::Parameters::load(&shared::lock(&node.params))?);
    if parameters.use_sim_time() {
        node.get_time_source().enable_sim_time(node)?;
    }
    let config = parameters.config();
    let (shared, robot_reader) = Shared::new(node, &parameters)?;
    let shared = Arc::new(shared);
    let memory = realtime::lock_memory(&config, &shared.log);
    let folder = bundle::find(&config)?;
    let bundle = Bundle::load(&folder)?;
    let planner = Planner::new(&config.grid, &config.planner, &bundle, &shared.clock)?;
    shared.log.info(&format!("model bundle {}", folder.display()));
    shared.beat();

    let (world, world_inbox) = channel();
    let (to_planner, planner_inbox) = inbox::channel(planner::EVENTS);
    let to_planner = to_planner.shared();
    let (outlet, inlet) = outlet::outlet();
    let (to_guidance, guidance_inbox) = channel();
    let guidance = GuidanceInbox::new(to_guidance);
    let (records, record_inbox) = tokio::sync::mpsc::unbounded_channel();
    let plan_qos = QosProfile::default().keep_last(10).reliable();
    let publisher = node.create_publisher("plan", plan_qos)?;
    let diagnostics = diagnostics::Diagnostics::new(node, Arc::clone(&shared), Arc::clone(&parameters))?;
    let services = services::Services {
        shared: Arc::clone(&shared),
        parameters: Arc::clone(&parameters),
        planner: to_planner.clone(),
        world: world.clone(),
        events: services::parameter_events(node)?,
    };

    let world_thread = world::World {
        shared: Arc::clone(&shared),
        builder: world::builder(&config),
        config: Box::new(config.clone()),
        bundle,
        planner: to_planner.clone(),
        guidance: guidance.clone(),
    };
    let guidance_thread = guidance::Thread::new(shared.clock, config.clone(), &guidance, to_planner.clone());
    let planner_thread = planner::Thread::new(Arc::clone(&shared), config.clone(), planner, robot_reader, outlet);
    let publisher_thread = outlet::Thread {
        inlet,
        clock: shared.clock,
        ros_clock: shared.ros_clock.clone(),
        publish_time: Predictor::new(config.planner.time_quantile),
        records: records.clone(),
        world: world.clone(),
        guidance: guidance.clone(),
    };
    let (for_planner, for_publisher) = ((Arc::clone(&shared), config.clone()), Arc::clone(&shared));
    let frame = config.node.map_frame.clone();
    let handles = vec![
        spawn("world", move || world_thread.run(&world_inbox))?,
        spawn("guidance", move || guidance_thread.run(&guidance_inbox))?,
        spawn("planner", move || {
            let (shared, config) = for_planner;
            let granted = realtime::enter(&config, memory, &shared.log);
            shared.granted.get_or_init(|| granted);
            planner_thread.run(planner_inbox);
        })?,
        spawn("publisher", move || {
            realtime::enter_below(for_publisher.granted.wait());
            publisher_thread.run(publish(frame, publisher));
        })?,
    ];
    let threads = Threads { shared: Arc::clone(&shared), world, planner: to_planner, guidance, handles };

    runtime.spawn(diagnostics.run(record_inbox));
    services.serve(node, runtime.handle())?;
    let goals = goals::Goals {
        shared: Arc::clone(&shared),
        parameters,
        transforms: Arc::default(),
        planner: threads.planner.clone(),
        records,
    };
    topics::subscribe(node, runtime.handle(), &shared, &config, &threads.world, goals)?;
    Ok(threads)
}

/// Publishes paths, always with the same message.
fn publish(frame: String, publisher: r2r::Publisher<Path>) -> impl FnMut(&[Pose], Duration) -> Result<(), Failure> {
    let mut message = PathMessage::new(frame);
    move |poses, stamp| {
        message.write(poses, stamp);
        message.publish(&publisher).map_err(|_| Failure::Publish)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// The node's own threads.
struct Threads {
    shared: Arc<Shared>,
    world: Sender<world::Event>,
    planner: inbox::Sender<planner::Event>,
    guidance: GuidanceInbox,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    fn are_alive(&self) -> bool {
        self.handles.iter().all(|handle| !handle.is_finished())
    }

    /// Stops and joins them all. An error when one had stopped by itself: it panicked, and has said why.
    fn stop(&mut self) -> anyhow::Result<()> {
        self.shared.cancel.store(true, Ordering::SeqCst);
        // One that is dead already takes no message.
        let _ = self.planner.send(planner::Event::Stop);
        self.guidance.send(guidance::Event::Stop);
        let _ = self.world.send(world::Event::Stop);
        let mut result = Ok(());
        for handle in self.handles.drain(..) {
            let name = handle.thread().name().unwrap_or_default().to_owned();
            if handle.join().is_err() {
                result = Err(anyhow!("the {name} thread failed"));
            }
        }
        result
    }
}
