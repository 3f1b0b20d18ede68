//! A model on a device that misbehaves: it is late, goes on being busy, is lost, or computes nonsense. Each plan is
//! answered by its deadline, and says why the model gave nothing.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_net::backend::{Advanced, Ahead, Backend, Quantum, State};
use trm_net::error::InferenceError;
use trm_net::failover::Failover;
use trm_net::graph::Graph;
use trm_net::graphs::{Shape, Update};
use trm_net::registry::by_name;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::halt::policy::StopReason;
use trm_planner::{Planner, Report, Request, Source};

const SIZE: usize = 32;
/// Applications that thinking ahead about a window counts as.
const AHEAD: usize = 100;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// What the test makes of the device.
#[derive(Clone, Default)]
struct Fate {
    /// Microseconds of simulated time that each call takes.
    call_us: Arc<AtomicU64>,
    /// Microseconds that each application takes beside that.
    application_us: Arc<AtomicU64>,
    /// The applications that were asked for, call by call.
    asked: Arc<Mutex<Vec<usize>>>,
    /// 0: it works, 1: it is lost, 2: it computes NaN.
    state: Arc<AtomicU64>,
    /// When it is done with what was late, in nanoseconds.
    busy_until: Arc<AtomicU64>,
}

/// The released model on a device with a fate.
struct Device {
    cpu: Box<dyn Backend>,
    clock: Simulated,
    fate: Fate,
    nonsense: Vec<f32>,
    /// Windows to think about ahead. It forgets at once what comes of that.
    added: usize,
}

impl Device {
    fn is_busy(&self) -> bool {
        (self.clock.now().as_nanos() as u64) < self.fate.busy_until.load(Ordering::Relaxed)
    }

    fn call(&self, graph: Graph, applications: usize, patience: Duration) -> Result<(), InferenceError> {
        self.fate.asked.lock().unwrap().push(applications);
        if self.is_lost() {
            return Err(InferenceError::lost(graph, "the device is lost"));
        }
        let now = self.clock.now();
        if self.is_busy() {
            return Err(InferenceError::new(graph, "still busy with work that was late"));
        }
        let each = self.fate.application_us.load(Ordering::Relaxed) * applications as u64;
        let time = Duration::from_micros(self.fate.call_us.load(Ordering::Relaxed) + each);
        self.clock.pass(time.min(patience));
        if time <= patience {
            return Ok(());
        }
        self.fate.busy_until.store((now + time).as_nanos() as u64, Ordering::Relaxed);
        Err(InferenceError::new(graph, format_args!("not done within {patience:?}")))
    }

    fn is_lost(&self) -> bool {
        self.fate.state.load(Ordering::Relaxed) == 1
    }

    fn is_nonsense(&self) -> bool {
        self.fate.state.load(Ordering::Relaxed) == 2
    }
}

impl Backend for Device {
    fn shape(&self) -> Shape {
        self.cpu.shape()
    }

    fn reset(&mut self) {
        self.cpu.reset();
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        self.cpu.shift(cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        // The input waits for the next call.
        if self.is_busy() {
            return Err(InferenceError::new(Graph::Encode, "still busy with work that was late"));
        }
        self.cpu.embed(input)
    }

    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<Advanced, InferenceError> {
        self.call(Graph::Net, updates.len(), patience)?;
        self.cpu.advance(updates, patience)
    }

    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        if self.is_lost() {
            return Err(InferenceError::lost(Graph::Decode, "the device is lost"));
        }
        let q = self.cpu.decode(patience)?;
        Ok(if self.is_nonsense() { f32::NAN } else { q })
    }

    fn logits(&self) -> &[f32] {
        if self.is_nonsense() { &self.nonsense } else { self.cpu.logits() }
    }

    fn is_usable(&self) -> bool {
        !self.is_nonsense() && self.cpu.is_usable()
    }

    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError> {
        self.cpu.read(state, into)
    }

    fn quantum(&self) -> Quantum {
        Quantum::Answer
    }

    fn ahead(&mut self) -> Option<&mut dyn Ahead> {
        Some(self)
    }
}

impl Ahead for Device {
    fn capacity(&self) -> usize {
        4
    }

    fn forget(&mut self) {
        self.added = 0;
    }

    fn add(&mut self, _: &[f32]) {
        self.added += 1;
    }

