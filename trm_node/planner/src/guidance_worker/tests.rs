//! The worker, with clocks that are scripted or set.

use std::time::Instant;

use crossbeam_channel::{Sender, unbounded};
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap_builder::{CostmapBuilder, build};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;

use super::*;

const PATIENCE: Duration = Duration::from_secs(50);

/// A clock that runs the next step of a script at each reading while the inbox is empty. The worker reads its clock
/// before it waits, before and after it decides to compute, and after computing.
struct Scripted<'a> {
    inbox: &'a Receiver<Event>,
    steps: RefCell<VecDeque<Step<'a>>>,
    began: Instant,
}

/// A clock that is set.
struct At<'a>(&'a std::cell::Cell<Duration>);

impl Clock for At<'_> {
    fn now(&self) -> Duration {
        self.0.get()
    }
}

type Step<'a> = Box<dyn FnOnce() + 'a>;

impl Clock for Scripted<'_> {
    fn now(&self) -> Duration {
        let step = if self.inbox.is_empty() { self.steps.borrow_mut().pop_front() } else { None };
        if let Some(step) = step {
            step();
        }
        self.began.elapsed()
    }
}

/// A worker with a grid that is large enough to check for cancellation while it computes, and with a first goal.
struct Setup {
    builder: CostmapBuilder,
    costmap: Costmap,
    epochs: Arc<Epochs>,
    first: u64,
    settings: Settings,
}

const SIDE: u32 = 200;

fn empty(side: u32) -> OccupancyGrid {
    let geometry = Geometry::new(side, side, 1.0, Pose::default()).unwrap();
    OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap()
}

fn goal(cell: i32, epoch: u64) -> Event {
    Event::Goal(Pose::new(f64::from(cell) + 0.5, 0.5, 0.0), epoch, None)
}

impl Setup {
    fn new() -> Self {
        Self::of(SIDE)
    }

    fn of(side: u32) -> Self {
        let config = GridConfig::default();
        let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
        builder.take_grid(empty(side));
        builder.refresh_to_end();
        let costmap = builder.costmap().unwrap().clone();
        let epochs = Arc::<Epochs>::default();
        let first = epochs.begin();
        let settings = Settings { travel: Travel::new(&config), tolerance: 0.5, robot: None };
        Self { builder, costmap, epochs, first, settings }
    }

    /// What the worker delivers if `meanwhile` happens while it computes guidance to the goal in cell (7, 0), and
    /// each of `after` is sent upon one of its deliveries. It must be stopped by one of these.
    fn delivered(
        &self,
        meanwhile: impl FnOnce(&Sender<Event>),
        at_last: Option<Event>,
        after: impl IntoIterator<Item = Option<Event>>,
    ) -> Vec<Guided> {
        let (events, inbox) = unbounded();
        for event in [Event::Grid(GridChange::Whole(Box::new(self.costmap.clone()))), goal(7, self.first)] {
            events.send(event).unwrap();
        }
        // One reading when it decides to compute, one when it begins, and one when it waits again.
        let last = || at_last.into_iter().for_each(|event| events.send(event).unwrap());
        let steps: [Step; 3] = [Box::new(|| ()), Box::new(|| meanwhile(&events)), Box::new(last)];
        let clock = Scripted { inbox: &inbox, steps: RefCell::new(steps.into()), began: Instant::now() };
        let (mut delivered, mut after) = (Vec::new(), after.into_iter());
        let deliver = |guided: Box<Guided>| {
            delivered.push(*guided);
            after.next().flatten().into_iter().for_each(|event| events.send(event).unwrap());
        };
        GuidanceWorker::new(clock, self.settings.clone(), Arc::clone(&self.epochs), deliver).run(&inbox, &|| {});
        delivered
    }
}

