//! One query from answer to answer: costs of paths, and which cells of the field are right.

use serde::Serialize;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::moves::{iter_moves, legal_moves};
use trm_grid::units::{Cell, MOVES};

use super::model_probe::{ModelProbe, ProbeAnswer};
use super::query::Query;
use crate::statistics::{QuantilesToMax, Sorted, UpperQuantiles, share};
use crate::worlds::optimum::field;

/// No right moves. Such a cell doesn't count: it can't be entered, can't reach the goal, or is the goal.
const NO_MOVE: u8 = 0;
/// A move that costs at most this much more than the best one is right too, in cells (`SOFT_TIE` in
/// `models/trm_train/data.py`): where costs change from cell to cell there are no exact ties.
const TIE: f32 = 1e-2;

/// The answers to one query.
#[derive(Debug)]
pub struct Trace {
    /// Travel cost of the best path.
    pub optimum: f64,
    /// Travel cost of the path that the search finds without the model; `None` without any.
    pub without_the_model: Option<f64>,
    /// All answers, in order.
    pub answers: Vec<ProbeAnswer>,
    /// The field after each supervision step.
    pub cells: Vec<StepCells>,
    /// Number of cells of the window that count.
    pub counted: usize,
}

/// Numbers of the window's cells after a supervision step. A cell is right when its most probable class is a right
/// move.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepCells {
    /// Right now.
    pub right: usize,
    /// Wrong before, right now.
    pub corrected: usize,
    /// Right before, wrong now.
    pub broken: usize,
}

impl Trace {
    /// Runs the model for `steps` supervision steps.
    ///
    /// # Errors
    /// When the inference library fails.
    pub fn record(probe: &mut ModelProbe, query: &Query, steps: usize) -> anyhow::Result<Self> {
        probe.begin(query)?;
        let right_moves = right_moves(probe, query);
        let counted = right_moves.iter().filter(|moves| **moves != NO_MOVE).count();
        let mut was_right = vec![false; right_moves.len()];
        let without_the_model = probe.without_the_model(query);
        let mut trace =
            Self { optimum: query.optimum.cost, without_the_model, answers: Vec::new(), cells: Vec::new(), counted };
        while trace.cells.len() < steps {
            trace.answers.push(probe.answer(query)?);
            if !probe.step_is_whole() {
                continue;
            }
            let mut cells = StepCells::default();
            for ((class, moves), was_right) in probe.classes().zip(&right_moves).zip(&mut was_right) {
                let right = class < 8 && moves >> class & 1 == 1;
                cells.right += usize::from(right);
                cells.corrected += usize::from(right && !*was_right);
                cells.broken += usize::from(!right && *was_right);
                *was_right = right;
            }
            trace.cells.push(cells);
        }
        Ok(trace)
    }

    /// Number of answers in a supervision step.
    pub const fn answers_a_step(&self) -> usize {
        self.answers.len() / self.cells.len()
    }

    /// The place in `answers` of the first one with a verified path.
    pub fn first_verified(&self) -> Option<usize> {
        self.answers.iter().position(|answer| answer.cost.is_some())
    }

    /// The least cost among the first `answers` answers.
    pub fn best(&self, answers: usize) -> Option<f64> {
        self.answers[..answers].iter().filter_map(|answer| answer.cost).min_by(f64::total_cmp)
    }
}

/// The right moves of each cell of the window as bits; [`NO_MOVE`] where a cell doesn't count.
fn right_moves(probe: &ModelProbe, query: &Query) -> Vec<u8> {
    let window = probe.window(query);
    let size = window.size();
    let Some(field) = field(&query.costmap, query.goal, probe.travel()) else { return vec![NO_MOVE; size * size] };
    let cell = |at: usize| window.global(Cell::new((at % size) as i32, (at / size) as i32));
    (0..size * size).map(|at| good_moves(&query.costmap, &field, cell(at))).collect()
}

/// The moves that training labels as right, as bits.
fn good_moves(costmap: &Costmap, field: &Guidance, cell: Cell) -> u8 {
    let (travel, here) = (field.travel(), field.cost_to_go(cell));
    let Some(cost) = costmap.cost(cell).filter(|_| here.is_finite() && here > 0.0) else { return NO_MOVE };
    let is_good = |bit: &usize| {
        let (step, next) = (MOVES[*bit], cell.after(MOVES[*bit]));
        costmap.cost(next).is_some_and(|to| field.cost_to_go(next) + travel.step(cost, to, step) <= here + TIE)
    };
    iter_moves(legal_moves(costmap, cell, false)).filter(is_good).fold(NO_MOVE, |moves, bit| moves | 1 << bit)
}

/// Figures over all queries after one supervision step.
#[derive(Debug, Serialize)]
pub struct AfterStep {
    /// Number of the step, from 1.
    pub step: usize,
    /// Share of queries with a verified path in this step's last answer or any before.
    pub solved: Option<f64>,
    /// Share of queries with one in this step's last answer.
    pub solved_now: Option<f64>,
    /// Share of cells that are right.
    pub right: Option<f64>,
    /// Share of the cells that were wrong one step before and are right now. Before the first step all are wrong.
    pub corrected: Option<f64>,
    /// Share of the cells that were right one step before and are wrong now.
    pub broken: Option<f64>,
}

