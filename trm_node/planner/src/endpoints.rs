//! Where a path begins and ends: goals that can't be entered move within the tolerance, and a robot that stands too near
//! to an obstacle gets a way out.

use std::cmp::Reverse;

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, MOVES, Move, Point};

use crate::error::PlanError;
use crate::search::{Ended, Frontier, Space, trace};

/// The cell to plan to: the goal's own, or the nearest free one within `tolerance` metres.
///
/// # Errors
/// [`PlanError::GoalOutsideMap`] and [`PlanError::GoalOccupied`].
pub fn resolve_goal(costmap: &Costmap, allow_unknown: bool, tolerance: f64, goal: Point) -> Result<Cell, PlanError> {
    let geometry = costmap.geometry();
    let cell = geometry.cell_at(goal).ok_or_else(|| PlanError::GoalOutsideMap(geometry.nearest_cell(goal)))?;
    let free = |cell: Cell| costmap.is_free(cell, allow_unknown);
    if free(cell) {
        return Ok(cell);
    }
    let reach = (tolerance / geometry.resolution()).ceil().min(f64::from(geometry.width().max(geometry.height())));
    let mut nearest: Option<(f64, Cell)> = None;
    // Rings of growing size: one that is wholly farther than the nearest cell so far ends the search.
    for ring in 1..=reach as i32 + 1 {
        let edge = (f64::from(ring) - 1.0) * geometry.resolution();
        if edge > tolerance || nearest.is_some_and(|(distance, _)| distance < edge) {
            break;
        }
        for i in -ring..=ring {
            for (cols, rows) in [(i, -ring), (i, ring), (-ring, i), (ring, i)] {
                let other = Cell::new(cell.col + cols, cell.row + rows);
                let distance = geometry.center(other).distance(goal);
                if distance <= tolerance && free(other) && nearest.is_none_or(|(least, _)| distance < least) {
                    nearest = Some((distance, other));
                }
            }
        }
    }
    let cost = costmap.cost(cell).unwrap_or(UNKNOWN);
    nearest.map(|(_, cell)| cell).ok_or(PlanError::GoalOccupied { cell, cost })
}

/// Finds the way from where the robot stands to the first free cell.
#[derive(Debug)]
pub struct Departure {
    allow_unknown: bool,
    /// Metres that the way may lead away from the robot.
    tolerance: f64,
    /// Cells on each side of the robot's.
    reach: i32,
    /// The move that led to each cell of the square around the robot, as an index into [`MOVES`].
    came: Vec<u8>,
    frontier: Frontier<Waiting>,
    cells: Vec<Cell>,
}

/// No move led here yet.
const NOT_SEEN: u8 = u8::MAX;
/// The robot's own cell.
const ORIGIN: u8 = u8::MAX - 1;
/// A robot leaves an obstacle over at most this many cells, whatever the parameter says.
const MAX_REACH: i32 = 256;

/// A cell that waits. The one that was seen first comes first, so they come by the number of moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    seen: Reverse<u32>,
    cell: Cell,
}

/// The cells around the robot, joined by moves over cells that aren't lethal.
struct Surroundings<'a> {
    costmap: &'a Costmap,
    allow_unknown: bool,
    origin: Cell,
    /// In cells.
    radius: f64,
    reach: i32,
    came: &'a mut [u8],
    seen: u32,
}

impl Surroundings<'_> {
    fn is_free(&self, cell: Cell) -> bool {
        self.costmap.is_free(cell, self.allow_unknown)
    }

    fn is_passable(&self, cell: Cell) -> bool {
        self.is_free(cell) || self.costmap.cost(cell).is_some_and(|cost| cost < LETHAL)
    }

    fn cuts_no_corner(&self, cell: Cell, step: Move) -> bool {
        !step.is_diagonal()
            || (self.is_passable(Cell::new(cell.col + step.cols, cell.row))
                && self.is_passable(Cell::new(cell.col, cell.row + step.rows)))
    }
}

/// A cell's place in the square of `reach` cells around another.
fn place(origin: Cell, reach: i32, cell: Cell) -> Option<usize> {
    let side = 2 * reach + 1;
    let (col, row) = (cell.col - origin.col + reach, cell.row - origin.row + reach);
    ((0..side).contains(&col) && (0..side).contains(&row)).then_some((row * side + col) as usize)
}

impl Space for Surroundings<'_> {
    type Entry = Waiting;

    fn settle(&mut self, _: &Waiting) -> bool {
        true
    }

    fn is_end(&self, entry: &Waiting) -> bool {
        self.is_free(entry.cell)
    }

    fn may_expand(&mut self, _: &Waiting, _: u32) -> bool {
        true
    }

    fn expand(&mut self, entry: &Waiting, frontier: &mut Frontier<Waiting>) -> bool {
        for (index, step) in MOVES.iter().enumerate() {
            let next = entry.cell.after(*step);
            let Some(at) = place(self.origin, self.reach, next) else { continue };
            let away = f64::from(next.col - self.origin.col).hypot(f64::from(next.row - self.origin.row));
            if self.came[at] == NOT_SEEN
                && away <= self.radius
                && self.is_passable(next)
                && self.cuts_no_corner(entry.cell, *step)
            {
                self.came[at] = index as u8;
                self.seen += 1;
                // There is room for each cell, and each waits once.
                frontier.push(Waiting { seen: Reverse(self.seen), cell: next }, |_| true);
            }
        }
        true
    }
}

