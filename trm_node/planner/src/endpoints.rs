//! The ends of a path are sets. A goal stands for its own cell and for all cells within the tolerance of it. A robot that
//! stands too close to an obstacle may leave to every free cell within the start tolerance.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, CellPoint, MOVES, Move, Point};

use crate::error::PlanError;
use crate::search::{Frontier, Space, trace};

/// A goal is moved by at most so many cells, whatever the parameter says: all of them may have to be looked at in one plan.
pub const MAX_TOLERANCE: f64 = 256.0;

/// The cells that a goal may be planned to: its own, and those whose centre lies within the tolerance of it. The nearest
/// one that is free and can be reached is the best; the goal's own cell is always the nearest.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::{Cell, Point};
/// use trm_planner::endpoints::GoalArea;
///
/// // Cells of 1 m. The left three columns are occupied.
/// let map = costmap(&["###..", "###..", "###.."]);
/// let goal = |tolerance| GoalArea::new(map.geometry(), tolerance, Point { x: 1.5, y: 1.5 }).unwrap();
/// assert_eq!(goal(2.0).nearest_free(&map, false), Ok(Cell::new(3, 1)));
/// let error = goal(0.5).nearest_free(&map, false).unwrap_err();
/// assert_eq!(error.to_string(), "goal cell (1, 1) is occupied (cost 100), and no cell within the tolerance is free");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoalArea {
    /// The goal's own cell.
    cell: Cell,
    /// The goal, in cell units.
    at: CellPoint,
    /// The tolerance in cells.
    tolerance: f64,
    /// The longer side of the grid, in cells.
    side: u32,
}

impl GoalArea {
    /// The cells within `tolerance` metres of a goal.
    ///
    /// # Errors
    /// [`PlanError::GoalOutsideMap`].
    pub fn new(geometry: &Geometry, tolerance: f64, goal: Point) -> Result<Self, PlanError> {
        let cell = geometry.cell_at(goal).ok_or_else(|| PlanError::GoalOutsideMap(geometry.nearest_cell(goal)))?;
        let side = geometry.width().max(geometry.height());
        let tolerance = (tolerance / geometry.resolution()).min(MAX_TOLERANCE);
        Ok(Self { cell, at: geometry.to_cells(goal), tolerance, side })
    }

    /// One cell alone.
    #[must_use]
    pub const fn only(cell: Cell) -> Self {
        Self { cell, at: cell.center(), tolerance: 0.0, side: 0 }
    }

    /// The goal's own cell.
    #[must_use]
    pub const fn cell(&self) -> Cell {
        self.cell
    }

    /// How far a cell's centre is from the goal, in cells. 0 for the goal's own cell; `None` beyond the tolerance.
    #[must_use]
    pub fn distance(&self, cell: Cell) -> Option<f64> {
        if cell == self.cell {
            return Some(0.0);
        }
        let distance = cell.center().distance(self.at);
        (distance <= self.tolerance).then_some(distance)
    }

    /// The nearest cell that `accepts`. Of equally distant ones it is that of the lowest row, then column.
    #[must_use]
    pub fn nearest(&self, accepts: impl Fn(Cell) -> bool) -> Option<Cell> {
        if accepts(self.cell) {
            return Some(self.cell);
        }
        let reach = self.tolerance.ceil().min(f64::from(self.side)) as i32;
        let mut nearest = Nearest::default();
        // Search in rings of increasing size, until a ring is farther away than the nearest cell so far.
        for ring in 1..=reach + 1 {
            if nearest.0.is_some_and(|(distance, _)| distance < f64::from(ring) - 1.0) {
                break;
            }
            for i in -ring..=ring {
                for (cols, rows) in [(i, -ring), (i, ring), (-ring, i), (ring, i)] {
                    let cell = Cell::new(self.cell.col + cols, self.cell.row + rows);
                    if self.distance(cell).is_some() && accepts(cell) {
                        nearest.offer(self, cell);
                    }
                }
            }
        }
        nearest.cell()
    }

