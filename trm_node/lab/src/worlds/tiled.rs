//! A map of any size: copies of a real one, with streets between them and doors into each.

use trm_config::{Config, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::error::GridError;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};

use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// Width of a street, in robot diameters.
const STREET: f64 = 4.0;
/// Width of a door, in robot diameters.
const DOOR: f64 = 2.5;
/// Doors on each side of a copy.
const DOORS: usize = 2;
/// Occupied.
const FULL: i8 = 100;

/// A map of `side` × `side` cells made of copies of `tile`. Its outer border is a wall.
///
/// # Errors
/// When a grid can't have this size.
pub fn tiled(
    config: &Config,
    tile: &OccupancyGrid,
    side: usize,
    random: &mut Random,
) -> Result<OccupancyGrid, GridError> {
    let fine = tile.geometry();
    let cells = |diameters: f64| (diameters * 2.0 * config.grid.robot_radius / fine.resolution()).ceil() as usize + 2;
    let (street, door) = (cells(STREET), cells(DOOR));
    let geometry = Geometry::new(side as u32, side as u32, fine.resolution(), Pose::default())?;
    let mut canvas = Canvas { side, data: vec![0; side * side] };
    let rooms = main_region(config, tile);
    let (width, height) = (fine.width() as usize, fine.height() as usize);
    let mut row = street;
    while row + 2 < side {
        let mut col = street;
        while col + 2 < side {
            canvas.copy(tile, (row, col));
            for _ in 0..DOORS {
                canvas.doors(&rooms, (width, height), (row, col), door, random);
            }
            col += width + street;
        }
        row += height + street;
    }
    canvas.wall();
    OccupancyGrid::new(geometry, canvas.data)
}

/// Which cells belong to the largest region that the robot can drive in.
fn main_region(config: &Config, tile: &OccupancyGrid) -> Vec<bool> {
    let costmap = &build(&config.grid, GridKind::Map, tile.clone());
    let regions = Regions::of(costmap);
    let cells = costmap.geometry().cells();
    let mut largest: (usize, usize) = (0, 0);
    let mut seen = vec![0_usize; cells + 1];
    for at in 0..cells {
        if let Some(label) = regions.label(at) {
            seen[label as usize] += 1;
            if seen[label as usize] > largest.0 {
                largest = (seen[label as usize], at);
            }
        }
    }
    (0..cells).map(|at| regions.are_joined(at, largest.1)).collect()
}

/// The large map in the making.
struct Canvas {
    side: usize,
    data: Vec<i8>,
}

impl Canvas {
    /// Puts a copy down with its first cell at (row, col), as far as it fits.
    fn copy(&mut self, tile: &OccupancyGrid, (row, col): (usize, usize)) {
        let width = tile.geometry().width() as usize;
        for (number, cells) in tile.data().chunks(width).enumerate().take(self.side.saturating_sub(row)) {
            let fits = width.min(self.side - col);
            self.data[(row + number) * self.side + col..][..fits].copy_from_slice(&cells[..fits]);
        }
    }

    /// Opens a door on each side of a copy, straight to its rooms.
    fn doors(
        &mut self,
        rooms: &[bool],
        (width, height): (usize, usize),
        (row, col): (usize, usize),
        door: usize,
        random: &mut Random,
    ) {
        for along_rows in [false, true] {
            let (lines, length) = if along_rows { (width, height) } else { (height, width) };
            let room =
                |line: usize, at: usize| if along_rows { rooms[at * width + line] } else { rooms[line * width + at] };
            let inhabited: Vec<usize> = (0..lines).filter(|line| (0..length).any(|at| room(*line, at))).collect();
            if inhabited.is_empty() {
                return;
            }
            let line = inhabited[random.below(inhabited.len())];
            // From each end of the line to the nearest cell of a room on it.
            let first = (0..length).find(|at| room(line, *at));
            let last = (0..length).rev().find(|at| room(line, *at));
            for (from, to) in [(0, first), (last.unwrap_or(length), Some(length))] {
                let Some(to) = to else { continue };
                let (from, to) = if to == length { (from, length) } else { (from, to + 1) };
                let across = line.saturating_sub(door / 2)..line + door.div_ceil(2);
                for at in from..to.max(from) {
                    for other in across.clone() {
                        let (r, c) = if along_rows { (row + at, col + other) } else { (row + other, col + at) };
                        if r < self.side && c < self.side {
                            self.data[r * self.side + c] = 0;
                        }
                    }
                }
            }
        }
    }

    /// Makes the outer border a wall.
    fn wall(&mut self) {
        let side = self.side;
        for at in 0..side {
            for cell in [at, (side - 1) * side + at, at * side, at * side + side - 1] {
                self.data[cell] = FULL;
            }
        }
    }
}

/// The square of `side` × `side` cells in the middle of a map. Cells outside the map are unknown.
///
/// # Errors
/// When a grid can't have this size.
pub fn middle(map: &OccupancyGrid, side: u32) -> Result<OccupancyGrid, GridError> {
    let fine = map.geometry();
    let first = |length: u32| (i64::from(length) - i64::from(side)).div_euclid(2) as i32;
    let (col, row) = (first(fine.width()), first(fine.height()));
    let geometry = Geometry::new(side, side, fine.resolution(), Pose::default())?;
    let square = Rect { col: 0, row: 0, width: side, height: side };
    let value = |cell: Cell| fine.index(Cell::new(cell.col + col, cell.row + row)).map_or(-1, |at| map.data()[at]);
    OccupancyGrid::new(geometry, square.cells().map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rooms_of_every_copy_can_be_reached_from_the_street() {
        let geometry = Geometry::new(40, 30, 0.1, Pose::default()).unwrap();
        let inside = |at: usize| (5..35).contains(&(at % 40)) && (5..25).contains(&(at / 40));
        let wall = |at: usize| {
            let (col, row) = (at % 40, at / 40);
            inside(at) && (col == 5 || col == 34 || row == 5 || row == 24)
        };
        let data = (0..1200)
            .map(|at| {
                if wall(at) {
                    100
                } else if inside(at) {
                    0
                } else {
                    -1
                }
            })
            .collect();
        let tile = OccupancyGrid::new(geometry, data).unwrap();
        let config = Config::default();
        let large = tiled(&config, &tile, 200, &mut Random::new(1)).unwrap();
        assert_eq!((large.geometry().width(), large.geometry().height()), (200, 200));
        let regions = Regions::of(&build(&config.grid, GridKind::Map, large));
        let street = 8 * 200 + 8;
        for (row, col) in [(0, 0), (0, 1), (1, 0), (2, 2)] {
            let room = (18 + row * 48 + 15) * 200 + 18 + col * 58 + 20;
            assert!(regions.are_joined(street, room), "copy {row}, {col}");
        }
    }

    #[test]
    fn the_middle_of_a_map_is_cut_out_and_a_small_one_is_framed() {
        let geometry = Geometry::new(4, 2, 0.1, Pose::default()).unwrap();
        let map = OccupancyGrid::new(geometry, vec![1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(middle(&map, 2).unwrap().data(), [2, 3, 6, 7]);
        assert_eq!(middle(&map, 4).unwrap().data()[..8], [-1, -1, -1, -1, 1, 2, 3, 4]);
    }
}
