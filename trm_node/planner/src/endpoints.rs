//! The ends of a path: a goal in a blocked cell is moved within the tolerance, and a robot that stands too close to an
//! obstacle gets a departure.

use std::cmp::Reverse;

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, MOVES, Move, Point};

use crate::error::PlanError;
use crate::search::{Ended, Frontier, Space, trace};

/// The cell to plan to: the goal's own cell, or the nearest free one within `tolerance` metres.
///
/// # Errors
/// [`PlanError::GoalOutsideMap`], or [`PlanError::GoalOccupied`] if there is no free cell within the tolerance.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::{Cell, Point};
/// use trm_planner::endpoints::resolve_goal;
///
/// // Cells of 1 m. The left three columns are occupied.
/// let map = costmap(&["###..", "###..", "###.."]);
/// let goal = Point { x: 1.5, y: 1.5 };
/// assert_eq!(resolve_goal(&map, false, 2.0, goal), Ok(Cell::new(3, 1)));
/// let error = resolve_goal(&map, false, 0.5, goal).unwrap_err();
/// assert_eq!(error.to_string(), "goal cell (1, 1) is occupied (cost 100), and no cell within the tolerance is free");
/// ```
pub fn resolve_goal(costmap: &Costmap, allow_unknown: bool, tolerance: f64, goal: Point) -> Result<Cell, PlanError> {
    let geometry = costmap.geometry();
    let cell = geometry.cell_at(goal).ok_or_else(|| PlanError::GoalOutsideMap(geometry.nearest_cell(goal)))?;
    let free = |cell: Cell| costmap.is_free(cell, allow_unknown);
    if free(cell) {
        return Ok(cell);
    }
    let reach = (tolerance / geometry.resolution()).ceil().min(f64::from(geometry.width().max(geometry.height())));
    let mut nearest: Option<(f64, Cell)> = None;
    // Search in rings of increasing size, until a ring is farther away than the nearest free cell so far.
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

/// Finds the departure: the cells from where the robot stands to the nearest free cell.
#[derive(Debug)]
pub struct Departure {
    allow_unknown: bool,
    /// The maximum distance from the robot, in metres.
    tolerance: f64,
    /// The number of searched cells on each side of the robot's.
    reach: i32,
    /// The move that led to each cell of the square around the robot, as an index into [`MOVES`]; or [`NOT_SEEN`] or
    /// [`ORIGIN`].
    came_by: Vec<u8>,
    frontier: Frontier<Waiting>,
    cells: Vec<Cell>,
}

/// No move has led here yet.
const NOT_SEEN: u8 = u8::MAX;
/// The robot's own cell.
const ORIGIN: u8 = u8::MAX - 1;
/// A departure is at most this many cells long along each axis, whatever the parameter says.
const MAX_REACH: i32 = 256;

/// A waiting cell. The cells are expanded in the order in which they were seen, so in the order of the number of moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    seen: Reverse<u32>,
    cell: Cell,
}

/// The search space: the cells around the robot, connected by moves over cells that are not lethal.
struct Surroundings<'a> {
    costmap: &'a Costmap,
    allow_unknown: bool,
    origin: Cell,
    /// The maximum distance from the origin, in cells.
    radius: f64,
    reach: i32,
    came_by: &'a mut [u8],
    /// The number of cells seen so far.
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

/// The index of a cell in the square of `reach` cells around `origin`; `None` outside it.
fn square_index(origin: Cell, reach: i32, cell: Cell) -> Option<usize> {
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
            let Some(at) = square_index(self.origin, self.reach, next) else { continue };
            let away = f64::from(next.col - self.origin.col).hypot(f64::from(next.row - self.origin.row));
            if self.came_by[at] == NOT_SEEN
                && away <= self.radius
                && self.is_passable(next)
                && self.cuts_no_corner(entry.cell, *step)
            {
                self.came_by[at] = index as u8;
                self.seen += 1;
                // The frontier has room for every cell of the square, and each is pushed once.
                frontier.push(Waiting { seen: Reverse(self.seen), cell: next }, |_| true);
            }
        }
        true
    }
}

impl Departure {
    /// Allocates memory for departures of up to `start_tolerance` metres on a grid with this resolution in metres.
    #[must_use]
    pub fn new(allow_unknown: bool, start_tolerance: f64, resolution: f64) -> Self {
        let reach = ((start_tolerance / resolution).ceil() as i32).clamp(0, MAX_REACH);
        let side = (2 * reach + 1) as usize;
        Self {
            allow_unknown,
            tolerance: start_tolerance,
            reach,
            came_by: vec![NOT_SEEN; side * side],
            frontier: Frontier::with_capacity(side * side),
            cells: Vec::with_capacity(side * side),
        }
    }

    /// The cells from the robot's own to the first free one, inclusive. If the robot's cell is free, it is the only
    /// one.
    ///
    /// # Errors
    /// [`PlanError::StartOutsideMap`], or [`PlanError::StartOccupied`] if the robot's cell is lethal or unknown, or if
    /// no free cell can be reached over inscribed ones within the tolerance.
    pub fn find(&mut self, costmap: &Costmap, start: Point) -> Result<&[Cell], PlanError> {
        let geometry = costmap.geometry();
        let origin = geometry.cell_at(start).ok_or_else(|| PlanError::StartOutsideMap(geometry.nearest_cell(start)))?;
        self.cells.clear();
        self.cells.push(origin);
        if costmap.is_free(origin, self.allow_unknown) {
            return Ok(&self.cells);
        }
        let occupied = PlanError::StartOccupied { cell: origin, cost: costmap.cost(origin).unwrap_or(UNKNOWN) };
        self.came_by.fill(NOT_SEEN);
        let (reach, radius) = (self.reach, self.tolerance / geometry.resolution());
        let (allow_unknown, came_by) = (self.allow_unknown, &mut self.came_by[..]);
        let mut space = Surroundings { costmap, allow_unknown, origin, radius, reach, came_by, seen: 0 };
        if !space.is_passable(origin) {
            return Err(occupied);
        }
        if let Some(at) = square_index(origin, reach, origin) {
            space.came_by[at] = ORIGIN;
        }
        let first = Waiting { seen: Reverse(0), cell: origin };
        let Ended::Found(end) = self.frontier.search(&mut space, first) else { return Err(occupied) };
        let came_by = |cell| square_index(origin, reach, cell).map_or(0, |at| self.came_by[at] as usize);
        // There is room for every cell of the square.
        trace(origin, end.cell, came_by, &mut self.cells);
        Ok(&self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::testing::costmap;

    #[test]
    fn a_free_goal_stays_and_a_blocked_one_moves_within_the_tolerance() {
        let map = costmap(&["###..", "###..", "###.."]);
        let goal = |x, y, tolerance| resolve_goal(&map, false, tolerance, Point { x, y });
        assert_eq!(goal(3.5, 1.5, 0.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 2.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 1.9), Err(PlanError::GoalOccupied { cell: Cell::new(1, 1), cost: LETHAL }));
        assert_eq!(goal(5.5, 1.5, 2.0), Err(PlanError::GoalOutsideMap(Cell::new(5, 1))));
        assert!(matches!(goal(f64::NAN, 1.5, 2.0), Err(PlanError::GoalOutsideMap(_))));
    }

    #[test]
    fn a_robot_too_close_to_an_obstacle_gets_a_departure() {
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