    /// The nearest free cell.
    ///
    /// # Errors
    /// [`PlanError::GoalOccupied`] if no cell of the area is free.
    pub fn nearest_free(&self, costmap: &Costmap, allow_unknown: bool) -> Result<Cell, PlanError> {
        let nearest = self.nearest(|cell| costmap.is_free(cell, allow_unknown));
        let cost = costmap.cost(self.cell).unwrap_or(UNKNOWN);
        nearest.ok_or(PlanError::GoalOccupied { cell: self.cell, cost })
    }

    /// The smallest square of cells around the area.
    fn square(&self) -> impl Iterator<Item = Cell> + use<> {
        let reach = (self.tolerance.ceil().min(f64::from(self.side)) as i32) + 1;
        let Cell { col, row } = self.cell;
        (row - reach..=row + reach).flat_map(move |row| (col - reach..=col + reach).map(move |col| Cell::new(col, row)))
    }

    /// The cells that `accepts`, the nearest first.
    pub(crate) fn sorted(&self, accepts: impl Fn(Cell) -> bool) -> Vec<Cell> {
        let mut cells: Vec<(f64, i32, i32)> = self
            .square()
            .filter_map(|cell| Some((self.distance(cell)?, cell.row, cell.col)))
            .filter(|(_, row, col)| accepts(Cell::new(*col, *row)))
            .collect();
        cells.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        cells.into_iter().map(|(_, row, col)| Cell::new(col, row)).collect()
    }
}

/// The nearest cell of an area so far, with its distance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nearest(Option<(f64, Cell)>);

impl Nearest {
    /// Takes a cell of the area if it is nearer. The order in which cells are offered makes no difference.
    pub(crate) fn offer(&mut self, area: &GoalArea, cell: Cell) {
        let Some(distance) = area.distance(cell) else { return };
        let key = |distance: f64, cell: Cell| (distance, cell.row, cell.col);
        if self.0.is_none_or(|(least, other)| key(distance, cell) < key(least, other)) {
            self.0 = Some((distance, cell));
        }
    }

    pub(crate) fn cell(self) -> Option<Cell> {
        self.0.map(|(_, cell)| cell)
    }
}

/// A cell where planning may begin, and what it costs to get there from the robot's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// The cell.
    pub cell: Cell,
    /// The travel cost over inscribed cells, in cells.
    pub cost: f32,
}

/// Finds the departures: the ways from where the robot stands to the free cells around it.
#[derive(Debug)]
pub struct Departures {
    travel: Travel,
    /// The maximum distance from the robot, in metres.
    tolerance: f64,
    /// The number of searched cells on each side of the robot's.
    reach: i32,
    origin: Cell,
    /// The least cost to each cell of the square around the robot; infinite where no move has led yet.
    cost: Vec<f32>,
    /// The move that led to each reached cell, as an index into [`MOVES`].
    came_by: Vec<u8>,
    frontier: Frontier<BinaryHeap<Waiting>>,
    starts: Vec<Start>,
    cells: Vec<Cell>,
}

/// A departure is at most this many cells long along each axis, whatever the parameter says.
const MAX_REACH: i32 = 256;

/// A waiting cell. The cheapest is expanded first, and of equally cheap ones the one that was seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    /// The cost as bits. It is never negative, so the bits have the same order.
    cost: Reverse<u32>,
    seen: Reverse<u32>,
    cell: Cell,
}

/// The search space: the cells around the robot, connected by moves over cells that are not lethal. From a free cell
/// no move leads on.
struct Surroundings<'a> {
    costmap: &'a Costmap,
    travel: Travel,
    origin: Cell,
    /// The maximum distance from the origin, in cells.
    radius: f64,
    reach: i32,
    cost: &'a mut [f32],
    came_by: &'a mut [u8],
    starts: &'a mut Vec<Start>,
    /// The number of cells seen so far.
    seen: u32,
}

