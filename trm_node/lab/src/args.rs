//! Command-line arguments that several commands of `trm` share.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use trm_config::{Config, GridConfig, MotionModel, ParameterError, PlannerConfig, Value};
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_net::released;

/// The model and the robot: flags that `trm plan`, `trm eval` and `trm bench` flatten into their own.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanningArgs {
    /// The model bundle's folder [default: `nav_d32`, as installed with trm or in the checkout].
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,

    /// No path comes nearer than this to the centre of an occupied cell, in metres.
    #[arg(long, value_name = "M", default_value_t = GridConfig::default().robot_radius, allow_negative_numbers = true)]
    pub robot_radius: f64,

    /// How much the path keeps away from obstacles: driving through a cell costs its length times 1 + this times the
    /// cell's inflated cost / 98. 0 asks for the shortest path.
    #[arg(long, value_name = "FACTOR", default_value_t = GridConfig::default().cost_travel_multiplier,
          allow_negative_numbers = true)]
    pub cost_travel_multiplier: f64,
}

impl PlanningArgs {
    /// Sets the parameters that the flags stand for.
    ///
    /// # Errors
    /// When a flag's value is out of range; names the flag.
    pub fn apply(&self, config: &mut Config) -> anyhow::Result<()> {
        config.set("robot_radius", &Value::Double(self.robot_radius)).map_err(with_flag)?;
        config.set("cost_travel_multiplier", &Value::Double(self.cost_travel_multiplier)).map_err(with_flag)
    }
}

/// A robot that isn't a disc: flags that `trm plan` flattens into its own.
#[derive(Debug, Clone, clap::Args)]
pub struct RobotArgs {
    /// The robot's outline in metres of its base frame, as Nav2's parameter: "[[x1, y1], [x2, y2], [x3, y3], ...]".
    /// Without one the robot is a disc.
    #[arg(long, value_name = "POINTS", allow_hyphen_values = true, default_value = "")]
    pub footprint: String,

    /// How far the corners of the footprint are moved away from both axes, in metres.
    #[arg(long, value_name = "M", default_value_t = GridConfig::default().footprint_padding, allow_negative_numbers = true)]
    pub footprint_padding: f64,

    /// How a robot with a footprint moves: omni, diff or car.
    #[arg(long, value_name = "MODEL", default_value = MotionModel::Diff.name())]
    pub motion_model: String,

    /// The least radius of a car's curves, in metres.
    #[arg(long, value_name = "M", alias = "min-turning-radius", allow_negative_numbers = true,
          default_value_t = PlannerConfig::default().minimum_turning_radius)]
    pub minimum_turning_radius: f64,

    /// The robot with a footprint never drives backwards.
    #[arg(long)]
    pub no_reverse: bool,
}

impl RobotArgs {
    /// Sets the parameters that the flags stand for.
    ///
    /// # Errors
    /// When a flag's value is out of range; names the flag.
    pub fn apply(&self, config: &mut Config) -> anyhow::Result<()> {
        for (name, value) in [
            ("footprint", Value::Text(self.footprint.clone())),
            ("footprint_padding", Value::Double(self.footprint_padding)),
            ("motion_model", Value::Text(self.motion_model.clone())),
            ("minimum_turning_radius", Value::Double(self.minimum_turning_radius)),
            ("allow_reverse", Value::Bool(!self.no_reverse)),
        ] {
            config.set(name, &value).map_err(with_flag)?;
        }
        Ok(())
    }
}

/// Loads the bundle in a folder, or without one the bundle that is released with the planner.
///
/// # Errors
/// When there is none, or it can't be used; names the folder and the field.
pub fn bundle(folder: Option<&Path>) -> anyhow::Result<Bundle> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => released::find(std::env::current_exe().ok().as_deref(), std::iter::empty())?,
    };
    Ok(Bundle::load(&folder)?)
}

/// Rewrites an error about a parameter so that it names the command-line flag instead.
pub fn with_flag(error: impl Into<LoadError>) -> anyhow::Error {
    let ParameterError { name, value, expected } = match error.into() {
        LoadError::Parameter(error) => error,
        error => return error.into(),
    };
    let flag = match name.as_str() {
        "window_size" => "window".to_owned(),
        name => name.replace('_', "-"),
    };
    anyhow!("--{flag}: {value} is not {expected}")
}

/// The pose given by two or three numbers: x, y and perhaps the yaw, which is 0 otherwise.
#[must_use]
pub fn pose(numbers: &[f64]) -> Pose {
    let at = |i: usize| numbers.get(i).copied().unwrap_or(0.0);
    Pose::new(at(0), at(1), at(2))
}

/// Parses a finite number.
///
/// # Errors
/// On anything else, NaN and infinity included.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(v),
        Ok(_) => Err("not a finite number".to_owned()),
        Err(_) => Err("not a number".to_owned()),
    }
}
