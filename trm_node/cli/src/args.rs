//! The arguments of `trm plan`.

use std::path::PathBuf;

use trm_config::{Config, PlannerConfig, Value};
use trm_lab::args::{PlanningArgs, RobotArgs, finite, with_flag};

/// Plan a path on a map file.
///
/// The map is read as Nav2's map server reads it (trinary, scale and raw; PGM, PNG and BMP), and inflated by the robot's
/// radius. As in the node, the guidance over the whole map is computed before the request arrives: it is outside the
/// deadline, and `stage_us.guidance` says how long it took. That over headings, for a robot with a footprint, is computed
/// beside the plan. The model runs cold.
///
/// Exit code 0: a path. 1: bad input. 2: no path; the reason is one of Nav2's names (`NO_VALID_PATH`,
/// `START_OCCUPIED` …).
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct PlanArgs {
    /// The map's YAML file, as Nav2's map server takes it.
    #[arg(value_name = "MAP.yaml")]
    pub map: PathBuf,

    /// Where the robot is, in metres and radians of the map frame.
    #[arg(long, num_args = 2..=3, value_names = ["X", "Y", "YAW"], allow_negative_numbers = true, value_parser = finite,
          required_unless_present = "queries")]
    pub start: Vec<f64>,

    /// Where it shall go; the last pose has this yaw.
    #[arg(long, num_args = 2..=3, value_names = ["X", "Y", "YAW"], allow_negative_numbers = true, value_parser = finite,
          required_unless_present = "queries")]
    pub goal: Vec<f64>,

    /// Time from the request to the path, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 20.0, allow_negative_numbers = true)]
    pub deadline_ms: f64,

    #[command(flatten)]
    pub planning: PlanningArgs,

    #[command(flatten)]
    pub robot: RobotArgs,

    /// Move a goal that can't be entered or reached to the nearest cell within this many metres that can. The node's
    /// default is larger; a command asks for a point exactly.
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_negative_numbers = true)]
    pub tolerance: f64,

    /// Only the model may answer, no classical search.
    #[arg(long)]
    pub no_fallback: bool,

    /// Let paths cross unknown cells.
    #[arg(long)]
    pub allow_unknown: bool,

    /// Cells a side of the window that the model sees.
    #[arg(long, value_name = "N", default_value_t = PlannerConfig::default().window_size, allow_negative_numbers = true)]
    pub window: i64,

    /// Also give the length of the best path over the cells, the one of least travel cost. With
    /// `--cost-travel-multiplier 0` it is the shortest.
    #[arg(long)]
    pub optimal: bool,

    /// Draw the map and the path into this PNG file.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,

    /// Answer with JSON on stdout.
    #[arg(long)]
    pub json: bool,

    /// Answer many queries: a file with "start-x start-y goal-x goal-y", or with a yaw after each y, on each line gives a line of JSON each, and
    /// exit code 0 also when some have no path.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["start", "goal", "png"])]
    pub queries: Option<PathBuf>,
}

impl PlanArgs {
    /// The planner's parameters: the defaults with what the flags say.
    ///
    /// # Errors
    /// When a flag's value is out of range; names the flag.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::default();
        self.planning.apply(&mut config)?;
        self.robot.apply(&mut config)?;
        for (name, value) in [
            ("deadline_ms", Value::Double(self.deadline_ms)),
            ("tolerance", Value::Double(self.tolerance)),
            ("window_size", Value::Integer(self.window)),
            ("allow_fallback", Value::Bool(!self.no_fallback)),
            ("allow_unknown", Value::Bool(self.allow_unknown)),
        ] {
            config.set(name, &value).map_err(with_flag)?;
        }
        Ok(config)
    }
}
