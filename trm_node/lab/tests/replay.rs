//! A drive of the whole node without ROS, on its real threads and the machine's clock, is recorded and planned again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use trm_config::Config;
use trm_flow::clock::NodeClock;
use trm_flow::lock::lock;
use trm_flow::log::Log;
use trm_flow::map::message::{GridUpdate, Message};
use trm_flow::messages::Record;
use trm_flow::planners::Planners;
use trm_flow::real_time::RealTime;
use trm_flow::robot_pose::RobotPose;
use trm_flow::ros_time::RosTime;
use trm_flow::shared::Shared;
use trm_flow::threads::start::{Publish, Resources, Threads};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::map_file;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::record::error::RecordError;
use trm_planner::record::frame::{self, Frames};
use trm_planner::record::replay::Replay;

/// Plans of each drive.
const PLANS: usize = 700;
/// How far the robot moves between two looks, in metres, and how long that takes.
const STEP: f64 = 0.02;
const PERIOD: Duration = Duration::from_millis(4);
/// An obstacle of so many cells a side comes, and goes when the next one comes.
const SIDE: u32 = 6;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn bundle() -> Arc<Bundle> {
    Arc::new(Bundle::load(&root().join("models/bundles/nav_d32")).unwrap())
}

/// What the world around the node does, and what it knows of it.
struct Drive {
    threads: Threads,
    shared: Arc<Shared>,
    /// The path that was published last.
    path: Arc<Mutex<Vec<Pose>>>,
    plans: Arc<Mutex<usize>>,
    file: Arc<Mutex<Vec<u8>>>,
    grid: OccupancyGrid,
    robot: Pose,
    obstacle: Option<Rect>,
}

impl Drive {
    fn begin(config: &Config, grid: OccupancyGrid, robot: Pose) -> Self {
        let log = Log::new(|_, _| {});
        let real_time = RealTime::prepare(&config.node, &log);
        let (clock, time) = (NodeClock::start(), RosTime::system());
        let (shared, robot_pose) = Shared::new("/drive".to_owned(), log, clock, time, real_time, &config.node);
        shared.active.store(true, Ordering::Relaxed);
        let shared = Arc::new(shared);
        let (maker, bundle) = (Arc::clone(&shared), bundle());
        let mut make = move |config: &Config| maker.plan_log.planner(config, &bundle, &maker.clock);
        let planners = Planners::make(config, &mut make).unwrap();
        let (path, plans, file) = <(Arc<Mutex<Vec<Pose>>>, Arc<Mutex<usize>>, Arc<Mutex<Vec<u8>>>)>::default();
        let (published, counted, written) = (Arc::clone(&path), Arc::clone(&plans), Arc::clone(&file));
        let resources = Resources {
            shared: Arc::clone(&shared),
            config: config.clone(),
            make,
            planners,
            robot_pose,
            publish: move || {
                Box::new(move |poses: &[Pose], _| {
                    *lock(&published) = poses.to_vec();
                    Ok(())
                }) as Publish
            },
            records: move |record| *lock(&counted) += usize::from(matches!(record, Record::Plan(_))),
            record: Some(Box::new(move |entry| frame::append(entry, &mut lock(&written)))),
            steps: None,
        };
        let threads = Threads::start(resources).unwrap();
        let drive = Self { threads, shared, path, plans, file, grid: grid.clone(), robot, obstacle: None };
        drive.threads.inbox.put_grid(drive.message(grid));
        drive.tell_pose();
        drive
    }

    fn message<T>(&self, content: T) -> Message<T> {
        let arrived = self.shared.clock.now();
        Message { content, number: 0, arrived, published: None, stamp: Duration::ZERO }
    }

    fn tell_pose(&self) {
        self.shared.latest_pose().set(Some(RobotPose { pose: self.robot, stamp: None }));
    }

    /// The robot goes on along its path.
    fn step(&mut self) {
        thread::sleep(PERIOD);
        let path = lock(&self.path);
        let ahead = path.iter().find(|pose| pose.point().distance(self.robot.point()) > STEP);
        if let Some(ahead) = ahead {
            let (dx, dy) = (ahead.x - self.robot.x, ahead.y - self.robot.y);
            let part = STEP / dx.hypot(dy);
            self.robot = Pose::new(self.robot.x + part * dx, self.robot.y + part * dy, dy.atan2(dx));
        }
        drop(path);
        self.tell_pose();
    }

    /// Overwrites a rectangle of the grid with one value, or with what the map has there.
    fn update(&self, rect: Rect, value: Option<i8>) {
        let map = |cell| self.grid.data()[self.grid.geometry().index(cell).unwrap()];
        let data = rect.cells().map(|cell| value.unwrap_or_else(|| map(cell))).collect();
        self.threads.inbox.put_update(self.message(GridUpdate { rect, data }));
    }

    /// Puts an obstacle on the path, some way ahead or right before the robot.
    fn obstruct(&mut self, ahead: f64) {
        if let Some(old) = self.obstacle.take() {
            self.update(old, None);
        }
        let path = lock(&self.path);
        let place = path.iter().find(|pose| pose.point().distance(self.robot.point()) > ahead);
        let geometry: Geometry = *self.grid.geometry();
        let Some(cell) = place.and_then(|place| geometry.cell_at(place.point())) else { return };
        drop(path);
        let rect = Rect { col: cell.col, row: cell.row, width: SIDE, height: SIDE }.grown(0, &geometry);
        self.update(rect, Some(100));
        self.obstacle = Some(rect);
    }