#[test]
fn a_new_goal_cancels_the_guidance_for_the_one_before() {
    let setup = Setup::new();
    let second = setup.epochs.begin();
    let send = |events: &Sender<Event>| events.send(goal(9, second)).unwrap();
    let delivered = setup.delivered(send, None, [Some(Event::Stop)]);
    let goals: Vec<_> = delivered.iter().map(|guided| (guided.guidance[0].goal(), guided.purpose.clone())).collect();
    assert_eq!(goals, [(Cell::new(9, 0), Purpose::Goal(second))]);
}

#[test]
fn on_a_large_grid_there_is_first_guidance_along_one_way_from_the_robot() {
    let setup = Setup::of(1100);
    let robot = |at: f64| Some(Pose::new(at, at, 0.0));
    let delivered = |robot| {
        let (events, inbox) = unbounded();
        events.send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone())))).unwrap();
        events.send(Event::Goal(Pose::new(9.5, 0.5, 0.0), setup.first, robot)).unwrap();
        let mut delivered = Vec::new();
        let deliver = |guided: Box<Guided>| {
            let known = [5, 1000].map(|at| guided.guidance[0].cost_to_go(Cell::new(at, 5)).is_finite());
            if guided.guidance[0].version().is_some() {
                events.send(Event::Stop).unwrap();
            }
            delivered.push(known);
        };
        let worker = GuidanceWorker::new(Instant::now(), setup.settings.clone(), Arc::clone(&setup.epochs), deliver);
        worker.run(&inbox, &|| {});
        delivered
    };
    assert_eq!(delivered(robot(300.0)), [[true, false], [true, true]]);
    assert_eq!(delivered(None), [[true, true]], "nobody knows where the robot is");
    assert_eq!(delivered(robot(-5.0)), [[true, true]], "it is outside the map");
}

#[test]
fn guidance_over_headings_follows_for_a_robot_with_a_footprint_and_stays_until_there_is_newer_one() {
    let setup = Setup::new();
    let config = trm_config::Config::with(|config| {
        config.grid.footprint = "[[1.5, 0.8], [-1.5, 0.8], [-1.5, -0.8], [1.5, -0.8]]".parse().ok();
    });
    let (events, inbox) = unbounded();
    let send = |event| events.send(event).unwrap();
    send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone()))));
    let robot = Some(Pose::new(40.5, 40.5, 0.0));
    send(Event::Goal(Pose::new(20.5, 20.5, 1.0), setup.first, robot));
    let mut all = Vec::new();
    let deliver = |guided: Box<Guided>| all.push(guided);
    let settings = Settings::new(&config.grid, &config.planner);
    let mut worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&setup.epochs), deliver);
    assert!(worker.step(&inbox));
    drop(worker);
    let kinds: Vec<_> = all.iter().map(|guided| (guided.guidance.len(), guided.poses.is_some())).collect();
    assert_eq!(kinds, [(1, false), (0, true), (0, true)], "over cells, to the robot, and all");
    let is_whole = |guided: &Option<Box<Guided>>| Some(guided.as_ref()?.poses.as_ref()?.is_whole());
    let mut kept = None;
    for (guided, wanted) in all.into_iter().zip([None, Some(false), Some(true)]) {
        Guided::replace(&mut kept, &mut Some(guided));
        assert_eq!(is_whole(&kept), wanted);
        assert_eq!(kept.as_ref().map(|kept| kept.guidance.len()), Some(1));
    }
    // Newer guidance over cells comes first.
    let old = kept.as_ref().unwrap();
    let newer =
        Guided { guidance: old.guidance.clone(), poses: None, version: Some(7), purpose: old.purpose.clone(), ..**old };
    Guided::replace(&mut kept, &mut Some(Box::new(newer)));
    assert_eq!((is_whole(&kept), kept.unwrap().version), (Some(true), Some(7)));
}

