//! The world thread between an inbox and its outlets.

use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_planner::Planner;

use super::*;
use crate::map::held::{self, HeldReader};
use crate::shared;
use crate::threads::garbage;
use crate::threads::workshop::Workshop;

const PATIENCE: Duration = Duration::from_secs(50);

type Maker = Box<dyn FnMut(&Config) -> Result<Planner, LoadError>>;

/// A world thread, what is around it, and a copy of the costs.
struct Bench {
    thread: WorldThread,
    inbox: Arc<Inbox>,
    planner: ring::Receiver<PlannerEvent>,
    guidance: Receiver<GuidanceEvent>,
    garbage: garbage::GarbageSender,
    held: HeldReader,
    workshop: Workshop<Maker>,
    copy: Option<Box<Costmap>>,
}

fn bench() -> Bench {
    let config = Config::with(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
    let (shared, _) = shared::for_tests(&config.node);
    let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
    let (to_planner, planner) = ring::channel(8);
    let (to_guidance, guidance) = unbounded();
    let (garbage, garbage_inbox) = garbage::channel(8);
    let (writer, held) = held::channel();
    let (shared, to_planner, orders) = (Arc::new(shared), to_planner.shared(), Arc::<Orders>::default());
    let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap();
    let workshop = Workshop {
        orders: Arc::clone(&orders),
        shared: Arc::clone(&shared),
        make: Box::new(move |config: &Config| {
            Planner::new(&config.grid, &config.planner, &bundle, &std::time::Instant::now())
        }) as Maker,
        planner: to_planner.clone(),
        inbox: Arc::clone(&inbox),
    };
    let outlets = Outlets { planner: to_planner, guidance: to_guidance, held: writer, workshop: orders };
    let thread = WorldThread::new(shared, config, Arc::clone(&inbox), outlets, garbage_inbox);
    Bench { thread, inbox, planner, guidance, garbage, held, workshop, copy: None }
}

fn message<T>(content: T, ms: u64) -> Message<T> {
    let at = Duration::from_millis(ms);
    Message { content, number: 0, arrived: at, published: Some(Published { host: 1, era: 0, at }), stamp: at }
}

impl Bench {
    fn grid(&self, ms: u64, side: u32) {
        let geometry = Geometry::new(side, side, 0.1, Pose::default()).unwrap();
        let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
        self.inbox.put_grid(message(grid, ms));
    }

    /// One cell of row 0.
    fn update(&self, ms: u64, col: i32, value: i8) {
        let rect = Rect { col, row: 0, width: 1, height: 1 };
        self.inbox.put_update(message(GridUpdate { rect, data: vec![value] }, ms));
    }

    fn configure(&self, change: impl FnOnce(&mut Config)) {
        self.inbox.put_config(Box::new(Config::with(change)));
    }

    /// Works off what has come, and applies it to the copy. How many events there were for planner and guidance.
    fn work(&mut self) -> (usize, usize) {
        assert!(self.thread.step(self.inbox.take(Duration::ZERO)));
        let mut events = 0;
        while let Some(event) = self.planner.take() {
            events += 1;
            if let PlannerEvent::Grid { change, .. } = event {
                drop(change.apply(&mut self.copy));
            }
        }
        if let (Some(copy), Some(costmap)) = (&self.copy, self.thread.costmap()) {
            assert!(**copy == *costmap, "planned on are the costs that were computed");
        }
        (events, self.guidance.try_iter().count())
    }

    fn cost(&self, col: i32) -> Option<u8> {
        self.copy.as_ref()?.cost(Cell::new(col, 0))
    }
}

#[test]
fn planners_that_are_wanted_are_made_anew_and_what_they_run_on_is_told() {
    let mut bench = bench();
    bench.thread.shared.backend_lost.store(true, Ordering::Relaxed);
    assert_eq!(bench.work(), (0, 0));
    assert!(bench.thread.shared.backend().is_empty());
    bench.thread.shared.planners_wanted.store(true, Ordering::Relaxed);
    assert_eq!(bench.work(), (0, 0));
    bench.workshop.step(Duration::ZERO);
    assert!(matches!(bench.planner.take(), Some(PlannerEvent::Planners(_))));
    assert!(!bench.thread.shared.backend_lost.load(Ordering::Relaxed));
    assert!(bench.thread.shared.backend().starts_with("cpu ("), "{}", bench.thread.shared.backend());
    bench.workshop.step(Duration::ZERO);
    assert!(bench.planner.take().is_none(), "once");
}

#[test]
fn a_grid_and_what_parameters_change_in_it_goes_to_planner_and_guidance() {
    let mut bench = bench();
    bench.grid(3, 8);
    assert_eq!(bench.work(), (1, 1));
    assert_eq!(*bench.held.read(), Held { messages: 1, stamp: Duration::from_millis(3) });
    bench.update(4, 3, 100);
    assert_eq!(bench.work(), (1, 1));
    bench.configure(|config| config.grid.robot_radius = 0.3);
    assert_eq!(bench.work(), (1, 0), "parameters; costs are being made");
    bench.update(5, 1, 100);
    assert_eq!(bench.work(), (1, 1), "in the present costs at once");
    assert_eq!((bench.cost(1), bench.cost(6)), (Some(100), Some(0)));
    bench.workshop.step(Duration::ZERO);
    assert_eq!(bench.work(), (1, 1), "all costs");
    assert!([0, 4, 6].into_iter().all(|col| bench.cost(col).is_some_and(|cost| cost >= 99)));
    bench.configure(|config| (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1));
    assert_eq!(bench.work(), (1, 1), "settings for guidance");
    bench.workshop.step(Duration::ZERO);
    assert!(matches!(bench.planner.take(), Some(PlannerEvent::Planners(_))));
    bench.configure(|config| {
        (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1);
        config.node.planner_frequency = 5.0;
    });
    assert_eq!(bench.work(), (1, 0), "a new frequency doesn't concern guidance");
    bench.grid(6, 8);
    bench.update(7, 3, 100);
    bench.update(8, 1, 100);
    assert_eq!(bench.work(), (0, 0), "nothing has changed");
    assert_eq!(bench.held.read().messages, 6);
}

#[test]
fn a_burst_is_one_change_and_its_last_word_holds() {
    let mut bench = bench();
    bench.grid(1, 8);
    bench.work();
    for i in 0..1000 {
        bench.update(2 + i, (i % 8) as i32, if i % 3 == 0 { 100 } else { 0 });
        bench.configure(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
    }
    assert_eq!(bench.work(), (2, 1));
    let last = |col: u64| (0..1000).filter(|i| i % 8 == col).max().unwrap();
    for col in 0..8 {
        assert_eq!(bench.cost(col as i32), Some(if last(col) % 3 == 0 { 100 } else { 0 }));
    }
}

#[test]
fn an_update_that_overtakes_its_grid_holds_and_one_that_comes_after_a_newer_grid_is_dropped() {
    let mut bench = bench();
    bench.update(20, 2, 100);
    assert_eq!(bench.work(), (0, 0), "there is no grid yet");
    bench.grid(10, 8);
    bench.work();
    assert_eq!(bench.cost(2), Some(100), "the first grid was under way");
    bench.update(40, 3, 100);
    bench.work();
    bench.grid(30, 8);
    bench.work();
    assert_eq!((bench.cost(2), bench.cost(3)), (Some(0), Some(100)));
    bench.update(25, 4, 100);
    bench.work();
    assert_eq!(bench.cost(4), Some(0), "the grid of 30 ms knew better");
    assert_eq!(bench.held.read().messages, 5);
}

#[test]
fn only_a_whole_grid_of_after_the_loss_ends_the_suspicion() {
    let mut bench = bench();
    bench.grid(10, 8);
    bench.work();
    let after = Some(Published { host: 1, era: 0, at: Duration::from_millis(20) });
    bench.inbox.ledger.suspicion.raise(Suspect::Lost, after, 1);
    bench.update(30, 1, 100);
    bench.grid(15, 8);
    bench.work();
    assert_eq!(bench.inbox.ledger.suspicion.get(), Some(Suspect::Lost));
    bench.grid(40, 8);
    bench.work();
    assert_eq!(bench.inbox.ledger.suspicion.get(), None);
}

#[test]
fn a_newer_grid_interrupts_once_and_the_end_always() {
    let mut bench = bench();
    bench.grid(1, 400);
    let batch = bench.inbox.take(Duration::ZERO);
    bench.grid(2, 400);
    assert!(bench.thread.step(batch));
    assert_eq!(bench.held.read().messages, 0, "interrupted");
    let batch = bench.inbox.take(Duration::ZERO);
    bench.grid(3, 400);
    assert!(bench.thread.step(batch));
    assert_eq!(bench.held.read().messages, 2, "finished");
    bench.inbox.stop();
    let batch = bench.inbox.take(Duration::ZERO);
    assert!(!bench.thread.step(batch));
}

#[test]
fn costs_that_were_made_for_a_grid_of_another_size_are_made_anew() {
    let mut bench = bench();
    bench.grid(1, 8);
    bench.work();
    bench.configure(|config| config.grid.robot_radius = 0.3);
    bench.work();
    bench.grid(2, 9);
    bench.update(3, 3, 100);
    bench.work();
    assert!(bench.cost(5).is_some_and(|cost| cost >= 99), "a new grid has the new parameters");
    bench.configure(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
    bench.workshop.step(Duration::ZERO);
    bench.work();
    bench.workshop.step(Duration::ZERO);
    bench.work();
    assert_eq!((bench.cost(3), bench.cost(5)), (Some(100), Some(0)));
}

#[test]
fn garbage_is_freed_while_nothing_else_happens() {
    let Bench { thread, inbox, mut garbage, .. } = bench();
    let running = thread::spawn(move || thread.run());
    for _ in 0..3 {
        assert!(garbage::tests::fill(&mut garbage) > 0);
        let end = std::time::Instant::now() + PATIENCE;
        while !garbage.has_room() && std::time::Instant::now() < end {
            thread::yield_now();
        }
        assert!(garbage.has_room());
    }
    inbox.stop();
    running.join().unwrap();
}
