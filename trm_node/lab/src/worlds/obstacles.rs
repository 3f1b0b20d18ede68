//! Moving obstacles on a map: discs that drive back and forth, and discs that are dropped onto the path ahead. Each
//! change updates a rectangle of the costs, as an update of a map does.

use trm_config::{Config, GridKind};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::error::GridError;
use trm_grid::geometry::Rect;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};

use crate::worlds::random::Random;

/// Radius of a disc, in metres: that of a standing person.
const RADIUS: f64 = 0.15;
/// Speed of a disc, in metres per second.
const SPEED: f64 = 0.4;
/// How far a disc drives before it turns back, in metres.
const TRACK: f64 = 2.0;
/// Free space per driving disc, in square metres.
const ROOM: f64 = 40.0;
/// Most driving discs on a map.
const MOST: usize = 6;
/// How long a dropped disc lies, in seconds.
const LIES: f64 = 1.5;
/// Range of the time from a dropped disc's end to the next one, in seconds.
const PAUSE: (f64, f64) = (0.2, 1.5);
/// Time until the next try when there was no room for a dropped disc, in seconds.
const AGAIN: f64 = 0.2;
/// Range of the distance at which a disc is dropped, in metres.
const AHEAD: (f64, f64) = (0.7, 2.0);
/// Occupied.
const FULL: i8 = 100;

/// A disc that drives back and forth.
struct Disc {
    /// One end of its track, as (column, row).
    from: (f64, f64),
    /// The other end.
    to: (f64, f64),
    /// How far it has come: 0 at `from`, 1 at `to`, and back at `from` at 2.
    phase: f64,
    /// The cell on which the costmap has it; `None` before it has moved.
    stands: Option<Cell>,
}

/// A map with moving obstacles.
pub struct Obstacles {
    builder: CostmapBuilder,
    /// The map without obstacles.
    still: OccupancyGrid,
    /// Which cells a disc may stand on, so that the robot can pass it on every side.
    wide: Vec<bool>,
    discs: Vec<Disc>,
    /// The dropped disc, and how long it still lies, in seconds.
    dropped: Option<(Cell, f64)>,
    /// Seconds until the next disc is dropped.
    next_drop: f64,
    /// Radius of a disc, in cells.
    radius: f64,
    /// Least distance between the robot's centre and a disc's, in cells.
    apart: f64,
    /// Scratch: the values of an update.
    values: Vec<i8>,
}

impl Obstacles {
    /// Draws the tracks of the discs on a map.
    pub fn new(config: &Config, map: OccupancyGrid, random: &mut Random) -> Self {
        let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
        builder.take_grid(map.clone());
        builder.refresh_to_end();
        let resolution = map.geometry().resolution();
        let radius = RADIUS / resolution;
        let apart = (RADIUS + config.grid.robot_radius) / resolution + 1.5;
        let wide = builder.costmap().map_or_else(Vec::new, |costmap| wide(costmap, apart.ceil() as usize));
        let mut new = Self {
            next_drop: random.number(PAUSE.0, PAUSE.1),
            still: map,
            builder,
            wide,
            discs: Vec::new(),
            dropped: None,
            radius,
            apart,
            values: Vec::new(),
        };
        new.draw(random);
        new
    }

    /// The present costs; always `Some`.
    pub fn costmap(&self) -> Option<&Costmap> {
        self.builder.costmap()
    }

    fn draw(&mut self, random: &mut Random) {
        let places: Vec<usize> = (0..self.wide.len()).filter(|at| self.wide[*at]).collect();
        let geometry = *self.still.geometry();
        let area = places.len() as f64 * geometry.resolution().powi(2);
        let count = ((area / ROOM).ceil() as usize).min(MOST);
        let long = TRACK / geometry.resolution();
        for _ in 0..100 * count {
            if self.discs.len() == count || places.is_empty() {
                return;
            }
            let from = geometry.cell(places[random.below(places.len())]);
            let yaw = random.number(0.0, std::f64::consts::TAU);
            let from = (f64::from(from.col), f64::from(from.row));
            let to = (from.0 + long * yaw.cos(), from.1 + long * yaw.sin());
            let disc = Disc { from, to, phase: random.number(0.0, 2.0), stands: None };
            let apart = |other: &Disc| distance(at(other, 0.5), at(&disc, 0.5)) > long + 4.0 * self.apart;
            let on_track = (0..=10).all(|step| self.is_wide(at(&disc, f64::from(step) / 10.0)));
            if on_track && self.discs.iter().all(apart) {
                self.discs.push(disc);
            }
        }
    }

