//! The arguments of `trm eval`.

use std::path::PathBuf;

use anyhow::bail;
use trm_config::{Config, Value};
use trm_grid::travel::Travel;
use trm_net::bundle::Bundle;

use crate::args::{PlanningArgs, RobotArgs, finite, with_flag};
use crate::worlds::generators::WorldKind;
use crate::worlds::maze_hard;

/// Help of two shared flags: only maps have a scale and costs.
const ROBOT_RADIUS: &str = "Radius of the robot on maps, in metres; other worlds say where its centre can be";
const COST_TRAVEL_MULTIPLIER: &str =
    "How much paths keep away from obstacles on maps: 0 asks for the shortest. Other worlds have no costs to count";

const FOOTPRINT: &str = "Instead of the model: plan for a robot with this outline on whole maps with table legs, with the \
                         deadline (30 ms by default), without one, and over twice as many headings. Times are those of the \
                         CPU. In metres of the base frame: \"[[x1, y1], [x2, y2], [x3, y3], ...]\"";
/// What is about the model.
const NOT_FOR_FOOTPRINTS: [&str; 4] = ["anytime", "unknown", "steps", "window"];

/// Measure the model on many random queries: success, cost, steps.
///
/// A query is a world that the model sees as a whole, and a random pair of cells in it that can reach each other. No
/// guidance is given, so the model alone finds the way. Worlds come from maps (--maps), from generators (--generated),
/// or are mazes in the style of Maze-Hard (--mazes). The same seed gives the same queries everywhere.
///
/// Costs are given over those of the best path of eight moves on the same costmap. Published paths are straightened, so
/// a ratio may be less than 1.
///
/// Exit code 0: done. 1: bad input.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(mut_arg("robot_radius", |arg| arg.help(ROBOT_RADIUS)))]
#[command(mut_arg("footprint", |arg| arg.help(FOOTPRINT).requires("maps").conflicts_with_all(NOT_FOR_FOOTPRINTS)))]
#[command(mut_arg("cost_travel_multiplier", |arg| arg.help(COST_TRAVEL_MULTIPLIER)))]
#[command(group(clap::ArgGroup::new("source").required(true).args(["maps", "generated", "mazes"])))]
pub struct EvalArgs {
    /// A folder of maps as Nav2's map server reads them; those in folders below it count too.
    #[arg(long, value_name = "DIR")]
    pub maps: Option<PathBuf>,

    /// Generated worlds of SIZE x SIZE cells.
    #[arg(long, value_name = "SIZE", value_parser = clap::value_parser!(i64).range(16..=512))]
    pub generated: Option<i64>,

    /// Kinds of generated worlds, which are drawn in turn.
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_values_t = WorldKind::EVALUATED,
          conflicts_with_all = ["maps", "mazes"])]
    pub kinds: Vec<WorldKind>,

    /// Mazes of N x N cells with four moves, 30 to 50 % walls, and shortest paths of more than 110 N² / 900 moves. The
    /// model sees them as 2N + 1 cells a side.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(8..=127))]
    pub mazes: Option<i64>,

    /// Cells per side of the windows cut from maps [default: 64]. Generated worlds and mazes are as large as the
    /// window.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub window: Option<i64>,

    /// Number of queries; maps or kinds of worlds take turns.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub queries: u32,

    /// Seed of the queries.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Time for each plan, in milliseconds, with the node's own limit of steps.
    #[arg(long, value_name = "MS", conflicts_with = "steps", allow_negative_numbers = true)]
    pub deadline_ms: Option<f64>,

    /// Greatest number of supervision steps, with all the time they need [default: the window's side, at least 32].
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub steps: Option<i64>,

    /// Also evaluate the answers step by step: what each step corrects and breaks, stop policies, times beside
    /// classical searches, warm starts, and how paths change from plan to plan.
    #[arg(long)]
    pub anytime: bool,

    /// Instead of the model: drive through the maps as if they were unseen, with a range sensor and several weights of
    /// unknown cells (the parameter `unknown_weight`), and compare how far.
    #[arg(long, requires = "maps", conflicts_with_all = ["anytime", "steps", "deadline_ms"])]
    pub unknown: bool,

    /// Instead: the model alone on N queries at a time, in one call of the net, on --jobs threads. What comes of a query
    /// doesn't depend on N.
    #[arg(long, value_name = "N", conflicts_with_all = ["anytime", "unknown", "footprint", "deadline_ms"])]
    pub batch: Option<usize>,

    /// Instead: the bundles of this router one by one, and routed, on the same queries with the same limit. --json also
    /// holds what `models/trm_train/router.py` fits the classifier to.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch", "anytime", "unknown", "footprint", "bundle"])]
    pub router: Option<PathBuf>,

    /// The robot, if it isn't a disc.
    #[command(flatten)]
    pub robot: RobotArgs,

    /// Table legs of one cell that are added to each map for a robot with a footprint.
    #[arg(long, value_name = "N", default_value_t = 300, requires = "footprint")]
    pub legs: usize,

    /// Write all figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Draw the share of solved queries by step and by time into this PNG file.
    #[arg(long, value_name = "FILE", requires = "anytime")]
    pub png: Option<PathBuf>,

    /// Flags that other commands have too.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// Metres per cell of maps [default: a map's own, 0.1, 0.15 or 0.2, drawn for each query].
    #[arg(long, value_name = "M", value_parser = resolution, allow_negative_numbers = true)]
    pub resolution: Option<f64>,

    /// Threads that plan side by side. Times are meaningful with one only.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
}

