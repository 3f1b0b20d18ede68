//! `trm eval --unknown`: a robot drives through buildings that it sees for the first time, with a range sensor and the
//! node's own planner. What an unknown cell should count like shows in how far it drives.

use std::time::{Duration, Instant};

use serde::Serialize;
use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::{CostmapBuilder, build};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Planner, Request};

/// How far the sensor sees, in metres.
const RANGE: f64 = 5.0;
/// How far the robot drives between two plans, in metres.
const STRIDE: f64 = 1.0;
/// A trip of more plans than this has failed.
const MOST_PLANS: usize = 2000;
/// Time enough for every plan.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a building is, and where a trip through it begins and ends.
pub struct Trip<'a> {
    /// Occupied, or free. What the map's makers didn't know is occupied.
    pub truth: &'a OccupancyGrid,
    pub start: Cell,
    pub goal: Cell,
}

/// How a trip went.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Driven {
    /// Metres; `None` when the goal wasn't reached.
    pub metres: Option<f64>,
    /// How often the robot turned round: by more than 120 degrees from one plan to the next.
    pub turns: usize,
}

/// The truth of a map, for a robot that can't enter what nobody has seen.
pub fn truth(grid: &OccupancyGrid, config: &Config) -> anyhow::Result<OccupancyGrid> {
    let least = config.grid.occupied_threshold as i8;
    let value = |value: &i8| if (0..least).contains(value) { 0 } else { 100 };
    Ok(OccupancyGrid::new(*grid.geometry(), grid.data().iter().map(value).collect())?)
}

/// The robot on its way.
struct Robot<'a> {
    trip: &'a Trip<'a>,
    geometry: Geometry,
    /// What it has seen.
    known: Vec<i8>,
    builder: CostmapBuilder,
    at: Pose,
}

impl<'a> Robot<'a> {
    fn new(trip: &'a Trip, config: &Config) -> anyhow::Result<Self> {
        let geometry = *trip.truth.geometry();
        let known = vec![-1; geometry.cells()];
        let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
        builder.take_grid(OccupancyGrid::new(geometry, known.clone())?);
        let center = geometry.center(trip.start);
        Ok(Self { trip, geometry, known, builder, at: Pose::new(center.x, center.y, 0.0) })
    }

    /// Looks around: along a line to each cell at the sensor's range, up to the first occupied one.
    fn look(&mut self) -> anyhow::Result<()> {
        let here = self.geometry.nearest_cell(self.at.point());
        let range = (RANGE / self.geometry.resolution()).round() as i32;
        for at in -range..=range {
            for (cols, rows) in [(at, -range), (at, range), (-range, at), (range, at)] {
                self.look_along(here, f64::from(cols), f64::from(rows), f64::from(range));
            }
        }
        let square = Rect { col: here.col, row: here.row, width: 1, height: 1 }.grown(range, &self.geometry);
        let mut values = Vec::with_capacity(square.area());
        for row in square.row..square.row + square.height as i32 {
            for col in square.col..square.col + square.width as i32 {
                values.push(self.geometry.index(Cell::new(col, row)).map_or(-1, |at| self.known[at]));
            }
        }
        self.builder.take_update(square, &values)?;
        self.builder.refresh_to_end();
        Ok(())
    }

    fn look_along(&mut self, here: Cell, cols: f64, rows: f64, range: f64) {
        let steps = 2.0 * cols.abs().max(rows.abs());
        let reach = (range / cols.hypot(rows)).min(1.0);
        for step in 0..=(steps * reach) as i32 {
            let share = f64::from(step) / steps;
            let cell = Cell::new(here.col + (share * cols).round() as i32, here.row + (share * rows).round() as i32);
            let Some(at) = self.geometry.index(cell) else { return };
            self.known[at] = self.trip.truth.data()[at];
            if self.known[at] != 0 {
                return;
            }
        }
    }

    fn costmap(&self) -> anyhow::Result<&Costmap> {
        self.builder.costmap().ok_or_else(|| anyhow::anyhow!("the robot has no costs"))
    }

    /// Drives along a path, as far as it has seen. Returns the metres, and whether it is at the end.
    fn drive(&mut self, path: &[Pose]) -> (f64, bool) {
        let mut driven = 0.0;
        for pose in path {
            let is_seen = self.geometry.index(self.geometry.nearest_cell(pose.point()));
            if driven >= STRIDE || is_seen.is_none_or(|at| self.known[at] != 0) {
                return (driven, false);
            }
            driven += self.at.point().distance(pose.point());
            self.at = *pose;
        }
        (driven, true)
    }
}

