//! The ROS 2 node: a thin adapter around `trm_flow`. It takes messages in, translates them, hands over, and publishes; it
//! doesn't plan.
//!
//! Data flows one way: the main thread and the tasks of [`io`] (topics, goals, services) to the threads of `trm_flow`
//! (world, guidance, planner, publisher), and from them to ROS through the publisher thread and the diagnostics task.
//!
//! Imports `trm_flow`, the planner's crates (`trm_config`, `trm_grid`, `trm_net`, `trm_planner`) and `trm_rt`. Never
//! `trm_lab`: what measures doesn't run on a robot. Decisions about paths must never be made in here.

mod arguments;
mod bundle;
mod io;
mod lifecycle;
mod log_folder;
mod nav2_keys;
mod params;
mod router_files;
mod signals;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use r2r::nav_msgs::msg::Path;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;
use trm_config::Config;
use trm_flow::clock::NodeClock;
use trm_flow::lock::lock;
use trm_flow::map::inbox::Inbox;
use trm_flow::planners::Planners;
use trm_flow::real_time::RealTime;
use trm_flow::robot_pose::PoseReader;
use trm_flow::shared::Shared;
use trm_flow::threads::notes::{Record, Steps};
use trm_flow::threads::start::{Publish, Resources, Threads};
use trm_net::error::LoadError;
use trm_planner::Planner;
use trm_rt::allocator::CountingAllocator;

use crate::arguments::Wish;
use crate::bundle::Bundles;
#[cfg(nav2_msgs)]
use crate::io::actions::context::Actions;
use crate::io::diagnostics::Diagnostics;
use crate::io::ends::Ends;
use crate::io::goals::Goals;
use crate::io::matches::Matches;
use crate::io::path_message::PathMessage;
use crate::io::placing::Placing;
use crate::io::ros_clock::RosClock;
use crate::io::services::{self, Services};
use crate::io::state::State;
use crate::io::topics::{self, Topics};
use crate::lifecycle::Life;
use crate::params::Parameters;
use crate::router_files::RouterFiles;
use crate::signals::Signals;
use crate::watch::Watch;

/// Counts the planner thread's calls, which should be none, and prefaults what it hands out.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The node's name, unless it is remapped.
const NAME: &str = "trm_node";
/// How long the bond's sister is waited for at the end, as in bondcpp.
const FAREWELL: Duration = Duration::from_millis(100);
/// How long the main thread waits for ROS before it looks after the other threads. Each round costs 0.2 ms. Signals end it.
const SPIN: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to read it.
            let _ = writeln!(std::io::stderr(), "{NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let ignored = match arguments::read(std::env::args().skip(1)) {
        Wish::Help => return Ok(writeln!(std::io::stdout(), "{}", arguments::USAGE)?),
        Wish::Version => return Ok(writeln!(std::io::stdout(), "{NAME} {}", env!("CARGO_PKG_VERSION"))?),
        Wish::Run(ignored) => ignored,
    };
    trm_rt::memory::return_big_buffers();
    let signals = Signals::register()?;
    log_folder::ensure();
    let context = context()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut node = r2r::Node::create(context.clone(), NAME, "").context("can't create the ROS node")?;
    let waker = node.waker();
    Signals::wake(move || waker.wake())?;
    let warnings = arguments::warnings(&ignored, |name| Config::default().get(name).is_some());
    let Running { threads, ros_clock, life, mut topics, mut watch } = start(&mut node, &runtime, warnings)?;
    while context.is_valid() && !signals.must_stop() && threads.are_alive() {
        node.spin_once(topics.patience().map_or(SPIN, |patience| patience.min(SPIN)));
        ros_clock.refresh();
        topics.settle(&mut node, signals.was_stopped() || watch.stood_still());
        watch.look(&node);
    }
    farewell(&mut node, &life);
    let result = threads.stop().map_err(|failed| anyhow!("threads failed: {}", failed.join(", ")));
    runtime.shutdown_timeout(Duration::from_millis(20));
    result
}

/// What the main thread holds while the node runs.
struct Running {
    threads: Threads,
    ros_clock: RosClock,
    life: Life,
    topics: Topics,
    watch: Watch,
}

/// Ends the node's life, and gives the bond's sister a moment to answer.
fn farewell(node: &mut r2r::Node, life: &Life) {
    life.end();
    let give_up = Instant::now() + FAREWELL;
    while !life.is_over() && Instant::now() < give_up {
        node.spin_once(FAREWELL / 20);
    }
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
    created.map_err(refused)?.context("ROS refuses to start")
}

