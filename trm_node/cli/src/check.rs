//! `trm check`: whether a path may be driven on a map.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use serde_json::Value as Json;
use trm_config::footprint::{DEFAULT_PADDING, Footprint, MAX_PADDING};
use trm_config::{Config, GridConfig, GridKind, Value};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::map_file;
use trm_grid::units::Pose;
use trm_lab::args::{finite, with_flag};
use trm_safety::check::Rules;
use trm_safety::swept::invalid_for;

use crate::output::print;

/// Check whether a path may be driven on a map file, by the code that checks every path of the node.
///
/// With `--footprint` nothing occupied may be in the area that the robot sweeps: between poses its base goes straight, and
/// it turns evenly. Else the robot is a disc. A robot that begins too near to an obstacle may leave, as in the node.
///
/// Exit code 0: it may be driven. 1: it may not, and the first pose that it can't lead to is printed; or bad input.
#[derive(clap::Args)]
pub struct CheckArgs {
    /// The path: what `trm plan --json` prints, or a list of [x, y, yaw] in metres and radians of the map frame.
    #[arg(value_name = "PATH.json")]
    path: PathBuf,

    /// The map's YAML file, as Nav2's map server takes it.
    #[arg(value_name = "MAP.yaml")]
    map: PathBuf,

    /// The robot's outline in metres of its base frame, as Nav2's parameter: "[[x1, y1], [x2, y2], [x3, y3], ...]".
    #[arg(long, value_name = "TEXT", conflicts_with = "robot_radius")]
    footprint: Option<Footprint>,

    /// How far the corners of the footprint are moved away from both axes, in metres.
    #[arg(long, value_name = "M", default_value_t = DEFAULT_PADDING, allow_negative_numbers = true,
          value_parser = padding, requires = "footprint")]
    footprint_padding: f64,

    /// The path may come no nearer than this to the centre of an occupied cell, in metres.
    #[arg(long, value_name = "M", default_value_t = GridConfig::default().robot_radius, allow_negative_numbers = true)]
    robot_radius: f64,

    /// Let the path cross unknown cells.
    #[arg(long)]
    allow_unknown: bool,
}

/// Runs `trm check`.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::default();
    config.set("robot_radius", &Value::Double(args.robot_radius)).map_err(with_flag)?;
    let poses = poses(&args.path)?;
    let grid = map_file::load(&args.map)?;
    let costmap = build(&config.grid, GridKind::Map, grid);
    let invalid = invalid(args, &config, &costmap, &poses);
    let Some(at) = invalid.first().copied() else {
        let length: f64 = poses.windows(2).map(|pair| pair[0].point().distance(pair[1].point())).sum();
        print(&format!("{} poses, {length:.2} m: nothing is in the way", poses.len()))?;
        return Ok(ExitCode::SUCCESS);
    };
    let Pose { x, y, yaw } = poses[at];
    let what = if at == 0 { "the robot can't be at" } else { "the path can't lead to" };
    print(&format!("{what} pose {at} of {}: ({x:.3}, {y:.3}), yaw {yaw:.3}", poses.len()))?;
    Ok(ExitCode::FAILURE)
}

/// The numbers of the poses that the path can't lead to.
fn invalid(args: &CheckArgs, config: &Config, costmap: &Costmap, poses: &[Pose]) -> Vec<usize> {
    let rules = Rules::new(args.allow_unknown, config.planner.start_tolerance, costmap.geometry().resolution());
    let footprint = args.footprint.as_ref().map(|footprint| footprint.padded(args.footprint_padding));
    invalid_for(costmap, rules, footprint.as_ref(), poses)
}

/// The poses of a path's file.
fn poses(file: &Path) -> anyhow::Result<Vec<Pose>> {
    let name = || file.display();
    let text = std::fs::read_to_string(file).with_context(|| name().to_string())?;
    let json: Json = serde_json::from_str(&text).with_context(|| format!("{}: not JSON", name()))?;
    let listed = json.get("poses").unwrap_or(&json);
    let listed = listed.as_array().ok_or_else(|| anyhow!("{}: no list of poses, and no \"poses\" with one", name()))?;
    if listed.is_empty() {
        return Err(anyhow!("{}: the path has no poses", name()));
    }
    let pose = |(at, json): (usize, &Json)| match serde_json::from_value::<[f64; 3]>(json.clone()) {
        Ok([x, y, yaw]) => Ok(Pose::new(x, y, yaw)),
        Err(_) => Err(anyhow!("{}: poses[{at}] is {json}, not [x, y, yaw]", name())),
    };
    listed.iter().enumerate().map(pose).collect()
}

/// Parses a padding.
fn padding(text: &str) -> Result<f64, String> {
    let number = finite(text)?;
    let is_padding = (0.0..=MAX_PADDING).contains(&number);
    if is_padding { Ok(number) } else { Err(format!("not a number from 0 to {MAX_PADDING}")) }
}