/// Drives with a planner that was made for these parameters.
pub fn drive(trip: &Trip, config: &Config, planner: &mut Planner) -> anyhow::Result<Driven> {
    let (clock, travel) = (Instant::now(), Travel::new(&config.grid));
    let mut robot = Robot::new(trip, config)?;
    let goal = robot.geometry.center(trip.goal);
    let goal = Pose::new(goal.x, goal.y, 0.0);
    planner.reset();
    let (mut metres, mut turns, mut heading) = (0.0, 0, None::<f64>);
    for _ in 0..MOST_PLANS {
        robot.look()?;
        let arrived = clock.now();
        let request = Request { start: robot.at, goal, arrived, deadline: arrived + PATIENCE, epoch: None };
        let costmap = robot.costmap()?;
        let guidance = Guidance::compute(costmap, trip.goal, travel, &|| false);
        let Ok(path) = planner.plan(costmap, guidance.as_slice(), &request, &clock).path else { break };
        let before = robot.at;
        let (driven, is_there) = robot.drive(path.poses());
        metres += driven;
        if is_there {
            return Ok(Driven { metres: Some(metres), turns });
        }
        let (dx, dy) = (robot.at.x - before.x, robot.at.y - before.y);
        if dx.hypot(dy) < 1e-6 {
            break;
        }
        let new = dy.atan2(dx);
        let turn = heading.map_or(0.0, |old| (new - old).sin().atan2((new - old).cos()).abs());
        turns += usize::from(turn > 2.0 * std::f64::consts::FRAC_PI_3);
        heading = Some(new);
    }
    Ok(Driven { metres: None, turns })
}

/// The length of the planner's own path where everything is known.
pub fn shortest(trip: &Trip, config: &Config, planner: &mut Planner) -> Option<f64> {
    let clock = Instant::now();
    let costmap = build(&config.grid, GridKind::Map, trip.truth.clone());
    let guidance = Guidance::compute(&costmap, trip.goal, Travel::new(&config.grid), &|| false)?;
    let pose = |cell| {
        let center = costmap.geometry().center(cell);
        Pose::new(center.x, center.y, 0.0)
    };
    let arrived = clock.now();
    let (start, goal) = (pose(trip.start), pose(trip.goal));
    let request = Request { start, goal, arrived, deadline: arrived + PATIENCE, epoch: None };
    planner.prepare(&costmap);
    planner.reset();
    Some(planner.plan(&costmap, std::slice::from_ref(&guidance), &request, &clock).path.ok()?.length())
}

/// A planner of the node.
pub fn planner(config: &Config, bundle: &Bundle) -> anyhow::Result<Planner> {
    Ok(Planner::new(&config.grid, &config.planner, bundle, &Instant::now())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wall with a gap behind which the goal is, and a dead end that looks shorter.
    fn building() -> OccupancyGrid {
        let geometry = Geometry::new(60, 40, 0.2, Pose::default()).unwrap();
        let is_wall = |cell: Cell| {
            let is_edge = cell.col == 0 || cell.row == 0 || cell.col == 59 || cell.row == 39;
            is_edge || cell.col == 30 && cell.row > 6
        };
        let value = |at| if is_wall(geometry.cell(at)) { 100 } else { 0 };
        OccupancyGrid::new(geometry, (0..geometry.cells()).map(value).collect()).unwrap()
    }

    fn config(unknown_weight: f64) -> Config {
        Config::with(|config| {
            config.planner.max_steps = 0;
            config.planner.window_size = 32;
            config.grid.allow_unknown = true;
            config.grid.unknown_weight = unknown_weight;
        })
    }

    #[test]
    fn the_robot_finds_the_gap_that_it_has_not_seen() {
        let truth = building();
        let trip = Trip { truth: &truth, start: Cell::new(5, 35), goal: Cell::new(55, 35) };
        let bundle = crate::args::bundle(None).unwrap();
        let mut planner = planner(&config(1.0), &bundle).unwrap();
        let shortest = shortest(&trip, &config(1.0), &mut planner).unwrap();
        let driven = drive(&trip, &config(1.0), &mut planner).unwrap();
        let metres = driven.metres.unwrap();
        assert!(metres > shortest && metres < 3.0 * shortest, "{metres} {shortest}");
    }

    #[test]
    fn what_a_wall_hides_is_not_seen() {
        let truth = building();
        let trip = Trip { truth: &truth, start: Cell::new(25, 35), goal: Cell::new(55, 35) };
        let mut robot = Robot::new(&trip, &config(1.0)).unwrap();
        robot.look().unwrap();
        let known = |col, row| robot.known[robot.geometry.index(Cell::new(col, row)).unwrap()];
        assert_eq!([known(25, 35), known(29, 35), known(30, 35), known(32, 35)], [0, 0, 100, -1]);
        assert_eq!(known(25, 9), -1, "out of range");
    }
}