/// Starts everything, in this order: parameters, memory, bundle and planner, because what is wrong with them should end
/// the node before it publishes anything; then the publishers, the threads, and last what brings messages in. Logs the
/// warnings first.
fn start(node: &mut r2r::Node, runtime: &Runtime, mut warnings: Vec<String>) -> anyhow::Result<Running> {
    let (parameters, ends, unknown) = parameters(node)?;
    warnings.extend(unknown);
    warnings.extend(params::missed(&node.param_sections, &node.fully_qualified_name()?));
    let parameters = Arc::new(parameters);
    let config = parameters.config();
    let (shared, robot_pose, ros_clock) = shared_state(node, &parameters)?;
    for warning in &warnings {
        shared.log.warn(warning);
    }
    let events = lifecycle::events(node, &ends.transition_event)?;
    let router_files = RouterFiles::of(&config);
    let mut make = planner_maker(&config, &shared)?;
    let planners = make_planners(&config, &mut make, &shared)?;

    let publish = path_publisher(node, &ends, config.node.map_frame.clone())?;
    let parameter_events = services::parameter_events(node, &ends.parameter_events)?;
    let (records, record_inbox) = unbounded_channel();
    let reported = records.clone();
    let (record, steps) = notes_publishers(node, &ends, &config, &shared)?;
    let resources = Resources {
        shared: Arc::clone(&shared),
        config: config.clone(),
        make,
        planners,
        robot_pose,
        publish,
        // Fails only while the node is stopping.
        records: move |record| drop(reported.send(record)),
        record,
        steps,
    };
    let threads = Threads::start(resources)?;
    let inbox = Arc::clone(&threads.inbox);
    let matches = Matches::new(shared.name.clone(), ends.clone());
    let report = matches.report();
    let diagnostics =
        Diagnostics::new(node, &ends, report, Arc::clone(&shared), Arc::clone(&parameters), Arc::clone(&inbox))?;
    runtime.spawn(diagnostics.run(record_inbox));

    let services = Services {
        shared: Arc::clone(&shared),
        parameters: Arc::clone(&parameters),
        inbox: Arc::clone(&inbox),
        parameter_events,
    };
    services.serve(node, runtime.handle())?;
    let transforms = Arc::<Mutex<_>>::default();
    let (topics, goal_poses) = topics::subscribe(node, &config.node, &ends, &services, &transforms)?;
    let epochs = Arc::clone(&threads.commands.epochs);
    // After the subscriptions, which say what is missing.
    let state = State::new(node, &ends.state, Arc::clone(&shared), Arc::clone(&parameters), epochs)?;
    runtime.spawn(state.run());
    runtime.spawn(router_files.watch(Arc::clone(&shared), Arc::clone(&parameters)));
    let commands = threads.commands.clone();
    let period = config.node.bond_heartbeat_period;
    let life = Life::begin(node, runtime.handle(), &ends, period, &shared, &commands, events)?;
    let goals = Goals { shared: Arc::clone(&shared), placing: Placing { parameters, transforms }, commands, records };
    serve_actions(&goals, inbox, node, runtime)?;
    runtime.spawn(goals.listen(goal_poses));
    shared.real_time.raise(sends);
    if config.node.autostart {
        life.autostart();
    }
    Ok(Running { threads, ros_clock, life, topics, watch: Watch::new(shared, matches) })
}

/// Loads the bundles. What makes a planner of them, or of its router, now and when parameters change.
fn planner_maker(
    config: &Config,
    shared: &Arc<Shared>,
) -> anyhow::Result<impl FnMut(&Config) -> Result<Planner, LoadError> + Send + use<>> {
    let bundles = Bundles::load(config)?;
    for folder in bundles.folders() {
        shared.log.info(&format!("model bundle {}", folder.display()));
    }
    let shared = Arc::clone(shared);
    Ok(move |config: &Config| match Bundles::router(config)? {
        Some(router) => Planner::routed(&config.grid, &config.planner, &router, &shared.clock),
        None => shared.plan_log.planner(config, bundles.of(config), &shared.clock),
    })
}

/// Makes the first planners, which takes so long that threads may seem to have been silent.
fn make_planners(
    config: &Config,
    make: impl FnMut(&Config) -> Result<Planner, LoadError>,
    shared: &Shared,
) -> Result<Planners, LoadError> {
    let planners = Planners::make(config, make)?;
    shared.set_planners(&planners);
    shared.beats.beat_all(trm_planner::halt::deadline::Clock::now(&shared.clock));
    Ok(planners)
}