/// The limit of each plan.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanBudget {
    DeadlineMs(f64),
    Steps(i64),
}

impl std::fmt::Display for PlanBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DeadlineMs(deadline) => write!(f, "{deadline} ms"),
            Self::Steps(steps) => write!(f, "{steps} steps"),
        }
    }
}

/// What follows from the arguments and the bundle.
#[derive(Debug, Clone)]
pub struct EvalSetting {
    /// The planner's parameters, without the fallback.
    pub config: Config,
    pub budget: PlanBudget,
    /// Cells per side of the worlds.
    pub side: usize,
    /// Cells per side of the model's window: at least `side`.
    pub window: usize,
}

impl EvalSetting {
    /// What costs are counted in.
    pub fn travel(&self) -> Travel {
        Travel::new(&self.config.grid)
    }
}

impl EvalArgs {
    /// The sizes, and the planner's parameters.
    ///
    /// # Errors
    /// When a flag's value is out of range; names the flag.
    pub fn setting(&self, bundle: &Bundle) -> anyhow::Result<EvalSetting> {
        let mut config = Config::default();
        let least = bundle.manifest.windows.min;
        // A world that isn't a whole number of patches wide is seen through the next larger window.
        let around = |side: usize| side.next_multiple_of(bundle.manifest.windows.multiple_of).max(least);
        let fixed = match (self.generated, self.mazes) {
            (Some(size), _) => Some(size as usize),
            (_, Some(size)) => Some(maze_hard::pillar((size as usize, 0)).0),
            _ => None,
        };
        let wanted = fixed.map_or(self.window.unwrap_or(64), |side| around(side) as i64);
        let flag = if self.generated.is_some() { "generated" } else { "mazes" };
        if let Some(window) = self.window.filter(|window| *window != wanted) {
            bail!("--window: {window} is not {wanted}, which is what --{flag} makes it");
        }
        config.set("window_size", &Value::Integer(wanted)).map_err(with_flag)?;
        let window = bundle.fitting_window(wanted as usize).map_err(with_flag)?;
        let budget = match self.deadline_ms {
            Some(deadline) => PlanBudget::DeadlineMs(deadline),
            None => PlanBudget::Steps(self.steps.unwrap_or_else(|| window.max(32) as i64)),
        };
        match budget {
            PlanBudget::DeadlineMs(deadline) => {
                config.set("deadline_ms", &Value::Double(deadline)).map_err(with_flag)?;
            }
            PlanBudget::Steps(steps) => {
                // The parameter's range includes 0, which switches the model off.
                if steps < 1 || config.set("max_steps", &Value::Integer(steps)).is_err() {
                    bail!("--steps: {steps} is not a whole number from 1 to 1000");
                }
            }
        }
        self.planning.apply(&mut config)?;
        config.planner.allow_fallback = false;
        Ok(EvalSetting { config, budget, side: fixed.unwrap_or(window), window })
    }
}

fn resolution(text: &str) -> Result<f64, String> {
    let metres = finite(text)?;
    if (0.001..=10.0).contains(&metres) { Ok(metres) } else { Err("not a number from 0.001 to 10".to_owned()) }
}