    fn is_wide(&self, cell: Cell) -> bool {
        self.still.geometry().index(cell).is_some_and(|at| self.wide[at])
    }

    /// Moves the obstacles for `seconds`, keeping them away from the robot and the goal. Passes each change of the
    /// costs on.
    ///
    /// # Errors
    /// When an update doesn't fit the grid, which would be a defect.
    pub fn go_on(
        &mut self,
        seconds: f64,
        (robot, goal): (Cell, Cell),
        path: &[Pose],
        random: &mut Random,
        mut changed: impl FnMut(GridChange),
    ) -> Result<(), GridError> {
        let track = TRACK / SPEED;
        for number in 0..self.discs.len() {
            let phase = (self.discs[number].phase + seconds / track).rem_euclid(2.0);
            let there = at(&self.discs[number], 1.0 - (phase - 1.0).abs());
            let clear = [robot, goal].iter().all(|cell| distance(*cell, there) > self.apart);
            if !clear {
                continue; // It waits.
            }
            self.discs[number].phase = phase;
            let before = self.discs[number].stands.replace(there);
            if before != Some(there) {
                self.stamp(before, Some(there))?.into_iter().for_each(&mut changed);
            }
        }
        self.next_drop -= seconds;
        if let Some((cell, left)) = self.dropped {
            let left = left - seconds;
            self.dropped = (left > 0.0).then_some((cell, left));
            if left <= 0.0 {
                self.stamp(Some(cell), None)?.into_iter().for_each(&mut changed);
            }
        } else if self.next_drop <= 0.0 {
            self.next_drop = AGAIN;
            if let Some(cell) = self.ahead(robot, goal, path, random) {
                self.dropped = Some((cell, LIES));
                self.next_drop = LIES + random.number(PAUSE.0, PAUSE.1);
                self.stamp(None, Some(cell))?.into_iter().for_each(&mut changed);
            }
        }
        Ok(())
    }

    /// A cell on the path ahead with room around it.
    fn ahead(&self, robot: Cell, goal: Cell, path: &[Pose], random: &mut Random) -> Option<Cell> {
        let geometry = self.still.geometry();
        let ahead = random.number(AHEAD.0, AHEAD.1) / geometry.resolution();
        let apart = |cell: &Cell| {
            let track = TRACK / geometry.resolution() / 2.0 + 2.0 * self.apart;
            let alone = self.discs.iter().all(|disc| distance(at(disc, 0.5), *cell) > track);
            let near_robot = distance(robot, *cell) <= self.apart.max(ahead);
            alone && self.is_wide(*cell) && !near_robot && distance(goal, *cell) > self.apart
        };
        path.iter().filter_map(|pose| geometry.cell_at(pose.point())).find(apart)
    }

    /// Updates the costs for a disc that goes from one cell to another; `None` is off the map. Gives the change, if any
    /// cost has changed.
    fn stamp(&mut self, from: Option<Cell>, to: Option<Cell>) -> Result<Option<GridChange>, GridError> {
        let geometry = *self.still.geometry();
        let reach = self.radius.ceil() as i32;
        let cells = || from.into_iter().chain(to);
        let least = |of: fn(&Cell) -> i32| cells().map(|cell| of(&cell) - reach).min().unwrap_or_default().max(0);
        let most = |of: fn(&Cell) -> i32, side: u32| {
            cells().map(|cell| of(&cell) + reach + 1).max().unwrap_or_default().min(side as i32)
        };
        let (col, row) = (least(|cell| cell.col), least(|cell| cell.row));
        let (right, top) = (most(|cell| cell.col, geometry.width()), most(|cell| cell.row, geometry.height()));
        let rect = Rect { col, row, width: (right - col).max(0) as u32, height: (top - row).max(0) as u32 };
        self.values.clear();
        for cell in rect.cells() {
            let still = geometry.index(cell).map_or(-1, |at| self.still.data()[at]);
            let standing =
                self.discs.iter().filter_map(|disc| disc.stands).chain(self.dropped.map(|(cell, _)| cell)).chain(to);
            let covered = standing.into_iter().any(|disc| distance(disc, cell) <= self.radius);
            self.values.push(if covered { FULL } else { still });
        }
        self.builder.take_update(rect, &self.values)?;
        Ok(self.builder.refresh_to_end())
    }
}