impl Departure {
    /// Room for ways of up to `start_tolerance` metres on cells of `resolution` metres.
    #[must_use]
    pub fn new(allow_unknown: bool, start_tolerance: f64, resolution: f64) -> Self {
        let reach = ((start_tolerance / resolution).ceil() as i32).clamp(0, MAX_REACH);
        let side = (2 * reach + 1) as usize;
        Self {
            allow_unknown,
            tolerance: start_tolerance,
            reach,
            came: vec![NOT_SEEN; side * side],
            frontier: Frontier::with_capacity(side * side),
            cells: Vec::with_capacity(side * side),
        }
    }

    /// The cells from the robot's to the first free one, both included; a single one when the robot's is free.
    ///
    /// # Errors
    /// [`PlanError::StartOutsideMap`]; [`PlanError::StartOccupied`] when the robot's cell is lethal or unknown, or no
    /// free cell is near enough over inscribed ones.
    pub fn find(&mut self, costmap: &Costmap, start: Point) -> Result<&[Cell], PlanError> {
        let geometry = costmap.geometry();
        let origin = geometry.cell_at(start).ok_or_else(|| PlanError::StartOutsideMap(geometry.nearest_cell(start)))?;
        self.cells.clear();
        self.cells.push(origin);
        if costmap.is_free(origin, self.allow_unknown) {
            return Ok(&self.cells);
        }
        let occupied = PlanError::StartOccupied { cell: origin, cost: costmap.cost(origin).unwrap_or(UNKNOWN) };
        self.came.fill(NOT_SEEN);
        let (reach, radius) = (self.reach, self.tolerance / geometry.resolution());
        let (allow_unknown, came) = (self.allow_unknown, &mut self.came[..]);
        let mut space = Surroundings { costmap, allow_unknown, origin, radius, reach, came, seen: 0 };
        if !space.is_passable(origin) {
            return Err(occupied);
        }
        if let Some(at) = place(origin, reach, origin) {
            space.came[at] = ORIGIN;
        }
        let first = Waiting { seen: Reverse(0), cell: origin };
        let Ended::Found(end) = self.frontier.search(&mut space, first) else { return Err(occupied) };
        let came = |cell| place(origin, reach, cell).map_or(0, |at| self.came[at] as usize);
        // There is room for each cell.
        trace(origin, end.cell, came, &mut self.cells);
        Ok(&self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::testing::costmap;

    #[test]
    fn a_goal_that_can_be_entered_stays_and_another_moves_within_the_tolerance() {
        let map = costmap(&["###..", "###..", "###.."]);
        let goal = |x, y, tolerance| resolve_goal(&map, false, tolerance, Point { x, y });
        assert_eq!(goal(3.5, 1.5, 0.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 2.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 1.9), Err(PlanError::GoalOccupied { cell: Cell::new(1, 1), cost: LETHAL }));
        assert_eq!(goal(5.5, 1.5, 2.0), Err(PlanError::GoalOutsideMap(Cell::new(5, 1))));
        assert!(matches!(goal(f64::NAN, 1.5, 2.0), Err(PlanError::GoalOutsideMap(_))));
    }

    #[test]
    fn a_robot_too_near_to_an_obstacle_is_led_out_of_it() {
        let map = costmap(&["+++..", "#++..", "##+.."]);
        let mut departure = Departure::new(false, 2.0, 1.0);
        let mut find = |x, y| departure.find(&map, Point { x, y }).map(<[Cell]>::to_vec);
        assert_eq!(find(3.5, 0.5), Ok(vec![Cell::new(3, 0)]));
        assert_eq!(find(1.5, 0.5), Ok(vec![Cell::new(1, 0), Cell::new(2, 0), Cell::new(3, 0)]));
        assert_eq!(find(0.5, 1.5), Err(PlanError::StartOccupied { cell: Cell::new(0, 1), cost: LETHAL }));
        assert!(matches!(find(0.5, 0.5), Err(PlanError::StartOccupied { cost: 99, .. })), "farther than 2 m");
        assert!(matches!(find(-0.5, 0.5), Err(PlanError::StartOutsideMap(_))));
    }

    proptest! {
        #[test]
        fn a_moved_goal_is_the_nearest_free_cell(
            blocked in proptest::collection::vec(any::<bool>(), 81), x in 0.0..9.0_f64, y in 0.0..9.0_f64, tolerance in 0.0..6.0_f64,
        ) {
            let rows: Vec<String> =
                blocked.chunks(9).map(|row| row.iter().map(|b| if *b { '#' } else { '.' }).collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let goal = Point { x, y };
            let distance = |cell: Cell| map.geometry().center(cell).distance(goal);
            let free = || (0..81).map(|at| map.geometry().cell(at)).filter(|cell| map.is_free(*cell, false));
            let least = free().map(distance).fold(f64::INFINITY, f64::min);
            match resolve_goal(&map, false, tolerance, goal) {
                Ok(cell) if map.geometry().cell_at(goal) == Some(cell) => prop_assert!(map.is_free(cell, false)),
                Ok(cell) => prop_assert!((distance(cell) - least).abs() < 1e-12 && least <= tolerance),
                Err(_) => prop_assert!(least > tolerance),
            }
        }
    }
}
