//! What has been published of the map, and which paths cross it: the judge's own book. It knows nothing of the planner but
//! its parameters, and has the rules of `tests/closed_loop/published.py`.

use trm_config::Config;
use trm_grid::units::Point;

use crate::drive::costmap::Update;
use crate::drive::polyline::samples;
use crate::drive::raster::{Raster, State};

/// Paths are looked at this often, in cells.
const DENSE: f64 = 0.2;
const COARSE: f64 = 0.5;
/// A robot nearer to an obstacle than its radius may depart over so much (`start_tolerance` and a cell), in metres.
const DEPARTURE: f64 = 0.37;

/// The book.
pub struct Book {
    pub raster: Raster,
    states: Vec<State>,
    /// How many occupied cells have their centre within the radius of each cell's.
    near: Vec<u16>,
    offsets: Vec<(i32, i32)>,
    /// The offsets to all cells that cost anything.
    costly: Vec<(i32, i32)>,
    radius: f64,
    reach: f64,
    scaling: f64,
    multiplier: f64,
    tolerance: f64,
}

impl Book {
    /// The map that was published first, for a planner with these parameters.
    pub fn new(raster: Raster, map: &[State], config: &Config) -> Self {
        let mut book = Self {
            raster,
            states: vec![State::Unknown; raster.cells()],
            near: vec![0; raster.cells()],
            offsets: raster.offsets(config.grid.robot_radius),
            costly: raster.offsets(config.grid.inflation_radius + raster.resolution),
            radius: config.grid.robot_radius,
            reach: config.grid.inflation_radius,
            scaling: config.grid.cost_scaling_factor,
            multiplier: config.grid.cost_travel_multiplier,
            tolerance: config.planner.tolerance,
        };
        (0..map.len()).for_each(|at| book.write(at, map[at]));
        book
    }

    fn write(&mut self, at: usize, state: State) {
        let before = std::mem::replace(&mut self.states[at], state);
        let (was, is) = (before == State::Occupied, state == State::Occupied);
        if was != is {
            for near in self.raster.around(at, &self.offsets) {
                self.near[near] = if is { self.near[near] + 1 } else { self.near[near] - 1 };
            }
        }
    }

    /// An update was published.
    pub fn take(&mut self, update: &Update) {
        for (cell, state) in update.rect.cells().zip(&update.states) {
            if let Some(at) = self.raster.index(cell.col, cell.row) {
                self.write(at, *state);
            }
        }
    }

    /// What would be so if these cells were occupied, too.
    pub fn with<T>(&mut self, cells: &[usize], ask: impl FnOnce(&Self) -> T) -> T {
        let before: Vec<State> = cells.iter().map(|at| self.states[*at]).collect();
        for at in cells {
            self.write(*at, State::Occupied);
        }
        let answer = ask(self);
        cells.iter().zip(before).for_each(|(at, state)| self.write(*at, state));
        answer
    }

    /// Whether something was published to be in a cell.
    pub fn is_occupied(&self, at: usize) -> bool {
        self.states[at] == State::Occupied
    }

    /// Whether the robot's centre may be in a cell.
    pub fn is_free(&self, at: usize) -> bool {
        self.states[at] == State::Free && self.near[at] == 0
    }

    /// Whether a path touches a cell that isn't free, or, beyond where a robot may depart, isn't between the centres of cells
    /// where the robot's centre may be: a line needs room on both sides.
    pub fn blocks(&self, path: &[Point]) -> bool {
        let size = self.raster.resolution;
        samples(path, DENSE * size).iter().any(|(along, point)| {
            if *along <= DEPARTURE {
                return self.raster.at(*point).is_none_or(|at| self.states[at] != State::Free);
            }
            let corner = |shift: f64| (shift - 0.5) * size;
            [(0.01, 0.01), (0.01, 0.99), (0.99, 0.01), (0.99, 0.99)].iter().any(|(right, up)| {
                let beside = Point { x: point.x + corner(*right), y: point.y + corner(*up) };
                self.raster.at(beside).is_none_or(|at| !self.is_free(at))
            })
        })
    }

    /// The occupied cells whose centre a path comes nearer to than the radius.
    pub fn in_the_way_of(&self, path: &[Point]) -> Vec<usize> {
        let mut cells: Vec<usize> = samples(path, COARSE * self.raster.resolution)
            .iter()
            .flat_map(|(_, point)| self.occupied_around(*point, &self.offsets))
            .filter(|(_, distance)| *distance < self.radius - 1e-3)
            .map(|(at, _)| at)
            .collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    fn occupied_around<'a>(
        &'a self,
        point: Point,
        offsets: &'a [(i32, i32)],
    ) -> impl Iterator<Item = (usize, f64)> + 'a {
        let (col, row) = self.raster.cell_of(point);
        let cells = offsets.iter().filter_map(move |(cols, rows)| self.raster.index(col + cols, row + rows));
        cells.filter(|at| self.is_occupied(*at)).map(move |at| (at, self.raster.centre(at).distance(point)))
    }

    /// Metres times weights, as the parameters and Nav2's inflation layer have it: 1 + `cost_travel_multiplier`, falling
    /// with the distance beyond the radius by `cost_scaling_factor`.
    pub fn travel_cost(&self, path: &[Point]) -> f64 {
        let weight = |point: Point| {
            let distances = self.occupied_around(point, &self.costly).map(|(_, distance)| distance);
            let nearest = distances.fold(f64::INFINITY, f64::min);
            let falls = (-self.scaling * (nearest - self.radius).max(0.0)).exp();
            1.0 + if nearest <= self.reach { self.multiplier * falls } else { 0.0 }
        };
        let weights: Vec<(f64, f64)> = samples(path, COARSE * self.raster.resolution)
            .into_iter()
            .map(|(along, point)| (along, weight(point)))
            .collect();
        weights.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
    }

    /// Whether free cells lead from near the robot to within the tolerance of a goal: an exhaustive search.
    pub fn leads(&self, robot: Point, goal: Point) -> bool {
        let free = (0..self.raster.cells()).filter(|at| self.is_free(*at));
        let distance = |at: &usize| self.raster.centre(*at).distance(robot);
        let Some(first) = free.min_by(|a, b| distance(a).total_cmp(&distance(b))) else { return false };
        let seen = self.raster.reach(first, |at| self.is_free(at));
        let is_end = |at: usize| seen[at] && self.raster.centre(at).distance(goal) <= self.tolerance;
        distance(&first) <= DEPARTURE && (0..seen.len()).any(is_end)
    }
}
