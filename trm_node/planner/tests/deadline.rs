//! The deadline as a contract, tested with a simulated clock that the network applications advance.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{Ignorant, Simulated, bundle, costmap, pose};
use proptest::prelude::*;
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_planner::PlanError;
use trm_planner::epoch::{Epoch, Epochs};
use trm_planner::halt::deadline::Clock as _;
use trm_planner::halt::policy::StopReason;
use trm_planner::{Planner, Request, Source};

struct Bench {
    map: Costmap,
    clock: Simulated,
    net_us: Arc<AtomicU64>,
    planner: Planner,
}

/// A planner whose model always wants to drive towards the wall, so that only the fallback finds a path.
fn bench(config: Config) -> Bench {
    let config = {
        let mut new = config;
        new.planner.window_size = 32;
        new.planner.max_expansions = 8;
        new
    };
    let map = costmap(&config, 0.1, &vec![".".repeat(30); 30]);
    let clock = Simulated::default();
    let net_us = Arc::new(AtomicU64::new(1000));
    let backend = Ignorant { clock: clock.clone(), net_us: net_us.clone(), stubborn: true, size: 32 };
    let planner =
        Planner::with_backend(&config.grid, &config.planner, &bundle(), common::backend(backend), &clock).unwrap();
    Bench { map, clock, net_us, planner }
}

impl Bench {
    fn request(&self, budget: Duration) -> Request<'static> {
        let (start, goal) = (pose(&self.map, 4.0, 20.0, 0.0), pose(&self.map, 25.0, 25.0, 0.0));
        Request { start, goal, arrived: self.clock.now(), deadline: self.clock.now() + budget, epoch: None }
    }
}

#[test]
fn if_the_model_finds_nothing_the_fallback_answers_before_the_deadline() {
    let mut bench = bench(Config::default());
    let request = bench.request(Duration::from_millis(30));
    let outcome = bench.planner.plan(&bench.map, &[], &request, &bench.clock);
    assert!(outcome.path.is_ok());
    let report = outcome.report;
    assert_eq!((report.source, report.stop), (Source::Fallback, Some(StopReason::Deadline)));
    // 30 ms less the reserve of 2 ms and a quarter of the rest for the fallback, which has never been timed.
    assert_eq!(report.applications, 20);
    assert!(report.margin > 0);
}

#[test]
fn an_application_that_takes_twenty_times_longer_does_not_miss_the_deadline() {
    let mut bench = bench(Config::default());
    bench.net_us.store(20_000, Ordering::Relaxed);
    let request = bench.request(Duration::from_millis(30));
    let report = bench.planner.plan(&bench.map, &[], &request, &bench.clock).report;
    assert_eq!(
        (report.source, report.applications),
        (Source::Fallback, 1),
        "no application starts that can't end in time"
    );
    assert!(report.margin >= 0, "there was time for the fallback");
    bench.net_us.store(400_000, Ordering::Relaxed);
    // The slow application is remembered, so none starts any more.
    let request = bench.request(Duration::from_millis(20));
    let report = bench.planner.plan(&bench.map, &[], &request, &bench.clock).report;
    assert_eq!((report.applications, report.stop), (0, Some(StopReason::Deadline)));
    assert!(report.margin >= 0);
}

#[test]
fn after_a_slow_moment_the_model_is_soon_used_again() {
    let mut bench = bench(Config::default());
    let mut applications = |net_ms: u64| {
        bench.net_us.store(1000 * net_ms, Ordering::Relaxed);
        bench.planner.reset();
        let request = bench.request(Duration::from_millis(30));
        bench.planner.plan(&bench.map, &[], &request, &bench.clock).report.applications
    };
    assert!(applications(1) > 10);
    assert_eq!(applications(500), 1);
    assert_eq!(applications(1), 0, "it is expected to stay slow");
    let skipped = (0..1000).take_while(|_| applications(1) == 0).count();
    assert!((2..6).contains(&skipped), "{skipped} plans");
    assert!((0..3).any(|_| applications(1) > 10), "then as before");
}

