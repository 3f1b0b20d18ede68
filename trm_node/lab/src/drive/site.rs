//! A map to drive on: its cells, and where the robot may begin and be sent to.

use std::path::Path;

use anyhow::{Context as _, ensure};
use trm_config::Config;
use trm_grid::geometry::Geometry;
use trm_grid::map_file::{self, Fields};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Point, Pose};

use crate::drive::raster::{Raster, State};
use crate::worlds::random::Random;

/// How far a goal may be from the robot in a straight line, in metres.
const DISTANCE: (f64, f64) = (3.0, 9.0);
/// Goals keep this much more than the robot's radius from walls; those out of reach keep so much more than the tolerance
/// from all that can be reached, in metres.
const ROOM: f64 = 0.15;
/// Darker cells may never have been looked at, though the map calls them free.
const CLEARLY_FREE: f64 = 0.1;

/// A map.
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub raster: Raster,
    /// What it says of each cell, row-major.
    pub states: Vec<State>,
    /// The same for the planner, with the origin at (0, 0).
    pub grid: OccupancyGrid,
    /// The cells that the robot can get to.
    pub reach: Vec<bool>,
    /// Where it is sent to.
    inside: Vec<usize>,
    /// Free cells that it can't get to.
    outside: Vec<usize>,
}

/// A robot's errand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errand {
    /// Where it begins.
    pub start: Pose,
    /// Where it is sent to.
    pub goal: Pose,
    /// Whether the map has a way there.
    pub can_be_reached: bool,
}

impl Site {
    /// Reads a map file.
    ///
    /// # Errors
    /// When it can't be read, or has no room for the robot; names the file.
    pub fn load(name: &str, file: &Path, config: &Config) -> anyhow::Result<Self> {
        let grid = map_file::load(file)?;
        let fields = Fields::parse(file, &std::fs::read_to_string(file)?)?;
        let image = file.parent().unwrap_or(Path::new("")).join(&fields.image);
        let strict = Fields { free_thresh: CLEARLY_FREE.min(fields.free_thresh), ..fields };
        let seen = map_file::decode(file, &strict, &std::fs::read(&image)?)?;
        let seen = seen.data().iter().map(|value| *value == 0).collect();
        Self::new(name, &grid, seen, config).with_context(|| format!("map file {}", file.display()))
    }

    /// A map of a grid, of which these cells are surely free.
    ///
    /// # Errors
    /// When it has no room for the robot.
    pub fn new(name: &str, grid: &OccupancyGrid, seen: Vec<bool>, config: &Config) -> anyhow::Result<Self> {
        let (radius, tolerance) = (config.grid.robot_radius, config.planner.tolerance);
        let geometry = grid.geometry();
        let (width, height, resolution) = (geometry.width(), geometry.height(), geometry.resolution());
        let raster = Raster { width: width as i32, height: height as i32, resolution };
        let state = |value: &i8| match *value {
            ..0 => State::Unknown,
            value if i64::from(value) >= config.grid.occupied_threshold => State::Occupied,
            _ => State::Free,
        };
        let states: Vec<State> = grid.data().iter().map(state).collect();
        let occupied: Vec<bool> = states.iter().map(|state| *state == State::Occupied).collect();
        let open = |margin: f64| -> Vec<bool> {
            let near = raster.grown(&occupied, margin);
            states.iter().zip(near).map(|(state, near)| *state == State::Free && !near).collect()
        };
        let free = open(radius);
        let room: Vec<bool> = free.iter().zip(seen).map(|(free, seen)| *free && seen).collect();
        let roomy = open(radius + ROOM);
        let room = raster.largest(&room);
        let inside: Vec<usize> = (0..raster.cells()).filter(|at| room[*at] && roomy[*at]).collect();
        ensure!(!inside.is_empty(), "no room for a robot of radius {radius} m");
        let reach = raster.reach(inside[0], |at| free[at]);
        let near = raster.grown(&reach, tolerance + ROOM);
        let outside = (0..raster.cells()).filter(|at| free[*at] && !near[*at]).collect();
        let here = Geometry::new(width, height, resolution, Pose::default())?;
        let grid = OccupancyGrid::new(here, grid.data().to_vec())?;
        Ok(Self { name: name.to_owned(), raster, states, grid, reach, inside, outside })
    }

    /// Draws an errand; one that can't be done where there is a place for that and it is asked for.
    pub fn errand(&self, can_be_reached: bool, random: &mut Random) -> Errand {
        let start = self.pose(self.inside[random.below(self.inside.len())], random);
        let can_be_reached = can_be_reached || self.outside.is_empty();
        let cells = if can_be_reached { &self.inside } else { &self.outside };
        let is_near = |at: &usize| {
            let distance = self.raster.centre(*at).distance(start.point());
            distance > DISTANCE.0 && distance < DISTANCE.1
        };
        let near: Vec<usize> = cells.iter().copied().filter(is_near).collect();
        let near = if near.is_empty() { cells } else { &near };
        let goal = self.pose(near[random.below(near.len())], random);
        Errand { start, goal, can_be_reached }
    }

    fn pose(&self, at: usize, random: &mut Random) -> Pose {
        let Point { x, y } = self.raster.centre(at);
        Pose::new(x, y, random.number(-std::f64::consts::PI, std::f64::consts::PI))
    }
}
