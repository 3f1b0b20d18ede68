//! The costmap that the robot publishes: the map and what its lidar sees, in a window that rolls with it.
//!
//! Hits mark cells and rays clear them, as in Nav2's obstacle layer. What leaves the window is forgotten, and so is what
//! hasn't been seen for a while, as in the spatio-temporal voxel layer. The rules are those of
//! `tests/closed_loop/costmap.py`.

use trm_grid::geometry::Rect;
use trm_grid::units::Point;

use crate::drive::raster::{Raster, State};
use crate::drive::world::{RANGE, Scan};

/// In metres from the robot to each side.
const WINDOW: f64 = RANGE + 0.5;
/// How long what was seen is remembered, in seconds.
const MEMORY: f64 = 8.0;

/// The costmap.
pub struct RollingCostmap {
    raster: Raster,
    map: Vec<State>,
    /// When each cell was marked last; minus infinity where it isn't.
    marked_at: Vec<f64>,
    /// The cells that may be marked.
    marks: Vec<usize>,
    /// What was published last.
    states: Vec<State>,
}

/// What has changed, as an update of a grid.
pub struct Update {
    /// Where.
    pub rect: Rect,
    /// What is there now, row by row.
    pub states: Vec<State>,
}

impl Update {
    /// The values of a message.
    pub fn values(&self) -> Vec<i8> {
        let value = |state: &State| match state {
            State::Free => 0,
            State::Occupied => 100,
            State::Unknown => -1,
        };
        self.states.iter().map(value).collect()
    }
}

impl RollingCostmap {
    /// That of a map, before anything is seen.
    pub fn new(raster: Raster, map: &[State]) -> Self {
        let marked_at = vec![f64::NEG_INFINITY; map.len()];
        Self { raster, map: map.to_vec(), marked_at, marks: Vec::new(), states: map.to_vec() }
    }

    /// Takes a scan.
    pub fn take(&mut self, scan: &Scan, robot: Point, now: f64) {
        scan.through.iter().for_each(|at| self.marked_at[*at] = f64::NEG_INFINITY);
        for at in &scan.hits {
            self.marked_at[*at] = now;
            self.marks.push(*at);
        }
        let (raster, marked_at) = (self.raster, &mut self.marked_at);
        let reach = (WINDOW / raster.resolution).ceil() as i32;
        let (col, row) = raster.cell_of(robot);
        for at in &self.marks {
            let (c, r) = raster.cell(*at);
            if (c - col).abs() > reach || (r - row).abs() > reach {
                marked_at[*at] = f64::NEG_INFINITY;
            }
        }
    }

    /// Marks cells, and gives what has changed.
    pub fn put(&mut self, cells: &[usize], now: f64) -> Option<Update> {
        for at in cells {
            self.marked_at[*at] = now;
        }
        self.marks.extend(cells);
        self.changes(now)
    }

    /// The rectangle that has changed since the last call, if any has.
    pub fn changes(&mut self, now: f64) -> Option<Update> {
        self.marks.sort_unstable();
        self.marks.dedup();
        let (mut low, mut high) = ((i32::MAX, i32::MAX), (i32::MIN, i32::MIN));
        for at in &self.marks {
            let is_marked = now - self.marked_at[*at] < MEMORY;
            let state = if is_marked { State::Occupied } else { self.map[*at] };
            if std::mem::replace(&mut self.states[*at], state) != state {
                let (col, row) = self.raster.cell(*at);
                (low, high) = ((low.0.min(col), low.1.min(row)), (high.0.max(col), high.1.max(row)));
            }
        }
        self.marks.retain(|at| now - self.marked_at[*at] < MEMORY);
        let rect = Rect {
            col: low.0,
            row: low.1,
            width: u32::try_from(high.0.checked_sub(low.0)? + 1).ok()?,
            height: u32::try_from(high.1.checked_sub(low.1)? + 1).ok()?,
        };
        let states = rect.cells().filter_map(|cell| self.raster.index(cell.col, cell.row)).map(|at| self.states[at]);
        Some(Update { rect, states: states.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RASTER: Raster = Raster { width: 40, height: 30, resolution: 0.5 };

    #[test]
    fn hits_mark_rays_clear_and_what_is_old_or_far_is_forgotten() {
        let mut map = vec![State::Free; RASTER.cells()];
        map[7] = State::Occupied;
        let mut costmap = RollingCostmap::new(RASTER, &map);
        let robot = Point { x: 3.0, y: 3.0 };
        let hit = |hits: &[usize]| Scan { hits: hits.to_vec(), ..Scan::default() };
        costmap.take(&hit(&[50, 91]), robot, 0.0);
        let update = costmap.changes(0.0).unwrap();
        assert_eq!((update.rect.col, update.rect.row, update.rect.width, update.rect.height), (10, 1, 2, 2));
        assert_eq!(update.values(), [100, 0, 0, 100]);
        assert!(costmap.changes(1.0).is_none());
        costmap.take(&Scan { through: vec![50, 7], ..Scan::default() }, robot, 1.0);
        assert_eq!(costmap.changes(1.0).unwrap().values(), [0], "seen through; the map stays");
        assert!(costmap.changes(7.9).is_none());
        assert_eq!(costmap.changes(8.0).unwrap().values(), [0], "not seen for long");
        costmap.take(&hit(&[50]), robot, 9.0);
        assert!(costmap.changes(9.0).is_some());
        costmap.take(&hit(&[]), Point { x: 18.0, y: 3.0 }, 9.1);
        assert!(costmap.changes(9.1).is_some(), "out of the window");
    }
}