#[test]
fn if_even_the_fallback_has_no_time_the_answer_is_a_timeout() {
    let mut bench = bench(Config::with(|config| config.planner.start_tolerance = 0.0));
    bench.map = costmap(&Config::default(), 0.1, &vec![".".repeat(200); 200]);
    let request = Request { goal: pose(&bench.map, 190.0, 60.0, 0.0), ..bench.request(Duration::ZERO) };
    let outcome = bench.planner.plan(&bench.map, &[], &request, &bench.clock);
    assert_eq!(outcome.path.map(|_| ()), Err(PlanError::TimedOut { applications: 0 }));
    assert_eq!(outcome.report.source, Source::None);
}

#[test]
fn the_previous_path_is_kept_only_while_it_passes_the_check() {
    let mut bench = bench(Config::with(|config| config.planner.allow_fallback = true));
    let request = bench.request(Duration::from_millis(30));
    assert_eq!(bench.planner.plan(&bench.map, &[], &request, &bench.clock).report.source, Source::Fallback);
    let moved = Request { start: pose(&bench.map, 6.2, 20.4, 0.0), ..bench.request(Duration::from_millis(30)) };
    let outcome = bench.planner.plan(&bench.map, &[], &moved, &bench.clock);
    assert_eq!(outcome.report.source, Source::Previous);
    let path = outcome.path.unwrap();
    assert_eq!(path.poses()[0].point(), moved.start.point());
    assert_eq!(path.poses().last().copied(), Some(moved.goal));
    assert!(bench.planner.still_valid(&bench.map, moved.start));
    // A wall across the old path forces another way, which the fallback finds.
    let mut rows = vec![".".repeat(30); 30];
    for row in rows.iter_mut().skip(10) {
        row.replace_range(14..15, "#");
    }
    bench.map = costmap(&Config::default(), 0.1, &rows);
    assert!(!bench.planner.still_valid(&bench.map, moved.start));
    let request = bench.request(Duration::from_millis(30));
    assert_eq!(bench.planner.plan(&bench.map, &[], &request, &bench.clock).report.source, Source::Fallback);
    let other = Request { goal: Pose { yaw: 2.0, ..request.goal }, ..bench.request(Duration::from_millis(30)) };
    assert_eq!(bench.planner.plan(&bench.map, &[], &other, &bench.clock).report.source, Source::Fallback);
}

#[test]
fn without_the_fallback_the_error_names_the_model_or_the_deadline() {
    let mut bench = bench(Config::with(|config| {
        config.planner.allow_fallback = false;
        config.planner.max_steps = 2;
    }));
    let request = bench.request(Duration::from_millis(500));
    let outcome = bench.planner.plan(&bench.map, &[], &request, &bench.clock);
    assert_eq!(outcome.report.stop, Some(StopReason::StepLimit));
    assert_eq!(outcome.path.map(|_| ()), Err(PlanError::ModelOnly { steps: 2 }));
    let request = bench.request(Duration::from_millis(10));
    let outcome = bench.planner.plan(&bench.map, &[], &request, &bench.clock);
    assert_eq!(outcome.path.map(|_| ()), Err(PlanError::TimedOut { applications: 7 }));
}

#[test]
fn a_cancelled_plan_stops_at_once() {
    let mut bench = bench(Config::default());
    let epochs = Epochs::default();
    let epoch = Epoch::new(&epochs, epochs.begin());
    assert!(!epoch.is_over());
    epochs.begin();
    let request = Request { epoch: Some(epoch), ..bench.request(Duration::from_secs(1)) };
    let outcome = bench.planner.plan(&bench.map, &[], &request, &bench.clock);
    assert_eq!(outcome.path.map(|_| ()), Err(PlanError::Cancelled));
    assert_eq!((outcome.report.stop, outcome.report.applications), (Some(StopReason::Cancelled), 0));
}

/// A model like [`Ignorant`] that reports to have skipped some of its work, and takes less time accordingly.
struct Settling {
    ignorant: Ignorant,
    /// The percentage of the work that is done.
    percent: Arc<AtomicU64>,
    /// Microseconds of an application that skips nothing.
    whole_us: u64,
}

impl Graphs for Settling {
    fn shape(&self) -> Shape {
        self.ignorant.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.ignorant.encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let percent = self.percent.load(Ordering::Relaxed);
        self.ignorant.net_us.store(self.whole_us * percent.max(8) / 100, Ordering::Relaxed);
        self.ignorant.net(update, s, out)?;
        Ok(percent as f32 / 100.0)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        self.ignorant.decode(y, x, moves)
    }
}

