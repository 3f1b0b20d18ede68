//! Where a path begins and ends: goals that can't be entered move within the tolerance, and a robot that stands too near
//! to an obstacle gets a way out.

use std::collections::VecDeque;

use crate::config::Config;
use crate::error::PlanError;
use crate::grid::costmap::{Costmap, LETHAL, UNKNOWN};
use crate::units::{Cell, MOVES, Move, Point};

/// The cell to plan to: the goal's own, or the nearest free one within the parameter `tolerance`.
///
/// # Errors
/// [`PlanError::GoalOutsideMap`] and [`PlanError::GoalOccupied`].
pub fn resolve_goal(costmap: &Costmap, config: &Config, goal: Point) -> Result<Cell, PlanError> {
    let geometry = costmap.geometry();
    let cell = geometry.cell_at(goal).ok_or_else(|| PlanError::GoalOutsideMap(geometry.nearest_cell(goal)))?;
    let free = |cell: Cell| costmap.is_free(cell, config.allow_unknown);
    if free(cell) {
        return Ok(cell);
    }
    let reach =
        (config.tolerance / geometry.resolution()).ceil().min(f64::from(geometry.width().max(geometry.height())));
    let mut nearest: Option<(f64, Cell)> = None;
    // Rings of growing size: one that is wholly farther than the nearest cell so far ends the search.
    for ring in 1..=reach as i32 + 1 {
        let edge = (f64::from(ring) - 1.0) * geometry.resolution();
        if edge > config.tolerance || nearest.is_some_and(|(distance, _)| distance < edge) {
            break;
        }
        for i in -ring..=ring {
            for (cols, rows) in [(i, -ring), (i, ring), (-ring, i), (ring, i)] {
                let other = Cell::new(cell.col + cols, cell.row + rows);
                let distance = geometry.center(other).distance(goal);
                if distance <= config.tolerance && free(other) && nearest.is_none_or(|(least, _)| distance < least) {
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
    /// Cells on each side of the robot's.
    reach: i32,
    /// The move that led to each cell of the square around the robot, as an index into [`MOVES`].
    came: Vec<u8>,
    queue: VecDeque<Cell>,
    cells: Vec<Cell>,
}

/// No move led here yet.
const NOT_SEEN: u8 = u8::MAX;
/// The robot's own cell.
const ORIGIN: u8 = u8::MAX - 1;
/// A robot leaves an obstacle over at most this many cells, whatever the parameter says.
const MAX_REACH: i32 = 256;

impl Departure {
    /// Room for the parameter `start_tolerance` on cells of `resolution` metres.
    #[must_use]
    pub fn new(config: &Config, resolution: f64) -> Self {
        let reach = ((config.start_tolerance / resolution).ceil() as i32).clamp(0, MAX_REACH);
        let side = (2 * reach + 1) as usize;
        Self {
            reach,
            came: vec![NOT_SEEN; side * side],
            queue: VecDeque::with_capacity(side * side),
            cells: Vec::with_capacity(side * side),
        }
    }

    /// The cells from the robot's to the first free one, both included; a single one when the robot's is free.
    ///
    /// # Errors
    /// [`PlanError::StartOutsideMap`]; [`PlanError::StartOccupied`] when the robot's cell is lethal or unknown, or no
    /// free cell is near enough over inscribed ones.
    pub fn find(&mut self, costmap: &Costmap, config: &Config, start: Point) -> Result<&[Cell], PlanError> {
        let geometry = costmap.geometry();
        let cell = geometry.cell_at(start).ok_or_else(|| PlanError::StartOutsideMap(geometry.nearest_cell(start)))?;
        let free = |cell: Cell| costmap.is_free(cell, config.allow_unknown);
        let passable = |cell: Cell| free(cell) || costmap.cost(cell).is_some_and(|cost| cost < LETHAL);
        self.cells.clear();
        if free(cell) {
            self.cells.push(cell);
            return Ok(&self.cells);
        }
        let occupied = PlanError::StartOccupied { cell, cost: costmap.cost(cell).unwrap_or(UNKNOWN) };
        if !passable(cell) {
            return Err(occupied);
        }
        let end = self.search(cell, config.start_tolerance / geometry.resolution(), free, passable).ok_or(occupied)?;
        self.trace(cell, end);
        Ok(&self.cells)
    }

    /// The nearest free cell within a circle, by the number of moves.
    fn search(
        &mut self,
        origin: Cell,
        radius: f64,
        free: impl Fn(Cell) -> bool,
        passable: impl Fn(Cell) -> bool,
    ) -> Option<Cell> {
        self.came.fill(NOT_SEEN);
        self.queue.clear();
        self.queue.push_back(origin);
        let at = self.place(origin, origin)?;
        self.came[at] = ORIGIN;
        while let Some(cell) = self.queue.pop_front() {
            if free(cell) {
                return Some(cell);
            }
            for (index, step) in MOVES.iter().enumerate() {
                let next = cell.after(*step);
                let away = f64::from(next.col - origin.col).hypot(f64::from(next.row - origin.row));
                let Some(at) = self.place(origin, next) else { continue };
                if self.came[at] == NOT_SEEN
                    && away <= radius
                    && passable(next)
                    && cuts_no_corner(cell, *step, &passable)
                {
                    self.came[at] = index as u8;
                    self.queue.push_back(next);
                }
            }
        }
        None
    }

    fn trace(&mut self, origin: Cell, end: Cell) {
        let mut cell = end;
        self.cells.push(cell);
        while cell != origin {
            let Some(at) = self.place(origin, cell) else { break };
            let step = MOVES[self.came[at] as usize];
            cell = Cell::new(cell.col - step.cols, cell.row - step.rows);
            self.cells.push(cell);
        }
        self.cells.reverse();
    }

    /// A cell's place in the square around the robot.
    fn place(&self, origin: Cell, cell: Cell) -> Option<usize> {
        let side = 2 * self.reach + 1;
        let (col, row) = (cell.col - origin.col + self.reach, cell.row - origin.row + self.reach);
        ((0..side).contains(&col) && (0..side).contains(&row)).then_some((row * side + col) as usize)
    }
}

fn cuts_no_corner(cell: Cell, step: Move, passable: impl Fn(Cell) -> bool) -> bool {
    !step.is_diagonal()
        || (passable(Cell::new(cell.col + step.cols, cell.row)) && passable(Cell::new(cell.col, cell.row + step.rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::testing::costmap;
    use proptest::prelude::*;

    fn config(tolerance: f64) -> Config {
        Config { tolerance, start_tolerance: 2.0, ..Config::default() }
    }

    #[test]
    fn a_goal_that_can_be_entered_stays_and_another_moves_within_the_tolerance() {
        let map = costmap(&["###..", "###..", "###.."]);
        let goal = |x, y, tolerance| resolve_goal(&map, &config(tolerance), Point { x, y });
        assert_eq!(goal(3.5, 1.5, 0.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 2.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 1.9), Err(PlanError::GoalOccupied { cell: Cell::new(1, 1), cost: LETHAL }));
        assert_eq!(goal(5.5, 1.5, 2.0), Err(PlanError::GoalOutsideMap(Cell::new(5, 1))));
        assert!(matches!(goal(f64::NAN, 1.5, 2.0), Err(PlanError::GoalOutsideMap(_))));
    }

    #[test]
    fn a_robot_too_near_to_an_obstacle_is_led_out_of_it() {
        let map = costmap(&["+++..", "#++..", "##+.."]);
        let mut departure = Departure::new(&config(0.0), 1.0);
        let mut find = |x, y| departure.find(&map, &config(0.0), Point { x, y }).map(<[Cell]>::to_vec);
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
            match resolve_goal(&map, &config(tolerance), goal) {
                Ok(cell) if map.geometry().cell_at(goal) == Some(cell) => prop_assert!(map.is_free(cell, false)),
                Ok(cell) => prop_assert!((distance(cell) - least).abs() < 1e-12 && least <= tolerance),
                Err(_) => prop_assert!(least > tolerance),
            }
        }
    }
}
