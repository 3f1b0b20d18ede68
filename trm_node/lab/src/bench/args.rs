//! The arguments of `trm bench`.

use std::path::PathBuf;

use trm_config::GridConfig;

use crate::args::{PlanningArgs, finite};
use crate::bench::batch::BatchArgs;

/// Help of the shared flags, for a robot that drives.
const ROBOT_RADIUS: &str = "Radius of the robot, in metres";
const COST_TRAVEL_MULTIPLIER: &str = "How much paths keep away from obstacles; 0 asks for the shortest";

/// Measure the planner: does it keep its deadline, how long does each stage take, and how do other searches compare?
///
/// An in-process control loop drives a robot over maps at a fixed rate, with moving obstacles. Then come parts that
/// look closer (--parts). Recordings of the node (--node) are read as further runs. `trm bench compare A.json B.json`
/// compares two reports.
///
/// Prints one screen; --out writes bench.json and bench.html. Exit code 0: measured. 1: bad input.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
#[command(mut_arg("robot_radius", |arg| arg.help(ROBOT_RADIUS)))]
#[command(mut_arg("cost_travel_multiplier", |arg| arg.help(COST_TRAVEL_MULTIPLIER)))]
pub struct BenchArgs {
    /// Another task than measuring.
    #[command(subcommand)]
    pub command: Option<BenchCommand>,

    /// Maps as Nav2's map server reads them [default: those of the repository that the bundle lies in].
    #[arg(value_name = "MAP.yaml")]
    pub maps: Vec<PathBuf>,

    /// The model and the robot.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// Plans per second in the loop.
    #[arg(long, value_name = "HZ", default_value_t = 50.0, allow_negative_numbers = true)]
    pub rate: f64,

    /// Seconds that the loop runs; with --load as long again under load. Longer runs give the other parts more time
    /// too.
    #[arg(long, value_name = "S", default_value_t = 5.0, allow_negative_numbers = true, value_parser = finite)]
    pub duration: f64,

    /// Cells per side of the window that the model sees.
    #[arg(long, value_name = "N", default_value_t = 64, allow_negative_numbers = true)]
    pub window: i64,

    /// Time from the request to the path, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 10.0, allow_negative_numbers = true)]
    pub deadline_ms: f64,

    /// Speed of the robot, in metres per second.
    #[arg(long, value_name = "M/S", default_value_t = 0.5, allow_negative_numbers = true, value_parser = finite)]
    pub speed: f64,

    /// Run the loop a second time while stress-ng keeps these busy.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub load: Vec<Load>,

    /// What runs the net: cpu (the fastest that the processor and the bundle have), gpu, tract, avx512, avx2, neon or
    /// portable. The part kernel measures all of them, whatever it is; all stands for cpu.
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub backend: String,

    /// Seed of goals, obstacles and pairs.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Write bench.json and bench.html into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Recordings of the node, as tools/bench makes them. The one named idle becomes the headline run.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub node: Vec<PathBuf>,

    /// What to measure.
    #[arg(long, value_name = "PART", value_delimiter = ',', default_values_t = Part::ALL)]
    pub parts: Vec<Part>,

    /// Only try whether everything works: each part takes a tenth of the time, and its figures aren't to be relied on.
    #[arg(long)]
    pub quick: bool,

    /// Print the report as JSON, not the summary.
    #[arg(long)]
    pub json: bool,

    /// Show progress even if stderr is no terminal.
    #[arg(long)]
    pub progress: bool,
}

/// What `trm bench` does besides measuring.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum BenchCommand {
    /// Ratios of all figures that two reports have, and which differences are noise.
    ///
    /// Two figures differ if their 95 % confidence intervals don't overlap; otherwise the difference is within noise.
    /// The interval of a quantile of n times, whatever their distribution, lies between those of ranks np ± 1.96 √(np(1
    /// − p)) (David and Nagaraja, Order Statistics, 3rd edition, 7.1); that of a share is Wilson's.
    #[command(verbatim_doc_comment)]
    Compare(CompareArgs),
    /// Windows per second by how many are given in one call, on the processor and on a GPU.
    Batch(BatchArgs),
    /// Write a large map that is made of copies of one, for tools/bench.
    #[command(hide = true)]
    Tiles(TilesArgs),
    /// Read the machine's sensors until stdin is closed, for tools/bench.
    #[command(hide = true)]
    Sensors,
}

/// The arguments of `trm bench tiles`.
#[derive(Debug, Clone, clap::Args)]
pub struct TilesArgs {
    /// The map to copy.
    #[arg(value_name = "MAP.yaml")]
    pub map: PathBuf,
    /// Cells per side.
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    pub cells: u32,
    /// Folder for map.pgm and map.yaml.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Radius of the robot that drives on it, in metres.
    #[arg(long, value_name = "M", default_value_t = GridConfig::default().robot_radius)]
    pub robot_radius: f64,
    /// Seed of the doors' places.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

/// The arguments of `trm bench compare`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareArgs {
    /// A report: bench.json.
    #[arg(value_name = "A.json")]
    pub a: PathBuf,
    /// Another one; ratios are B / A.
    #[arg(value_name = "B.json")]
    pub b: PathBuf,
    /// Print the ratios as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What stress-ng keeps busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Load {
    /// All cores.
    Cpu,
    /// A quarter of the memory.
    Memory,
}

impl Load {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The control loop.
    Loop,
    /// One application of the net by each backend, and by onnxruntime.
    Kernel,
    /// Ticks by what has changed since the previous one.
    #[value(name = "kinds")]
    Kinds,
    /// A map of 4000 x 4000 cells beside one of 200 x 200.
    #[value(name = "map_size")]
    MapSize,
    /// The net takes ten times as long from the middle of a plan on.
    Slowdown,
    /// Classical searches on the same maps.
    Peers,
    /// The cost-to-go over positions and headings, for a car.
    Footprint,
}

impl Part {
    /// All parts, in the order in which they are measured.
    pub const ALL: [Self; 7] =
        [Self::Loop, Self::Kernel, Self::Kinds, Self::MapSize, Self::Slowdown, Self::Peers, Self::Footprint];

    /// The name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Kernel => "kernel",
            Self::Kinds => "kinds",
            Self::MapSize => "map_size",
            Self::Slowdown => "slowdown",
            Self::Peers => "peers",
            Self::Footprint => "footprint",
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl BenchArgs {
    /// Whether a part shall be measured.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}