    fn think(&mut self, patience: Duration) -> Result<(), InferenceError> {
        self.call(Graph::Net, AHEAD * self.added, patience)
    }
}

struct Bench {
    planner: Planner,
    map: Costmap,
    clock: Simulated,
    fate: Fate,
}

/// A room with a wall in the middle, planned for on a device with the processor as its spare.
fn bench() -> Bench {
    bench_of(0)
}

/// The same on a device whose applications take so long.
fn bench_of(application_us: u64) -> Bench {
    let config = Config::with(|config| {
        (config.planner.window_size, config.planner.unchanged_limit) = (SIZE as i64, 0.0);
    });
    let mut rows = vec![".".repeat(30); 30];
    for row in &mut rows[8..22] {
        row.replace_range(14..16, "##");
    }
    let map = costmap(&config, 0.1, &rows);
    let (clock, fate) = (Simulated::default(), Fate::default());
    fate.call_us.store(100, Ordering::Relaxed);
    fate.application_us.store(application_us, Ordering::Relaxed);
    let bundle = bundle();
    let cpu = || by_name(&bundle, SIZE, "cpu").unwrap();
    let (device_cpu, spare) = (cpu(), cpu());
    let nonsense = vec![f32::NAN; device_cpu.shape().logits_len()];
    let device = Device { cpu: device_cpu, clock: clock.clone(), fate: fate.clone(), nonsense, added: 0 };
    let backend = Box::new(Failover::new(Box::new(device), spare));
    let planner = Planner::with_backend(&config.grid, &config.planner, &bundle, backend, &clock).unwrap();
    Bench { planner, map, clock, fate }
}

impl Bench {
    /// Asks it to think about requests ahead. Returns about how many it did.
    fn think_ahead(&mut self, count: usize) -> usize {
        self.fate.asked.lock().unwrap().clear();
        let arrived = self.clock.now();
        let (start, goal) = (pose(&self.map, 5.0, 15.0, 0.0), pose(&self.map, 25.0, 15.0, 0.0));
        let request = Request { start, goal, arrived, deadline: arrived + MS(20), epoch: None };
        let requests = std::iter::repeat_n((request, &[][..]), count);
        self.planner.think_ahead(&self.map, requests, (MS(5), &self.clock));
        let done = self.fate.asked.lock().unwrap().iter().sum::<usize>() / AHEAD;
        // Whatever it was busy with is over.
        self.clock.pass(MS(1000));
        done
    }

    /// A plan within 20 ms.
    fn plan(&mut self) -> Report {
        self.plan_within(MS(20))
    }

    fn plan_within(&mut self, time: Duration) -> Report {
        let arrived = self.clock.now();
        let (start, goal) = (pose(&self.map, 5.0, 15.0, 0.0), pose(&self.map, 25.0, 15.0, 0.0));
        let request = Request { start, goal, arrived, deadline: arrived + time, epoch: None };
        let outcome = self.planner.plan(&self.map, &[], &request, &self.clock);
        assert!(outcome.path.is_ok(), "{:?}", outcome.report);
        assert!(outcome.report.margin >= 0, "{:?}", outcome.report);
        outcome.report
    }

    fn error(report: &Report) -> String {
        report.inference_error.map(|error| error.to_string()).unwrap_or_default()
    }
}

#[test]
fn a_device_that_works_is_asked_for_a_step_and_then_for_answers() {
    let mut bench = bench();
    let report = bench.plan();
    assert_eq!((report.source, report.inference_error, report.warm), (Source::Model, None, false));
    assert!(report.applications >= 8 && report.applications.is_multiple_of(4), "{report:?}");
    let report = bench.plan();
    assert!(report.source == Source::Model && report.warm);
}

#[test]
fn a_call_goes_as_far_as_there_is_time_for() {
    // A plan has 20 ms less the reserve, and three quarters of that while nothing is known of the fallback.
    for (application_us, expected) in [(100, 8), (1_500, 8), (2_500, 4), (4_000, 0)] {
        let mut bench = bench_of(application_us);
        bench.fate.asked.lock().unwrap().clear();
        let report = bench.plan();
        let first = bench.fate.asked.lock().unwrap().first().copied().unwrap_or(0);
        assert_eq!(first, expected, "{application_us} us: {report:?}");
        assert!(report.inference_error.is_none(), "{report:?}");
        assert_eq!(report.source == Source::Model, expected > 0, "{report:?}");
    }
}