/// The cell of a disc at a share of its track.
fn at(disc: &Disc, share: f64) -> Cell {
    let along = |from: f64, to: f64| (from + share * (to - from)).round() as i32;
    Cell::new(along(disc.from.0, disc.to.0), along(disc.from.1, disc.to.1))
}

/// Distance between two cells' centres, in cells.
fn distance(a: Cell, b: Cell) -> f64 {
    f64::from(a.col - b.col).hypot(f64::from(a.row - b.row))
}

/// Which cells have only free cells within `margin` along both axes.
fn wide(costmap: &Costmap, margin: usize) -> Vec<bool> {
    let geometry = costmap.geometry();
    let (width, height) = (geometry.width() as usize, geometry.height() as usize);
    let mut wide: Vec<bool> = (0..geometry.cells()).map(|at| costmap.is_free(geometry.cell(at), false)).collect();
    erode(&mut wide, width, height, (width, 1), margin);
    erode(&mut wide, height, width, (1, width), margin);
    wide
}

/// Keeps the cells set that have `margin` set cells on both sides along one axis. The grid has `lines` lines of
/// `length` cells; `line` and `step` are the distances in `cells` between two lines and between two cells of a line.
fn erode(cells: &mut [bool], length: usize, lines: usize, (line, step): (usize, usize), margin: usize) {
    let mut run = vec![0_u32; length];
    for number in 0..lines {
        let mut before = 0;
        for (at, run) in run.iter_mut().enumerate() {
            before = if cells[number * line + at * step] { before + 1 } else { 0 };
            *run = before;
        }
        for at in 0..length {
            let end = at + margin;
            cells[number * line + at * step] = end < length && run[end] as usize > 2 * margin;
        }
    }
}

#[cfg(test)]
mod tests {
    use trm_grid::costmap_builder::build;
    use trm_grid::geometry::Geometry;

    use super::*;

    #[test]
    fn costs_follow_the_discs_and_nothing_comes_near_robot_and_goal() {
        let geometry = Geometry::new(200, 160, 0.05, Pose::default()).unwrap();
        let config = Config::default();
        let random = &mut Random::new(3);
        let map = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
        let mut obstacles = Obstacles::new(&config, map.clone(), random);
        assert!(!obstacles.discs.is_empty());
        let mut copy = obstacles.costmap().unwrap().clone();
        let (robot, goal) = (Cell::new(20, 80), Cell::new(180, 80));
        let path: Vec<Pose> =
            (20..180).map(|col| geometry.center(Cell::new(col, 80))).map(|p| Pose::new(p.x, p.y, 0.0)).collect();
        let (mut changes, mut dropped) = (0, 0);
        for _ in 0..1000 {
            obstacles
                .go_on(0.02, (robot, goal), &path, random, |change| {
                    copy.apply(&change);
                    changes += 1;
                })
                .unwrap();
            dropped += u32::from(obstacles.dropped.is_some());
            assert!(copy.is_free(robot, false) && copy.is_free(goal, false));
        }
        assert!(changes > 100 && dropped > 0, "{changes} {dropped}");
        // The updates have led to what the whole map gives.
        let mut data = map.data().to_vec();
        let standing =
            obstacles.discs.iter().filter_map(|disc| disc.stands).chain(obstacles.dropped.map(|(cell, _)| cell));
        let standing: Vec<Cell> = standing.collect();
        for (at, value) in data.iter_mut().enumerate() {
            if standing.iter().any(|disc| distance(*disc, geometry.cell(at)) <= obstacles.radius) {
                *value = FULL;
            }
        }
        let whole = &build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, data).unwrap());
        assert!(whole.costs() == copy.costs());
    }

    #[test]
    fn a_wide_place_has_free_cells_on_all_sides() {
        let geometry = Geometry::new(9, 7, 1.0, Pose::default()).unwrap();
        let config = Config::with(|config| {
            config.grid.robot_radius = 0.0;
            config.grid.inflation_radius = 0.0;
        });
        let mut data = vec![0; 63];
        data[9 * 3 + 6] = FULL;
        let costmap = &build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, data).unwrap());
        let wide = wide(costmap, 2);
        let found: Vec<Cell> = (0..63).filter(|at| wide[*at]).map(|at| geometry.cell(at)).collect();
        assert_eq!(
            found,
            [Cell::new(2, 2), Cell::new(3, 2), Cell::new(2, 3), Cell::new(3, 3), Cell::new(2, 4), Cell::new(3, 4)]
        );
    }
}