    fn configure(&self, config: &Config, change: impl FnOnce(&mut Config)) {
        let mut config = Box::new(config.clone());
        change(&mut config);
        self.threads.inbox.put_config(config);
    }

    /// Ends the node. What was recorded.
    fn end(self) -> Vec<u8> {
        self.threads.stop().unwrap();
        assert_eq!(self.shared.plan_log.lost.load(Ordering::Relaxed), 0, "notes were lost");
        std::mem::take(&mut *lock(&self.file))
    }
}

/// Drives to one goal after the other while obstacles come and go, and now and then something else happens.
fn record(map: &str, places: &[(f64, f64)], deadline_ms: f64) -> Vec<u8> {
    let grid = map_file::load(&root().join("tests/maps").join(map)).unwrap();
    let config = Config::with(|config| {
        config.node.record_plans = true;
        config.node.planner_frequency = 100.0;
        config.node.deadline_ms = deadline_ms;
        config.node.thread_priority = 0;
        config.node.max_map_lag_ms = 5000.0;
        config.planner.backend = trm_config::BackendChoice::Cpu;
    });
    let place = |at: usize| Pose::new(places[at % places.len()].0, places[at % places.len()].1, 0.0);
    let mut drive = Drive::begin(&config, grid, place(0));
    let (mut goals, mut looks) = (0, 0);
    while *lock(&drive.plans) < PLANS {
        if looks % 250 == 0 {
            goals += 1;
            drive.threads.commands.goal(place(goals), drive.shared.clock.now(), Some(drive.robot));
        }
        match looks % 40 {
            10 => drive.obstruct(1.5),
            30 => drive.obstruct(0.6),
            _ => {}
        }
        match looks {
            300 => drive.configure(&config, |config| config.grid.robot_radius = 0.15),
            450 => drive.configure(&config, |config| config.planner.max_steps = 3),
            600 => {
                drive.threads.commands.forget();
                drive.threads.commands.goal(place(goals), drive.shared.clock.now(), None);
            }
            700 | 720 => assert!(drive.threads.commands.set_active(looks == 720)),
            _ => {}
        }
        drive.step();
        looks += 1;
    }
    drive.end()
}

/// Replays a record. How many plans ended in which way.
fn replay(file: &[u8], bundle: &Bundle) -> Result<BTreeMap<String, usize>, RecordError> {
    let mut replay = Replay::new(bundle);
    let mut ends = BTreeMap::new();
    for frame in Frames::new(file) {
        let (number, entry) = frame?;
        let Some(plan) = replay.take(number, entry, &mut |_| {})? else { continue };
        assert!(plan.is_equal(), "plan {}: {} is now {}", plan.made.number, plan.made.result, plan.result);
        let end = plan.result.text.split(", ").take(2).collect::<Vec<_>>().join(", ");
        *ends.entry(end).or_default() += 1;
    }
    if ends.is_empty() { Err(RecordError::Empty) } else { Ok(ends) }
}

/// Where the entries of a file begin, and its end.
fn entries(file: &[u8]) -> Vec<usize> {
    let length = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize + 4;
    std::iter::successors(Some(0), |at| (*at < file.len()).then(|| at + length(*at))).collect()
}

#[test]
fn every_plan_of_two_drives_is_the_same_to_the_last_bit_when_it_is_made_again() {
    let bundle = bundle();
    let office = record("pal_office/map.yaml", &[(0.0, 0.0), (-5.0, -3.0), (2.5, 6.5), (4.5, 5.0)], 6.0);
    let sandbox = record("nav2_tb3_sandbox/tb3_sandbox.yaml", &[(-2.0, -0.5), (1.8, 0.5), (0.0, 2.0)], 3.0);
    let mut all = BTreeMap::<String, usize>::new();
    for file in [&office, &sandbox] {
        for (end, count) in replay(file, &bundle).unwrap() {
            *all.entry(end).or_default() += count;
        }
    }
    println!("{} and {} bytes; {all:#?}", office.len(), sandbox.len());
    let count = |said: &str| all.iter().filter(|(end, _)| end.contains(said)).map(|(_, count)| count).sum::<usize>();
    assert!(count("") >= 2 * PLANS - 100, "goals that are reached are no plans");
    assert!(count("model, ") > 100 && count("unchanged") > 0, "{all:?}");

    let begins = entries(&office);
    let without = |from: usize, to: usize| [&office[..begins[from]], &office[begins[to]..]].concat();
    let refused = |file: &[u8], said: &str| {
        let error = replay(file, &bundle).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    refused(&[], "there is no plan in the record");
    refused(&without(0, 1), "begins with entry 1, not with 0");
    refused(&without(20, 23), "entries 20 to 22 are missing");
    refused(&office[..begins[begins.len() - 1] - 1], "is cut off");
    let other = Bundle::load(&root().join("tests/bundles/maze_att")).unwrap();
    let error = replay(&office, &other).unwrap_err().to_string();
    assert!(error.contains(&bundle.hash) && error.contains(&other.hash) && error.contains("--bundle"), "{error}");
}