#[test]
fn a_grid_that_grows_does_not_keep_guidance_from_being_delivered_and_another_resolution_does() {
    let setup = Setup::new();
    let grown = build(&GridConfig::default(), GridKind::Costmap, empty(SIDE + 50));
    let send = |events: &Sender<Event>| {
        events.send(Event::Grid(GridChange::Whole(Box::new(grown.clone())))).unwrap();
    };
    let delivered = setup.delivered(send, None, [None, Some(Event::Stop)]);
    let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
    assert_eq!(versions, [setup.costmap.version(), grown.version()]);

    let geometry = Geometry::new(50, 50, 0.5, Pose::default()).unwrap();
    let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
    let setup = Setup::new();
    let resized = build(&GridConfig::default(), GridKind::Costmap, grid);
    let send = |events: &Sender<Event>| {
        events.send(Event::Grid(GridChange::Whole(Box::new(resized.clone())))).unwrap();
    };
    let delivered = setup.delivered(send, None, [Some(Event::Stop)]);
    let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
    assert_eq!(versions, [resized.version()]);
    assert!(delivered[0].guidance[0].fits(&resized));
}

#[test]
fn a_patch_of_the_grid_cancels_nothing_and_is_followed_by_new_guidance() {
    let mut setup = Setup::new();
    setup.builder.take_update(Rect { col: 3, row: 0, width: 1, height: 1 }, &[100]).unwrap();
    let patch = setup.builder.refresh_to_end().unwrap();
    assert!(matches!(patch, GridChange::Patch(_)));
    let after = setup.builder.costmap().unwrap().version();
    let send = |events: &Sender<Event>| events.send(Event::Grid(patch)).unwrap();
    let delivered = setup.delivered(send, None, [None, Some(Event::Stop)]);
    let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
    assert_eq!(versions, [setup.costmap.version(), after]);
}

#[test]
fn what_is_far_from_the_goal_is_computed_now_and_then_while_the_grid_changes_all_the_time() {
    let mut setup = Setup::new();
    let now = std::cell::Cell::new(Duration::ZERO);
    let (events, inbox) = unbounded();
    let delivered = RefCell::new(Vec::new());
    let far = Cell::new(190, 190);
    let deliver = |guided: Box<Guided>| {
        delivered.borrow_mut().push((guided.version.is_some(), guided.guidance[0].cost_to_go(far).is_finite()));
    };
    let mut worker = GuidanceWorker::new(At(&now), setup.settings.clone(), Arc::clone(&setup.epochs), deliver);
    events.send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone())))).unwrap();
    events.send(goal(7, setup.first)).unwrap();
    assert!(worker.step(&inbox));
    // The robot stands near the goal; a box is put around a cell far behind it and taken away in turns.
    let ring = Rect { col: 188, row: 188, width: 5, height: 5 };
    let mut change = |closed: bool| {
        let is_inside = |cell: Cell| (189..192).contains(&cell.col) && (189..192).contains(&cell.row);
        let value = |cell| if closed && !is_inside(cell) { 100 } else { 0 };
        let values: Vec<i8> = ring.cells().map(value).collect();
        setup.builder.take_update(ring, &values).unwrap();
        events.send(Event::Grid(setup.builder.refresh_to_end().unwrap())).unwrap();
    };
    setup.epochs.note_to_go(ToGo { from: Cell::new(20, 0), cost: 13.0 });
    let mut step = |ms: u64| {
        now.set(Duration::from_millis(ms));
        delivered.borrow_mut().clear();
        worker.step(&inbox);
        delivered.borrow().clone()
    };
    for ms in [50, 100, 450] {
        change(true);
        assert_eq!(step(ms), [(false, true)], "the far cell is as it was");
        change(false);
        assert_eq!(step(ms + 10), [(false, true)]);
    }
    change(true);
    assert_eq!(step(470), [(false, true)]);
    assert_eq!(step(499), []);
    assert_eq!(step(500), [(true, false)], "all of it, though nothing has changed since");
    assert_eq!(step(1500), []);
    // Where no way from the robot is known near by, all of it is computed at once.
    setup.epochs.note_to_go(ToGo { from: far, cost: 13.0 });
    change(false);
    assert_eq!(step(1510), [(true, true)]);
    change(true);
    assert_eq!(step(1520), [(true, false)]);
}