#[test]
fn a_single_slow_step_does_not_prevent_all_that_follow() {
    let mut bench = bench();
    bench.fate.application_us.store(1_200, Ordering::Relaxed);
    bench.plan();
    bench.fate.application_us.store(0, Ordering::Relaxed);
    let mut firsts = (0..50).map(|_| {
        bench.planner.reset();
        bench.fate.asked.lock().unwrap().clear();
        bench.plan_within(MS(10));
        bench.fate.asked.lock().unwrap()[0]
    });
    assert_eq!(firsts.next(), Some(4), "what took 10 ms isn't expected to fit");
    assert!(firsts.any(|first| first == 8), "it is tried again some time");
}

#[test]
fn requests_are_thought_about_ahead_where_that_saves_time_and_less_and_less_often_where_it_fails() {
    // A call takes 0.1 ms and an application next to nothing: two calls instead of two for each request.
    let mut bench = bench();
    assert_eq!([1, 2, 4, 9].map(|count| bench.think_ahead(count)), [1, 2, 4, 4], "four are all that there is room for");
    // With 0.01 ms an application, that of a hundred takes longer than the twelve of the first two answers.
    let mut slow = bench_of(10);
    let done: usize = (0..100).map(|_| slow.think_ahead(3)).sum();
    assert!(done <= 3 * 4, "{done}");
    // The device has become slow: 5 ms don't suffice.
    bench.fate.call_us.store(50_000, Ordering::Relaxed);
    let tries = (0..1000).filter(|_| bench.think_ahead(4) > 0).count();
    assert!((1..12).contains(&tries), "{tries}");
    bench.fate.call_us.store(100, Ordering::Relaxed);
    assert!((0..2000).any(|_| bench.think_ahead(4) > 0), "it is tried again some time");
    assert!((0..2).all(|_| bench.think_ahead(4) == 4));
}

#[test]
fn work_that_is_late_is_answered_by_the_fallback_and_the_model_answers_when_the_device_is_done() {
    let mut bench = bench();
    bench.fate.call_us.store(45_000, Ordering::Relaxed);
    let report = bench.plan();
    assert_eq!(report.source, Source::Fallback);
    assert!(Bench::error(&report).contains("not done within"), "{report:?}");
    bench.fate.call_us.store(100, Ordering::Relaxed);
    let mut late = 0;
    let report = loop {
        let report = bench.plan();
        if report.inference_error.is_none() {
            break report;
        }
        assert!(Bench::error(&report).contains("still busy"), "{report:?}");
        assert_ne!(report.source, Source::Model);
        bench.clock.pass(MS(10));
        late += 1;
        assert!(late < 20);
    };
    assert!(report.source == Source::Model && !report.warm, "what was late is worth nothing: {report:?}");
}

#[test]
fn a_lost_device_costs_one_plan_and_is_not_asked_again() {
    let mut bench = bench();
    bench.plan();
    bench.fate.state.store(1, Ordering::Relaxed);
    let report = bench.plan();
    assert_eq!(Bench::error(&report), "inference: graph decode failed: the device is lost");
    assert!(report.inference_error.unwrap().is_lost() && report.source != Source::Model);
    let calls = bench.fate.asked.lock().unwrap().len();
    let report = bench.plan();
    assert_eq!((report.source, report.inference_error, report.warm), (Source::Model, None, false));
    assert!(bench.plan().warm);
    assert_eq!(bench.fate.asked.lock().unwrap().len(), calls, "the processor has taken over");
}

#[test]
fn a_device_that_computes_nonsense_gives_no_path_and_no_state_to_go_on_from() {
    let mut bench = bench();
    bench.fate.state.store(2, Ordering::Relaxed);
    for _ in 0..3 {
        let report = bench.plan();
        assert!(!report.warm, "{report:?}");
        assert!(report.source == Source::Model || report.stop != Some(StopReason::Verified), "{report:?}");
    }
    bench.fate.state.store(0, Ordering::Relaxed);
    let report = bench.plan();
    assert!(report.source == Source::Model && !report.warm);
    assert!(bench.plan().warm);
}