#[test]
fn after_many_applications_that_skip_a_full_one_is_still_expected() {
    let config = Config::with(|config| {
        config.planner.window_size = 32;
        config.planner.max_expansions = 8;
    });
    let map = costmap(&config, 0.1, &vec![".".repeat(30); 30]);
    let clock = Simulated::default();
    let percent = Arc::new(AtomicU64::new(0));
    let ignorant = Ignorant { clock: clock.clone(), net_us: Arc::default(), stubborn: true, size: 32 };
    let backend = Settling { ignorant, percent: percent.clone(), whole_us: 4000 };
    let mut planner =
        Planner::with_backend(&config.grid, &config.planner, &bundle(), common::backend(backend), &clock).unwrap();
    let mut plan = |budget_ms| {
        planner.reset();
        let deadline = clock.now() + Duration::from_millis(budget_ms);
        let (start, goal) = (pose(&map, 4.0, 20.0, 0.0), pose(&map, 25.0, 25.0, 0.0));
        let request = Request { start, goal, arrived: clock.now(), deadline, epoch: None };
        planner.plan(&map, &[], &request, &clock).report
    };
    // More applications than the predictor remembers.
    for share in [0, 3, 10, 50] {
        percent.store(share, Ordering::Relaxed);
        let report = plan(100);
        assert!(report.applications >= 30 && report.margin > 0, "{report:?}");
        percent.store(100, Ordering::Relaxed);
        let report = plan(20);
        assert!(report.applications > 0 && report.margin >= 2_000_000, "after a share of {share} %: {report:?}");
    }
}

#[test]
fn the_next_plan_starts_warm_even_after_a_small_move_but_not_for_another_goal() {
    let config = Config::with(|config| config.planner.unchanged_limit = 0.0);
    let map = costmap(&config, 0.05, &vec![".".repeat(90); 90]);
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut plan = |start: (f64, f64), goal: (f64, f64)| {
        let deadline = Duration::from_secs(1);
        let (start, goal) = (pose(&map, start.0, start.1, 0.0), pose(&map, goal.0, goal.1, 0.0));
        let request = Request { start, goal, arrived: Duration::ZERO, deadline, epoch: None };
        let outcome = planner.plan(&map, &[], &request, &clock);
        assert!(outcome.path.is_ok());
        outcome.report
    };
    let cold = plan((40.0, 40.0), (50.0, 48.0));
    assert!(!cold.warm && cold.source == Source::Model);
    let warm = plan((40.0, 40.0), (50.0, 48.0));
    assert!(warm.warm && warm.applications <= cold.applications, "{cold:?} {warm:?}");
    assert!(plan((42.0, 41.0), (50.0, 48.0)).warm);
    assert!(!plan((42.0, 41.0), (34.0, 40.0)).warm);
}

#[test]
fn a_warm_state_without_a_path_is_given_up_after_the_maximum_number_of_steps() {
    let mut bench = bench(Config::with(|config| config.planner.max_steps = 8));
    let mut warm = |budget_ms| {
        let request = bench.request(Duration::from_millis(budget_ms));
        let report = bench.planner.plan(&bench.map, &[], &request, &bench.clock).report;
        (report.warm, report.stop)
    };
    // Each plan begins 3 or 4 steps, so the third is the last that continues from the first.
    let deadline = Some(StopReason::Deadline);
    assert_eq!([(); 4].map(|()| warm(30)), [(false, deadline), (true, deadline), (true, deadline), (false, deadline)]);
    assert_eq!(warm(500), (true, Some(StopReason::StepLimit)));
    assert_eq!(warm(500), (false, Some(StopReason::StepLimit)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_planner_ends_before_the_deadline_if_applications_take_as_long_as_before(
        net_us in 1_u64..5000, budget_ms in 1_u64..60,
    ) {
        let mut bench = bench(Config::default());
        bench.net_us.store(net_us, Ordering::Relaxed);
        let first = bench.request(Duration::from_secs(1));
        bench.planner.plan(&bench.map, &[], &first, &bench.clock);
        bench.planner.reset();
        let request = bench.request(Duration::from_millis(budget_ms));
        let report = bench.planner.plan(&bench.map, &[], &request, &bench.clock).report;
        let reserve = 2_000_000.min(budget_ms as i64 * 1_000_000 / 4);
        prop_assert!(report.margin >= reserve, "the reserve is kept: {report:?}");
        prop_assert_eq!(report.source, Source::Fallback);
    }
}