#[test]
fn new_settings_cancel_the_guidance_and_it_is_computed_again() {
    let setup = Setup::new();
    let travel = Travel::new(&GridConfig { cost_travel_multiplier: 0.5, ..GridConfig::default() });
    let new = || Event::Settings(Settings { travel, ..setup.settings.clone() });
    let delivered = setup.delivered(|events| events.send(new()).unwrap(), None, [Some(Event::Stop)]);
    assert_eq!(delivered.iter().map(|guided| guided.guidance[0].travel()).collect::<Vec<_>>(), [travel]);
    // Also when the guidance is already there.
    let delivered = setup.delivered(|_| (), None, [Some(new()), Some(Event::Stop)]);
    let travels: Vec<_> = delivered.iter().map(|guided| guided.guidance[0].travel()).collect();
    assert_eq!(travels, [setup.settings.travel, travel]);
}

#[test]
fn stop_ends_the_worker_while_it_computes() {
    let setup = Setup::new();
    assert!(setup.delivered(|events| events.send(Event::Stop).unwrap(), None, []).is_empty());
}

#[test]
fn a_finished_epoch_ends_the_computation() {
    let setup = Setup::new();
    let finish = |_: &Sender<Event>| setup.epochs.finish(setup.first);
    assert!(setup.delivered(finish, Some(Event::Stop), []).is_empty());
}

#[test]
fn guidance_is_computed_for_each_goal_and_for_each_change_of_the_grid_while_there_is_a_goal() {
    let geometry = Geometry::new(20, 10, 0.1, Pose::default()).unwrap();
    let config = GridConfig::default();
    let mut builder = CostmapBuilder::new(&config, GridKind::Map);
    builder.take_grid(OccupancyGrid::new(geometry, vec![0; 200]).unwrap());
    let whole = builder.refresh_to_end().unwrap();
    let (events, inbox) = unbounded();
    let (deliver, delivered) = unbounded();
    let epochs = Arc::<Epochs>::default();
    let settings = Settings { travel: Travel::new(&config), tolerance: 0.5, robot: None };
    let deliver = move |guided| deliver.send(guided).unwrap();
    let worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&epochs), deliver);
    let handle = std::thread::spawn(move || worker.run(&inbox, &|| {}));
    let next = || delivered.recv_timeout(PATIENCE).expect("guidance is delivered");

    // The goal may come before the grid.
    let first = epochs.begin();
    events.send(Event::Goal(Pose::new(1.55, 0.55, 0.0), first, None)).unwrap();
    events.send(Event::Grid(whole)).unwrap();
    let guided = next();
    assert_eq!((guided.guidance[0].goal(), guided.purpose), (Cell::new(15, 5), Purpose::Goal(first)));
    assert!((guided.guidance[0].cost_to_go(Cell::new(5, 5)) - 10.0).abs() < 1e-3);

    let wall = Rect { col: 10, row: 0, width: 1, height: 10 };
    builder.take_update(wall, &[100; 10]).unwrap();
    events.send(Event::Grid(builder.refresh_to_end().unwrap())).unwrap();
    assert!(next().guidance[0].cost_to_go(Cell::new(5, 5)).is_infinite(), "behind the wall");

    epochs.finish(first);
    builder.take_update(wall, &[0; 10]).unwrap();
    events.send(Event::Grid(builder.refresh_to_end().unwrap())).unwrap();
    let second = epochs.begin();
    events.send(Event::Goal(Pose::new(0.25, 0.25, 0.0), second, None)).unwrap();
    let guided = next();
    let expected = (Cell::new(2, 2), Purpose::Goal(second));
    assert_eq!((guided.guidance[0].goal(), guided.purpose), expected, "none for the change after the goal was reached");
    events.send(Event::Stop).unwrap();
    handle.join().unwrap();
}
