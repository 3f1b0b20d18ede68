//! The node's planner thread and its guidance worker in simulated time: ticks, the check of the path when the costs change,
//! and guidance that comes a while after what it was computed for.

use std::collections::VecDeque;
use std::time::Duration;

use trm_config::Config;
use trm_flow::threads::ticks::Ticks;
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::host::HostBackend;
use trm_planner::ask::Settings;
use trm_planner::guided::Guided;
use trm_planner::{PlanError, Planner, Report, Request};

use crate::drive::clock::{Charged, SimulatedClock};
use crate::drive::policy::Policy;
use crate::guidance_here::GuidanceHere;
use crate::lent::Lent;

/// Guidance comes so much later than what it is for, for each cell of the grid and at least: on `pal_office` and
/// `pal_hospital` all of it takes 4.6 and 4.3 ns a cell (the README's table), a change mostly less.
const GUIDANCE_NS_A_CELL: u64 = 5;
const GUIDANCE_LEAST: Duration = Duration::from_micros(500);

/// The node.
pub struct Node {
    policy: Policy,
    config: Config,
    clock: SimulatedClock,
    planner: Planner,
    guidance: GuidanceHere<SimulatedClock>,
    costmap: Option<Box<Costmap>>,
    guided: Option<Box<Guided>>,
    /// Guidance on its way, and when it comes.
    coming: VecDeque<(Duration, Box<Guided>)>,
    ticks: Ticks,
    is_urgent: bool,
    /// No other plan is begun before.
    busy_until: Duration,
    /// The newest plan has a path.
    has_path: bool,
    goal: Pose,
}

/// A plan.
pub struct Planned {
    /// When it is published.
    pub due: Duration,
    /// The path, or why there is none.
    pub path: Result<Vec<Pose>, PlanError>,
    /// How it went.
    pub report: Report,
    /// Whether the guidance was of the present costs.
    pub is_guided: bool,
    /// The deadline had passed when it was done.
    pub is_late: bool,
}

impl Node {
    /// A node that hasn't got a grid yet.
    ///
    /// # Errors
    /// When the model can't be run.
    pub fn new(policy: Policy, bundle: &Bundle, graphs: &Lent) -> anyhow::Result<Self> {
        let (config, clock) = (policy.config(), SimulatedClock::default());
        let backend = Box::new(HostBackend::new(bundle, Box::new(Charged::new(graphs.clone(), clock.clone()))));
        let planner = Planner::with_backend(&config.grid, &config.planner, bundle, backend, &clock)?;
        let settings = Settings::new(&config.grid, &config.planner);
        Ok(Self {
            policy,
            planner,
            // Its time is that of another thread.
            guidance: GuidanceHere::new(SimulatedClock::default(), settings),
            clock,
            costmap: None,
            guided: None,
            coming: VecDeque::new(),
            ticks: Ticks::new(config.node.planner_frequency),
            is_urgent: false,
            busy_until: Duration::ZERO,
            has_path: false,
            goal: Pose::default(),
            config,
        })
    }

    /// Takes the first grid.
    pub fn take_grid(&mut self, costmap: Costmap) {
        self.take(GridChange::Whole(Box::new(costmap)));
    }

    fn take(&mut self, change: GridChange) {
        self.guidance.change(change.clone());
        drop(change.apply(&mut self.costmap));
    }

    /// Takes a goal. It is planned to at once.
    pub fn take_goal(&mut self, goal: Pose, robot: Pose, now: Duration) {
        self.goal = goal;
        self.guided = None;
        self.is_urgent = true;
        self.ticks.start(now);
        self.ask_for_guidance(robot, now);
    }

    /// Takes a change of the costs. If it blocks the path a plan is due at once.
    pub fn take_change(&mut self, change: GridChange, robot: Pose, now: Duration) {
        self.take(change);
        let looks = self.policy != Policy::DefaultTree;
        self.is_urgent |=
            looks && self.costmap.as_deref().is_some_and(|costmap| !self.planner.still_valid(costmap, robot));
        self.ask_for_guidance(robot, now);
    }

    fn ask_for_guidance(&mut self, robot: Pose, now: Duration) {
        let Some(costmap) = self.costmap.as_deref().filter(|_| self.policy != Policy::AStar) else { return };
        let to_go = self.guided.as_ref().and_then(|guided| guided.to_go(costmap, robot));
        let takes = Duration::from_nanos(costmap.geometry().cells() as u64 * GUIDANCE_NS_A_CELL).max(GUIDANCE_LEAST);
        // A newer computation ends the older one.
        self.coming.clear();
        self.coming.extend(self.guidance.guide(robot, self.goal, to_go).map(|guided| (now + takes, guided)));
    }

    /// Plans if that is due.
    pub fn step(&mut self, robot: Pose, now: Duration) -> Option<Planned> {
        while self.coming.front().is_some_and(|(due, _)| *due <= now) {
            let (_, guided) = self.coming.pop_front()?;
            Guided::replace(&mut self.guided, &mut Some(guided));
        }
        if now < self.busy_until {
            return None;
        }
        let is_tick = self.ticks.due(now).is_some();
        let costmap = self.costmap.as_deref()?;
        let is_due = match self.policy {
            Policy::WhenBlocked if self.has_path => is_tick && !self.planner.still_valid(costmap, robot),
            _ => is_tick,
        };
        if !std::mem::take(&mut self.is_urgent) && !is_due {
            return None;
        }
        self.clock.set(now);
        if self.policy == Policy::AStar {
            self.planner.reset();
        }
        let deadline = now + Duration::from_secs_f64(self.config.node.deadline_ms / 1e3);
        let request = Request { start: robot, goal: self.goal, arrived: now, deadline, epoch: None };
        let outcome = self.planner.plan(costmap, self.guided.as_deref(), &request, &self.clock);
        let due = now + outcome.report.stages.total;
        let is_guided = self.guided.as_ref().is_some_and(|guided| guided.version == Some(costmap.version()));
        let path = outcome.path.map(|path| path.poses().to_vec());
        self.has_path = path.is_ok();
        self.busy_until = due;
        self.ticks.done(due);
        Some(Planned { due, path, report: outcome.report, is_guided, is_late: due > deadline })
    }

    /// The parameters.
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
