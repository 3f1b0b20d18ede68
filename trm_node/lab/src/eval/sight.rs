//! The model on one window, answer by answer, without any stop policy.

use std::time::{Duration, Instant};

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::backend::Update;
use trm_net::bundle::Bundle;
use trm_net::encode::{CLASSES, GoalCells, NO_MOVE, Scales, encode};
use trm_net::registry::fastest;
use trm_net::recursion::Recursion;
use trm_planner::decode::{Decoder, Field};
use trm_safety::check::{Rules, check};

use super::args::Setting;
use super::source::Query;
use crate::args::with_flag;

/// One answer of the model.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Travel cost of its path of cells, in cells; `None` when there is none that passes the check.
    pub cost: Option<f64>,
    /// What the q head says, as a probability.
    pub q: f64,
    /// Root mean square of the answer's change.
    pub change: f64,
    /// Since the query came.
    pub elapsed: Duration,
    /// Whether the field knows the whole way.
    pub known: bool,
    /// Cells that the decoder expanded beside the path.
    pub beside: Option<u32>,
}

/// All that is needed to look at a window.
pub struct Sight {
    backend: Box<dyn Backend>,
    recursion: Recursion,
    decoder: Decoder,
    scales: Scales,
    config: Config,
    travel: Travel,
    blocked: Vec<bool>,
    extra: Vec<f32>,
    goals: GoalCells,
    input: Vec<f32>,
    /// `[9, size, size]`.
    logits: Vec<f32>,
    path: Vec<Cell>,
    /// Working time since the query came.
    elapsed: Duration,
}

impl Sight {
    /// For the windows of a setting.
    ///
    /// # Errors
    /// When the bundle doesn't work on them.
    pub fn new(setting: &Setting, bundle: &Bundle) -> anyhow::Result<Self> {
        let backend = fastest(bundle, setting.window).map_err(with_flag)?;
        let shape = backend.shape();
        let cells = shape.size * shape.size;
        Ok(Self {
            recursion: Recursion::new(bundle, shape),
            decoder: Decoder::new(cells, setting.config.planner.max_expansions as usize),
            scales: bundle.manifest.encoding.scales,
            travel: setting.travel(),
            config: setting.config.clone(),
            blocked: vec![false; cells],
            extra: vec![0.0; cells],
            goals: GoalCells::new(shape.size),
            input: vec![0.0; shape.input_len()],
            logits: vec![0.0; shape.logits_len()],
            path: Vec::new(),
            elapsed: Duration::ZERO,
            backend,
        })
    }

    /// Looks at a query's window, from nothing.
    ///
    /// # Errors
    /// When the inference library fails.
    pub fn begin(&mut self, query: &Query) -> anyhow::Result<()> {
        let began = Instant::now();
        let window = self.window(query);
        window.blocked(&query.costmap, self.travel.allow_unknown, &mut self.blocked);
        window.extra(&query.costmap, self.travel, &mut self.extra);
        self.goals.find(&window, &query.costmap, None, query.goal);
        encode(&self.blocked, &self.extra, &self.goals, self.scales, &mut self.input);
        self.recursion.begin_cold(self.backend.as_mut());
        self.recursion.embed(self.backend.as_mut(), &self.input)?;
        self.elapsed = began.elapsed();
        Ok(())
    }

    /// The next answer.
    ///
    /// # Errors
    /// When the inference library fails.
    pub fn answer(&mut self, query: &Query) -> anyhow::Result<Answer> {
        let began = Instant::now();
        while self.recursion.advance(self.backend.as_mut())? == Update::Latent {}
        let q = f64::from(self.recursion.decode(self.backend.as_mut(), &mut self.logits)?);
        let cost = self.find(query);
        self.elapsed += began.elapsed();
        let beside = cost.map(|_| self.decoder.expansions() + 1 - self.path.len() as u32);
        let change = f64::from(self.recursion.answer_change());
        Ok(Answer {
            cost,
            q: 1.0 / (1.0 + (-q).exp()),
            change,
            elapsed: self.elapsed,
            known: cost.is_some() && self.decoder.is_known(),
            beside,
        })
    }

    /// Travel cost of the path that the same search finds when the straight line to the goal leads it, and not the model:
    /// what the search is worth by itself. Call it before the first answer.
    pub fn without_the_model(&mut self, query: &Query) -> Option<f64> {
        let window = self.window(query);
        let (size, cells) = (window.size(), self.blocked.len());
        for (class, step) in MOVES.iter().enumerate() {
            for at in 0..cells {
                let next = window.global(Cell::new((at % size) as i32, (at / size) as i32)).after(*step);
                let (cols, rows) = (query.goal.col - next.col, query.goal.row - next.row);
                self.logits[class * cells + at] = -(cols as f32).hypot(rows as f32);
            }
        }
        self.logits[NO_MOVE * cells..].fill(0.0);
        self.find(query)
    }

    /// Travel cost of the path that the search finds in the present field.
    fn find(&mut self, query: &Query) -> Option<f64> {
        let window = self.window(query);
        let field = Field { window, blocked: &self.blocked, goals: &self.goals, logits: &self.logits };
        let rules = Rules::new(
            self.config.grid.allow_unknown,
            self.config.planner.start_tolerance,
            query.costmap.geometry().resolution(),
        );
        let found = self.decoder.find(&field, query.start, &mut self.path) && passes(&query.costmap, rules, &self.path);
        found.then(|| self.travel.cells(&query.costmap, self.path.iter()))
    }

    /// What costs are counted in.
    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// Whether a supervision step has just ended.
    pub const fn step_is_whole(&self) -> bool {
        self.recursion.is_at_step_end()
    }

    /// The most probable class of each cell of the window, row-major, in the last answer.
    pub fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        let cells = self.blocked.len();
        let logit = move |class: usize, at: usize| self.logits[class * cells + at];
        (0..cells).map(move |at| {
            (1..CLASSES).fold(0, |best, class| if logit(class, at) > logit(best, at) { class } else { best })
        })
    }

    /// The query's world as the planner places it in the window.
    pub fn window(&self, query: &Query) -> Window {
        let shape = self.backend.shape();
        Window::around(query.start, query.costmap.geometry(), shape.size, shape.patch)
    }
}

fn passes(costmap: &Costmap, rules: Rules, path: &[Cell]) -> bool {
    check(costmap, rules, path.iter().map(|cell| cell.center()))
}
