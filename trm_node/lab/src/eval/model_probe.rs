//! The planner's model, answer by answer and without any stop policy.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};
use trm_grid::window::Window;
use trm_net::bundle::Bundle;
use trm_net::encode::{CLASSES, NO_MOVE};
use trm_net::registry::by_name;
use trm_planner::Report;
use trm_planner::decode::{Decoder, Field};
use trm_planner::halt::deadline::Deadline;
use trm_planner::model::{Model, Plan, Refined, View};
use trm_planner::path_buffer::PathBuffer;
use trm_planner::problem::Problem;
use trm_safety::check::{Rules, check};
use trm_safety::routes::Routes;

use super::args::EvalSetting;
use super::query::Query;
use crate::args::with_flag;

/// One answer of the model.
#[derive(Debug, Clone, Copy)]
pub struct ProbeAnswer {
    /// Travel cost of its path of cells, in cells; `None` when there is none that passes the check.
    pub cost: Option<f64>,
    /// What the q head says, as a probability.
    pub q: f64,
    /// Root mean square of the answer's change.
    pub change: f64,
    /// Working time since the query came.
    pub elapsed: Duration,
    /// Whether the field knows the whole of the path.
    pub known: bool,
    /// Cells that the decoder expanded beside the path; `None` without a path.
    pub beside: Option<u32>,
}

/// The planner's model and the buffers that a plan needs.
pub struct ModelProbe {
    model: Model,
    config: Config,
    travel: Travel,
    path: PathBuffer,
    routes: Routes,
    /// What the present query looks like; `None` before the first.
    view: Option<View>,
    clock: Instant,
    /// Working time since the query came.
    elapsed: Duration,
    /// Searches the field of [`Self::without_the_model`].
    decoder: Decoder,
    /// That field, `[9, size, size]`.
    logits: Vec<f32>,
    cells: Vec<Cell>,
}

impl ModelProbe {
    /// A probe for the windows of a setting.
    ///
    /// # Errors
    /// When the bundle doesn't work on them.
    pub fn new(setting: &EvalSetting, bundle: &Bundle) -> anyhow::Result<Self> {
        let mut config = setting.config.clone();
        // Each query starts cold, stays on the window as it lies, and is computed in full.
        config.planner.warm_start = false;
        config.planner.turn_when_stuck = false;
        config.planner.skip_threshold = 0.0;
        let backend = by_name(bundle, setting.window, "cpu").map_err(with_flag)?;
        let shape = backend.shape();
        let cells = shape.size * shape.size;
        Ok(Self {
            model: Model::new(&config.planner, bundle, backend),
            travel: setting.travel(),
            path: PathBuffer::default(),
            routes: Routes::default(),
            view: None,
            clock: Instant::now(),
            elapsed: Duration::ZERO,
            decoder: Decoder::new(cells, config.planner.max_expansions as usize),
            logits: vec![0.0; shape.logits_len()],
            cells: Vec::new(),
            config,
        })
    }

    /// Begins a query, from nothing.
    ///
    /// # Errors
    /// When the inference library fails, or no goal lies in the window.
    pub fn begin(&mut self, query: &Query) -> anyhow::Result<()> {
        let cells = query.costmap.geometry().cells() + 1;
        self.path.reserve(cells, 0);
        self.path.begin(&[query.start]);
        self.model.reserve(cells);
        self.model.reset();
        let problem = self.problem(query);
        let began = Instant::now();
        let view = self.model.base(&mut Plan {
            problem: &problem,
            routes: &self.routes,
            path: &mut self.path,
            clock: &self.clock,
            report: &mut Report::default(),
            until: Deadline::at(Duration::MAX),
            fallback: Duration::ZERO,
        })?;
        self.elapsed = began.elapsed();
        self.view = Some(view.context("no goal lies in the window")?);
        Ok(())
    }

    /// The next answer.
    ///
    /// # Errors
    /// When the inference library fails, or no query was begun.
    pub fn answer(&mut self, query: &Query) -> anyhow::Result<ProbeAnswer> {
        let problem = self.problem(query);
        let view = self.view.context("no query was begun")?;
        let mut report = Report::default();
        let mut plan = Plan {
            problem: &problem,
            routes: &self.routes,
            path: &mut self.path,
            clock: &self.clock,
            report: &mut report,
            until: Deadline::at(Duration::MAX),
            fallback: Duration::ZERO,
        };
        let began = Instant::now();
        let answer = loop {
            if let Refined::Answer(answer) = self.model.refine(&view, &mut plan)? {
                break answer;
            }
        };
        self.elapsed += began.elapsed();
        Ok(ProbeAnswer {
            cost: answer.cost,
            q: 1.0 / (1.0 + (-f64::from(answer.q)).exp()),
            change: f64::from(answer.change),
            elapsed: self.elapsed,
            known: answer.cost.is_some() && answer.known,
            beside: answer.cost.map(|_| answer.beside),
        })
    }

    /// Travel cost of the path that the same search finds when the straight line to the goal leads it instead of the
    /// model: what the search is worth by itself. `None` when there is none, or no query was begun.
    pub fn without_the_model(&mut self, query: &Query) -> Option<f64> {
        let Field { window, blocked, goals, .. } = self.model.field(&self.view?);
        let (size, cells) = (window.size(), blocked.len());
        for (class, step) in MOVES.iter().enumerate() {
            for at in 0..cells {
                let next = window.global(Cell::new((at % size) as i32, (at / size) as i32)).after(*step);
                let (cols, rows) = (query.goal.col - next.col, query.goal.row - next.row);
                self.logits[class * cells + at] = -(cols as f32).hypot(rows as f32);
            }
        }
        self.logits[NO_MOVE * cells..].fill(0.0);
        let field = Field { window, blocked, goals, logits: &self.logits };
        let found = self.decoder.find(&field, query.start, &mut self.cells)
            && check(&query.costmap, self.rules(&query.costmap), self.cells.iter().map(|cell| cell.center()));
        found.then(|| self.travel.cells(&query.costmap, self.cells.iter()))
    }

    /// What costs are counted in.
    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// Whether a supervision step has just ended.
    pub const fn step_is_whole(&self) -> bool {
        self.model.progress(false).step_is_whole
    }

    /// The most probable class of each cell of the window, row-major, in the last answer.
    pub fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        let field = self.view.as_ref().map(|view| self.model.field(view));
        field.into_iter().flat_map(|field| {
            let cells = field.blocked.len();
            let logit = move |class: usize, at: usize| field.logits[class * cells + at];
            (0..cells).map(move |at| {
                (1..CLASSES).fold(0, |best, class| if logit(class, at) > logit(best, at) { class } else { best })
            })
        })
    }

    /// The window that the model sees of a query.
    pub fn window(&self, query: &Query) -> Window {
        self.model.window(query.start, query.costmap.geometry())
    }

    fn problem<'a>(&self, query: &'a Query) -> Problem<'a> {
        Problem::between(&query.costmap, self.rules(&query.costmap), self.travel, [query.start, query.goal])
    }

    fn rules(&self, costmap: &Costmap) -> Rules {
        let resolution = costmap.geometry().resolution();
        Rules::new(self.config.grid.allow_unknown, self.config.planner.start_tolerance, resolution)
    }
}