impl Surroundings<'_> {
    fn is_free(&self, cell: Cell) -> bool {
        self.costmap.is_free(cell, self.travel.allow_unknown)
    }

    fn is_passable(&self, cell: Cell) -> bool {
        self.is_free(cell) || self.costmap.cost(cell).is_some_and(|cost| cost < LETHAL)
    }

    fn cuts_no_corner(&self, cell: Cell, step: Move) -> bool {
        !step.is_diagonal()
            || (self.is_passable(Cell::new(cell.col + step.cols, cell.row))
                && self.is_passable(Cell::new(cell.col, cell.row + step.rows)))
    }

    fn cost(&self, cell: Cell) -> f32 {
        square_index(self.origin, self.reach, cell).map_or(f32::INFINITY, |at| self.cost[at])
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
    type Waiting = BinaryHeap<Waiting>;

    fn settle(&mut self, entry: &Waiting) -> bool {
        // If it costs more, a better way to this cell has been found since.
        entry.cost.0 <= self.cost(entry.cell).to_bits()
    }

    fn is_end(&self, _: &Waiting) -> bool {
        false
    }

    fn may_expand(&mut self, _: &Waiting, _: u32) -> bool {
        true
    }

    fn expand(&mut self, entry: &Waiting, frontier: &mut Frontier<Self::Waiting>) -> bool {
        let (cell, cost) = (entry.cell, f32::from_bits(entry.cost.0));
        if self.is_free(cell) {
            self.starts.push(Start { cell, cost });
            return true;
        }
        let Some(here) = self.costmap.cost(cell) else { return true };
        for (index, step) in MOVES.iter().enumerate() {
            let next = cell.after(*step);
            let Some(at) = square_index(self.origin, self.reach, next) else { continue };
            let Some(there) = self.costmap.cost(next) else { continue };
            let away = f64::from(next.col - self.origin.col).hypot(f64::from(next.row - self.origin.row));
            let new = cost + self.travel.step(here, there, *step);
            let is_legal = || self.is_passable(next) && self.cuts_no_corner(cell, *step);
            if new < self.cost[at] && away <= self.radius && is_legal() {
                self.cost[at] = new;
                self.came_by[at] = index as u8;
                self.seen += 1;
                let next = Waiting { cost: Reverse(new.to_bits()), seen: Reverse(self.seen), cell: next };
                // At most one entry per cell is wanted, which is half of the capacity.
                frontier.push(next, |entry| self.settle(entry));
            }
        }
        true
    }
}

impl Departures {
    /// Allocates memory for departures of up to `start_tolerance` metres on a grid with this resolution in metres.
    #[must_use]
    pub fn new(travel: Travel, start_tolerance: f64, resolution: f64) -> Self {
        let reach = ((start_tolerance / resolution).ceil() as i32).clamp(0, MAX_REACH);
        let side = (2 * reach + 1) as usize;
        Self {
            travel,
            tolerance: start_tolerance,
            reach,
            origin: Cell::default(),
            cost: vec![f32::INFINITY; side * side],
            came_by: vec![0; side * side],
            frontier: Frontier::with_capacity(2 * side * side + MOVES.len()),
            starts: Vec::with_capacity(side * side),
            cells: Vec::with_capacity(side * side),
        }
    }

