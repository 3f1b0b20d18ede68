//! What the arguments of several commands have in common.

use std::path::Path;

use anyhow::anyhow;
use trm_config::ParameterError;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_net::released;

/// The bundle in a folder, or the one that is released with the planner.
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

/// The error with the flag's name for the parameter's.
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

/// The pose that two or three numbers name; without a yaw it is 0.
pub fn pose(numbers: &[f64]) -> Pose {
    let at = |i: usize| numbers.get(i).copied().unwrap_or(0.0);
    Pose::new(at(0), at(1), at(2))
}

/// Parses a finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(v),
        Ok(_) => Err("not a finite number".to_owned()),
        Err(_) => Err("not a number".to_owned()),
    }
}
