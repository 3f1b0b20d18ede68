//! The planner with the time that each plan of an evaluation may take.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_planner::halt::deadline::Clock;
use trm_planner::{Outcome, Planner, Request};

use super::args::{EvalSetting, PlanBudget};
use crate::args::with_flag;
use crate::cpu_clock::CpuClock;

/// A deadline that is never reached.
const NEVER: Duration = Duration::from_hours(24);

/// A planner that is asked from cell to cell, without guidance.
pub struct TimedPlanner {
    clock: Box<dyn Clock + Send>,
    planner: Planner,
    travel: Travel,
    deadline: Duration,
}

impl TimedPlanner {
    /// A planner with the parameters `config`, and the time that the setting gives it.
    ///
    /// # Errors
    /// When the bundle doesn't work on the setting's windows.
    pub fn new(setting: &EvalSetting, config: &Config, bundle: &Bundle) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let planner = Planner::new(&config.grid, &config.planner, bundle, &clock).map_err(with_flag)?;
        Ok(Self::with_planner(setting, planner, Box::new(clock)))
    }

    /// A planner whose deadlines and times are those of the thread's CPU: what else the machine does counts for nothing.
    /// `make` makes it.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn on_cpu_time(
        setting: &EvalSetting,
        make: impl FnOnce(&dyn Clock) -> Result<Planner, LoadError>,
    ) -> anyhow::Result<Self> {
        let planner = make(&CpuClock).map_err(with_flag)?;
        Ok(Self::with_planner(setting, planner, Box::new(CpuClock)))
    }

    fn with_planner(setting: &EvalSetting, planner: Planner, clock: Box<dyn Clock + Send>) -> Self {
        let deadline = match setting.budget {
            PlanBudget::DeadlineMs(deadline) => Duration::from_secs_f64(deadline / 1e3),
            PlanBudget::Steps(_) => NEVER,
        };
        Self { clock, planner, travel: setting.travel(), deadline }
    }

    /// What costs are counted in.
    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// The window that the model sees from a cell.
    ///
    /// # Errors
    /// When the planner has no model.
    pub fn window(&self, from: Cell, costmap: &Costmap) -> anyhow::Result<Window> {
        self.planner.window(from, costmap.geometry()).context("the planner has no model")
    }

    /// Plans from one cell's centre to another's, going on from the plan before.
    pub fn plan(&mut self, costmap: &Costmap, start: Cell, goal: Cell) -> Outcome<'_> {
        self.planner.prepare(costmap);
        let [start, goal] = [start, goal].map(|cell| {
            let center = costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        });
        let arrived = self.clock.now();
        let request = Request { start, goal, arrived, deadline: arrived + self.deadline, epoch: None };
        self.planner.plan(costmap, &[], &request, self.clock.as_ref())
    }

    /// Plans without anything from earlier plans.
    pub fn plan_cold(&mut self, costmap: &Costmap, start: Cell, goal: Cell) -> Outcome<'_> {
        self.planner.prepare(costmap);
        self.planner.reset();
        self.plan(costmap, start, goal)
    }
}