    /// The free cells where planning may begin, the cheapest to get to first. If the robot's own cell is free, it is the
    /// only one: a robot that stands free has no reason to cross inscribed cells.
    ///
    /// # Errors
    /// [`PlanError::StartOutsideMap`], or [`PlanError::StartOccupied`] if the robot's cell is lethal or unknown, or if
    /// no free cell can be reached over inscribed ones within the tolerance.
    pub fn find(&mut self, costmap: &Costmap, start: Point) -> Result<&[Start], PlanError> {
        let geometry = costmap.geometry();
        let origin = geometry.cell_at(start).ok_or_else(|| PlanError::StartOutsideMap(geometry.nearest_cell(start)))?;
        self.origin = origin;
        self.starts.clear();
        if costmap.is_free(origin, self.travel.allow_unknown) {
            self.starts.push(Start { cell: origin, cost: 0.0 });
            return Ok(&self.starts);
        }
        self.cost.fill(f32::INFINITY);
        let (reach, radius, travel) = (self.reach, self.tolerance / geometry.resolution(), self.travel);
        let (cost, came_by, starts) = (&mut self.cost[..], &mut self.came_by[..], &mut self.starts);
        let mut space = Surroundings { costmap, travel, origin, radius, reach, cost, came_by, starts, seen: 0 };
        if space.is_passable(origin) {
            if let Some(at) = square_index(origin, reach, origin) {
                space.cost[at] = 0.0;
            }
            let first = Waiting { cost: Reverse(0), seen: Reverse(0), cell: origin };
            self.frontier.search(&mut space, first);
        }
        if self.starts.is_empty() {
            return Err(PlanError::StartOccupied { cell: origin, cost: costmap.cost(origin).unwrap_or(UNKNOWN) });
        }
        Ok(&self.starts)
    }