/// Makes, in the publisher thread, what publishes paths.
fn path_publisher(
    node: &mut r2r::Node,
    ends: &Ends,
    map_frame: String,
) -> r2r::Result<impl FnOnce() -> Publish + Send + 'static> {
    let publisher = node.create_publisher::<Path>(ends.plan.topic, ends.plan.qos.clone())?;
    Ok(move || {
        let mut message = PathMessage::new(map_frame);
        Box::new(move |poses: &[_], stamp| message.publish(poses, stamp, &publisher)) as Publish
    })
}

/// What publishes the record of plans, and what shows the answers of the model, where these are wanted.
fn notes_publishers(
    node: &mut r2r::Node,
    ends: &Ends,
    config: &Config,
    shared: &Shared,
) -> r2r::Result<(Option<Record>, Option<Steps>)> {
    let of_ticks = config.of_planner(0);
    if config.node.record_plans && of_ticks.grid.footprint.is_some() {
        let why = "guidance over headings isn't recorded";
        shared.log.warn(&format!("record_plans: plans of a robot with a footprint can't be made again, {why}"));
    }
    if config.node.record_plans && !of_ticks.node.router.is_empty() {
        shared.log.warn("record_plans: plans of a router can't be made again, its specialists aren't recorded");
    }
    let record = ends.plan_log.as_ref().map(|end| io::plan_log::publisher(node, end)).transpose()?;
    Ok((record, steps_publisher(node, ends, &config.node.map_frame, shared)?))
}

/// What shows the answers of the model, if that is wanted.
#[cfg(visualization_msgs)]
fn steps_publisher(node: &mut r2r::Node, ends: &Ends, frame: &str, _: &Shared) -> r2r::Result<Option<Steps>> {
    ends.steps.as_ref().map(|end| io::steps::publisher(node, end, frame.to_owned())).transpose()
}

#[cfg(not(visualization_msgs))]
#[expect(clippy::unnecessary_wraps, reason = "with them it may fail")]
fn steps_publisher(_: &mut r2r::Node, ends: &Ends, _: &str, shared: &Shared) -> r2r::Result<Option<Steps>> {
    if ends.steps.is_some() {
        shared.log.warn("publish_steps: built without visualization_msgs, so nothing is shown on ~/steps");
    }
    Ok(None)
}

/// Creates the servers of Nav2's actions, for which goals are taken as for the topic.
#[cfg(nav2_msgs)]
fn serve_actions(goals: &Goals, inbox: Arc<Inbox>, node: &mut r2r::Node, runtime: &Runtime) -> r2r::Result<()> {
    let Goals { shared, placing, commands, records } = goals;
    let actions = Actions::new(Arc::clone(shared), placing.clone(), commands.clone(), inbox, records.clone());
    io::actions::serve(actions, node, runtime.handle())
}

#[cfg(not(nav2_msgs))]
#[expect(clippy::unnecessary_wraps, reason = "with them it may fail")]
fn serve_actions(goals: &Goals, _: Arc<Inbox>, _: &mut r2r::Node, _: &Runtime) -> r2r::Result<()> {
    let off = "compute_path_to_pose, compute_path_through_poses and is_path_valid";
    goals.shared.log.warn(&format!("built without Jazzy's nav2_msgs: there is no {off}"));
    Ok(())
}

/// The parameters, the ends of topics that they ask for, and warnings about names that aren't parameters.
fn parameters(node: &r2r::Node) -> anyhow::Result<(Parameters, Ends, Vec<String>)> {
    let full = |topic: &'static str| node.resolve_topic(topic);
    Parameters::load(&lock(&node.params), |config| Ok(Ends::new(config, full)?))
}

/// Whether a thread of this name sends by the same participant as the publisher thread: the tasks of [`io`], those of
/// [`lifecycle`], and Fast DDS's threads that send again, or in parts. Each of them holds a lock meanwhile that the
/// publisher thread needs.
fn sends(thread: &str) -> bool {
    lifecycle::THREADS.contains(&thread)
        || ["tokio-rt-worker", "dds.asyn", "dds.ev"].iter().any(|name| thread.starts_with(name))
}

/// What the threads and tasks share. Locks the memory of the process, if that is wanted.
fn shared_state(node: &mut r2r::Node, parameters: &Parameters) -> anyhow::Result<(Arc<Shared>, PoseReader, RosClock)> {
    let ros_clock = if parameters.use_sim_time() { RosClock::simulated(node)? } else { RosClock::system() };
    let config = parameters.config().node;
    let log = io::log::ros(node.logger());
    let real_time = RealTime::prepare(&config, &log);
    let (name, time) = (node.fully_qualified_name()?, ros_clock.time.clone());
    let (shared, robot_pose) = Shared::new(name, log, NodeClock::start(), time, real_time, &config);
    Ok((Arc::new(shared), robot_pose, ros_clock))
}