/// The figures of each step that all traces have.
pub fn by_step(traces: &[Trace]) -> Vec<AfterStep> {
    let steps = traces.iter().map(|trace| trace.cells.len()).min().unwrap_or(0);
    let counted: usize = traces.iter().map(|trace| trace.counted).sum();
    let mut right_before = 0;
    (0..steps)
        .map(|step| {
            let solved = |first: fn(usize) -> usize| {
                let is_solved = |trace: &&Trace| {
                    let end = (step + 1) * trace.answers_a_step();
                    trace.answers[first(end)..end].iter().any(|answer| answer.cost.is_some())
                };
                share(traces.iter().filter(is_solved).count(), traces.len())
            };
            let sum =
                |which: fn(&StepCells) -> usize| traces.iter().map(|trace| which(&trace.cells[step])).sum::<usize>();
            let right = sum(|cells| cells.right);
            let row = AfterStep {
                step: step + 1,
                solved: solved(|_| 0),
                solved_now: solved(|end| end - 1),
                right: share(right, counted),
                corrected: share(sum(|cells| cells.corrected), counted - right_before),
                broken: share(sum(|cells| cells.broken), right_before),
            };
            right_before = right;
            row
        })
        .collect()
}

/// Cost of the model's best path of cells, before it is straightened, over the optimum.
pub fn cells_ratio(traces: &[Trace]) -> UpperQuantiles {
    let ratio = |trace: &Trace| Some(trace.best(trace.answers.len())? / trace.optimum);
    Sorted::new(traces.iter().filter_map(ratio)).upper()
}

/// What the decoder's search finds when the straight line to the goal leads it instead of the model.
#[derive(Debug, Serialize)]
pub struct WithoutTheModel {
    /// Share of queries with a verified path.
    pub solved: Option<f64>,
    /// Cost of these paths over the optimum.
    pub cells_ratio: UpperQuantiles,
}

impl WithoutTheModel {
    /// Counts queries.
    pub fn of(traces: &[Trace]) -> Self {
        let ratios: Vec<f64> = traces.iter().filter_map(|t| Some(t.without_the_model? / t.optimum)).collect();
        Self { solved: share(ratios.len(), traces.len()), cells_ratio: Sorted::new(ratios.into_iter()).upper() }
    }
}

/// Cells that the decoder expanded beside the first verified path.
pub fn beside(traces: &[Trace]) -> QuantilesToMax {
    let beside = |trace: &Trace| trace.answers[trace.first_verified()?].beside.map(f64::from);
    Sorted::new(traces.iter().filter_map(beside)).to_max()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;
    use trm_net::bundle::Bundle;

    use super::*;
    use crate::eval::args::EvalArgs;
    use crate::eval::judge::Judge;
    use crate::eval::source::QuerySource;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: EvalArgs,
    }

    #[test]
    fn a_trace_finds_the_first_path_when_the_planner_does() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let bundle = Bundle::load(&folder.join("models/bundles/nav_d32")).unwrap();
        let maps = folder.join("tests/maps").display().to_string();
        for source in [["--generated", "32"], ["--maps", &maps]] {
            let args = Cli::parse_from([&["eval", "--steps", "6"], &source[..]].concat()).args;
            let setting = args.setting(&bundle).unwrap();
            let worlds = QuerySource::new(&args, &setting).unwrap();
            let mut probe = ModelProbe::new(&setting, &bundle).unwrap();
            let mut judge = Judge::new(&setting, &bundle).unwrap();
            let step = bundle.manifest.architecture.applications_per_step() as u32;
            let per_answer = step / bundle.manifest.architecture.cycles as u32;
            for number in 0..8 {
                let query = worlds.query(1, number, &setting).unwrap();
                let trace = Trace::record(&mut probe, &query, 6).unwrap();
                let record = judge.record(&query);
                let applications = trace.first_verified().map(|at| (at as u32 + 1) * per_answer);
                assert_eq!(record.steps, applications.map(|n| n.div_ceil(step)), "{number}");
                assert!(trace.cells.iter().all(|cells| cells.right <= trace.counted));
                let cost = trace.best(trace.answers.len());
                assert!(
                    cost.is_none_or(|cost| cost >= trace.optimum - 1e-2),
                    "no path over cells is better than the best"
                );
            }
        }
    }

    #[test]
    fn the_right_moves_are_the_optimal_ones_and_those_hardly_worse() {
        let mut world = crate::worlds::world::World::new(4, false);
        world.set(1, 1, true);
        let costmap = world.costmap().unwrap();
        let travel = trm_grid::travel::Travel::new(&trm_config::GridConfig::default());
        let field = field(&costmap, Cell::new(3, 0), travel).unwrap();
        let moves = |col, row| iter_moves(good_moves(&costmap, &field, Cell::new(col, row))).collect::<Vec<_>>();
        assert_eq!(moves(0, 0), [2], "along the row");
        assert!(moves(3, 0).is_empty(), "the goal");
        assert!(moves(1, 1).is_empty(), "blocked");
        assert_eq!(moves(0, 1), [0], "no corner is cut");
        assert_eq!(moves(2, 2), [0, 1], "two ways of the same length");
    }
}