    /// The free cells of the last departures, as [`Self::find`] returned them.
    #[must_use]
    pub fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// The cells from the robot's own to one of the starts, inclusive.
    pub fn way_to(&mut self, start: Cell) -> &[Cell] {
        self.cells.clear();
        self.cells.push(self.origin);
        let came_by = |cell| square_index(self.origin, self.reach, cell).map_or(0, |at| self.came_by[at] as usize);
        // There is room for every cell of the square.
        trace(self.origin, start, came_by, &mut self.cells);
        &self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::testing::{costmap, travel};

    #[test]
    fn a_goal_is_moved_by_no_more_cells_than_can_be_looked_at_in_one_plan() {
        let geometry = Geometry::new(2000, 3, 0.05, trm_grid::units::Pose::default()).unwrap();
        let area = GoalArea::new(&geometry, 100.0, Point { x: 0.025, y: 0.075 }).unwrap();
        assert!(area.distance(Cell::new(256, 1)).is_some() && area.distance(Cell::new(257, 1)).is_none());
    }

    #[test]
    fn a_free_goal_stays_and_a_blocked_one_moves_within_the_tolerance() {
        let map = costmap(&["###..", "###..", "###.."]);
        let goal = |x, y, tolerance| {
            GoalArea::new(map.geometry(), tolerance, Point { x, y }).and_then(|area| area.nearest_free(&map, false))
        };
        assert_eq!(goal(3.5, 1.5, 0.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 2.0), Ok(Cell::new(3, 1)));
        assert_eq!(goal(1.5, 1.5, 1.9), Err(PlanError::GoalOccupied { cell: Cell::new(1, 1), cost: LETHAL }));
        assert_eq!(goal(5.5, 1.5, 2.0), Err(PlanError::GoalOutsideMap(Cell::new(5, 1))));
        assert!(matches!(goal(f64::NAN, 1.5, 2.0), Err(PlanError::GoalOutsideMap(_))));
    }

    #[test]
    fn a_robot_too_close_to_an_obstacle_may_leave_to_every_free_cell_around() {
        let map = costmap(&["+++..", "#++..", "##+.."]);
        let mut departures = Departures::new(travel(2.0), 2.0, 1.0);
        let mut find = |x, y| {
            let found = departures.find(&map, Point { x, y }).map(<[Start]>::to_vec);
            found.map(|starts| {
                starts.into_iter().map(|start| departures.way_to(start.cell).to_vec()).collect::<Vec<_>>()
            })
        };
        let cells = |cells: &[(i32, i32)]| cells.iter().map(|(col, row)| Cell::new(*col, *row)).collect::<Vec<_>>();
        assert_eq!(find(3.5, 0.5), Ok(vec![cells(&[(3, 0)])]), "a free robot stays where it is");
        assert_eq!(find(1.5, 0.5), Ok(vec![cells(&[(1, 0), (2, 0), (3, 0)])]), "(3, 1) is farther than 2 m");
        let ways = find(2.5, 1.5).unwrap();
        assert_eq!(ways[0], cells(&[(2, 1), (3, 1)]), "the nearest first");
        let mut ends: Vec<Cell> = ways.iter().map(|way| way[way.len() - 1]).collect();
        ends.sort();
        assert_eq!(ends, cells(&[(3, 0), (3, 1), (3, 2)]), "beyond the first free cell no departure leads");
        assert_eq!(find(0.5, 1.5), Err(PlanError::StartOccupied { cell: Cell::new(0, 1), cost: LETHAL }));
        assert!(matches!(find(0.5, 0.5), Err(PlanError::StartOccupied { cost: 99, .. })), "farther than 2 m");
        assert!(matches!(find(-0.5, 0.5), Err(PlanError::StartOutsideMap(_))));
    }

    fn rows(cells: &[char]) -> Vec<String> {
        cells.chunks(9).map(|row| row.iter().collect()).collect()
    }

    fn draw(rows: &[String]) -> Costmap {
        costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn a_moved_goal_is_the_nearest_free_cell(
            cells in proptest::collection::vec(prop_oneof![Just('.'), Just('#')], 81), x in 0.0..9.0_f64, y in 0.0..9.0_f64,
            tolerance in 0.0..6.0_f64,
        ) {
            let map = draw(&rows(&cells));
            let goal = Point { x, y };
            let area = GoalArea::new(map.geometry(), tolerance, goal).unwrap();
            let distance = |cell: Cell| map.geometry().center(cell).distance(goal);
            let free = || (0..81).map(|at| map.geometry().cell(at)).filter(|cell| map.is_free(*cell, false));
            let least = free().map(distance).fold(f64::INFINITY, f64::min);
            let sorted = area.sorted(|cell| map.is_free(cell, false));
            prop_assert_eq!(sorted.first().copied(), area.nearest_free(&map, false).ok());
            prop_assert_eq!(sorted.len(), free().filter(|cell| area.distance(*cell).is_some()).count());
            match area.nearest_free(&map, false) {
                Ok(cell) if map.geometry().cell_at(goal) == Some(cell) => prop_assert!(map.is_free(cell, false)),
                Ok(cell) => prop_assert!((distance(cell) - least).abs() < 1e-12 && least <= tolerance),
                Err(_) => prop_assert!(least > tolerance),
            }
        }

        #[test]
        fn departures_are_the_same_in_the_mirror_and_each_is_a_legal_way(
            cells in proptest::collection::vec(prop_oneof![3 => Just('+'), 2 => Just('.'), 1 => Just('#')], 81),
            tolerance in 0.0..5.0_f64,
        ) {
            let mut cells = cells;
            cells[40] = '+';
            let plain = rows(&cells);
            let mirrored: Vec<String> = plain.iter().map(|row| row.chars().rev().collect()).collect();
            let of = |map: &Costmap, mirror: bool| {
                let mut departures = Departures::new(travel(2.0), tolerance, 1.0);
                let starts = departures.find(map, Point { x: 4.5, y: 4.5 }).map(<[Start]>::to_vec).unwrap_or_default();
                for start in &starts {
                    let way = departures.way_to(start.cell);
                    let (last, inscribed) = way.split_last().unwrap();
                    assert!(map.is_free(*last, false) && inscribed.iter().all(|cell| map.cost(*cell) == Some(99)));
                    assert!((travel(2.0).cells(map, way.iter()) as f32 - start.cost).abs() < 1e-3);
                    assert!(way.iter().all(|cell| cell.center().distance(CellPoint::new(4.0, 4.0)) <= tolerance));
                }
                let col = |col| if mirror { 8 - col } else { col };
                let mut ends: Vec<Cell> = starts.iter().map(|s| Cell::new(col(s.cell.col), s.cell.row)).collect();
                ends.sort();
                ends
            };
            prop_assert_eq!(of(&draw(&plain), false), of(&draw(&mirrored), true));
        }
    }
}
