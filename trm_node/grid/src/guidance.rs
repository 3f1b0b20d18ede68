//! Guidance: the cost-to-go of every cell of the map, computed off the planning loop when the goal or the map changes.
//!
//! If the goal lies outside the window, guidance tells the model what each exit from the window costs, and leads on
//! from there. Cells are 8-connected; a diagonal needs both cells beside it free, because the safety check demands
//! that.

use crate::cost_to_go::{CostsToGo, Form};
use crate::costmap::Costmap;
use crate::geometry::Geometry;
use crate::moves::{iter_moves, legal_moves_given};
use crate::regions::Regions;
use crate::tariff::{Tariff, UNITS, UNREACHED, in_cells};
use crate::travel::Travel;
use crate::units::{Cell, MOVES, Point};
use crate::wave::Wave;

pub mod record;

/// Costs that differ by less than this count as equal, in cells. It covers the rounding of the costs of moves
/// (`models/trm_train/worlds.py` uses the same value for goal cells).
pub const TIE: f32 = 1e-3;
/// The same in units.
const TIE_UNITS: u32 = (TIE * UNITS as f32) as u32;

/// Grids of more than this many cells store their costs in half the memory.
const EXACT_CELLS: usize = 1 << 20;

/// What guidance knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The cost-to-go of every cell on this version of the costs.
    Whole(u64),
    /// That of the cells near the goal. Farther away some values are those of older costs.
    Near,
    /// That of some cells. Nothing is known of the others.
    Part,
}

/// The cost-to-go of all cells of a map.
///
/// ```
/// # use trm_config::{GridConfig, GridKind};
/// # use trm_grid::costmap_builder::build;
/// # use trm_grid::geometry::Geometry;
/// # use trm_grid::guidance::Guidance;
/// # use trm_grid::occupancy::OccupancyGrid;
/// # use trm_grid::travel::Travel;
/// # use trm_grid::units::{Cell, Pose};
/// // An obstacle of two cells between the robot and the goal.
/// let data = vec![0, 0, 0, 0, 0, 100, 100, 0, 0, 0, 0, 0];
/// let config = GridConfig::default();
/// let grid = OccupancyGrid::new(Geometry::new(4, 3, 1.0, Pose::default())?, data)?;
/// let costmap = build(&config, GridKind::Costmap, grid);
/// let (robot, goal) = (Cell::new(0, 1), Cell::new(3, 1));
/// let guidance = Guidance::compute(&costmap, goal, Travel::new(&config), &|| false).expect("it is never cancelled");
/// assert_eq!(guidance.cost_to_go(robot), 5.0);
///
/// // Follow the best moves to the goal.
/// let path: Vec<Cell> = std::iter::successors(Some(robot), |cell| guidance.next(&costmap, *cell)).collect();
/// assert_eq!((path.len(), path[5]), (6, goal));
/// # Ok::<(), trm_grid::error::GridError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Guidance {
    goal: Cell,
    travel: Travel,
    tariff: Tariff,
    extent: Extent,
    costs: CostsToGo,
    /// The grid that it was computed on.
    own: Geometry,
    /// The grid whose cells it is asked for, and what leads from one of those to that of `costs`, in columns and rows.
    geometry: Geometry,
    shift: (i32, i32),
}

impl Guidance {
    /// Computes guidance to a goal. `cancelled` is called now and then; `None` if it returned true.
    #[must_use]
    pub fn compute(costmap: &Costmap, goal: Cell, travel: Travel, cancelled: &dyn Fn() -> bool) -> Option<Self> {
        let mut wave = Wave::new(costmap, goal, Tariff::new(travel), form(costmap.geometry()), None);
        wave.advance(costmap, UNREACHED, cancelled)
            .then(|| Self::of((*costmap.geometry(), Extent::Whole(costmap.version())), goal, travel, wave.costs))
    }

    /// Computes guidance along one way, which is about the shortest, and a little beside it, to the first of some free
    /// cells that a way leads to. Takes much less time on a large grid than all of it. `None` if there is no way, or if
    /// `cancelled` returned true.
    #[must_use]
    pub fn corridor(
        costmap: &Costmap,
        from: Cell,
        ends: &[Cell],
        travel: Travel,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let (goal, tiles) = Regions::of(costmap, travel.allow_unknown).corridor(from, ends, cancelled)?;
        let mut wave = Wave::new(costmap, goal, Tariff::new(travel), Form::Coded, Some(tiles));
        let is_done = wave.advance(costmap, UNREACHED, cancelled);
        is_done.then(|| Self::of((*costmap.geometry(), Extent::Part), goal, travel, wave.costs))
    }

    pub(super) fn of((geometry, extent): (Geometry, Extent), goal: Cell, travel: Travel, costs: CostsToGo) -> Self {
        Self { goal, travel, tariff: Tariff::new(travel), extent, costs, own: geometry, geometry, shift: (0, 0) }
    }

    /// Lays the guidance over a grid that lies elsewhere or has another size, so that it leads there to the cell of the
    /// same goal. Where the cells lie at fractions of one another, it is off by less than a cell. `false`, and nothing is
    /// changed, where the cells differ in size or direction or the goal lies outside.
    pub fn lay_over(&mut self, geometry: &Geometry, goal: Point) -> bool {
        let own_goal = Cell::new(self.goal.col + self.shift.0, self.goal.row + self.shift.1);
        // The goal's own cell may be blocked: then guidance leads to another one.
        let point = if self.own.cell_at(goal) == Some(own_goal) { goal } else { self.own.center(own_goal) };
        let Some(cell) = geometry.cell_at(point).filter(|_| self.own.is_like(geometry)) else { return false };
        (self.goal, self.geometry) = (cell, *geometry);
        self.shift = (own_goal.col - cell.col, own_goal.row - cell.row);
        true
    }

    /// The goal's cell.
    #[must_use]
    pub const fn goal(&self) -> Cell {
        self.goal
    }

    /// The travel costs that it was computed with.
    #[must_use]
    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// What it knows.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// Whether nothing is known of some cells.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        matches!(self.extent, Extent::Part)
    }

    /// The version of the costs on which the cost-to-go of every cell is right; `None` if some are not, or aren't known.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        match self.extent {
            Extent::Whole(version) => Some(version),
            Extent::Near | Extent::Part => None,
        }
    }

    /// Whether its cells are those of a costmap.
    #[must_use]
    pub fn fits(&self, costmap: &Costmap) -> bool {
        self.geometry == *costmap.geometry()
    }

    /// The travel cost of the best path from a cell to the goal, in cells; each of its moves is rounded by less than a
    /// thousandth. Infinite if there is none, and outside the grid.
    #[must_use]
    pub fn cost_to_go(&self, cell: Cell) -> f32 {
        in_cells(self.in_units(cell))
    }

    /// The cost-to-go in the units of [`StepCosts`](crate::step_costs::StepCosts); `None` where it is infinite.
    #[must_use]
    pub fn units(&self, cell: Cell) -> Option<u32> {
        Some(self.in_units(cell)).filter(|units| *units < UNREACHED)
    }

    fn in_units(&self, cell: Cell) -> u32 {
        self.costs.get(Cell::new(cell.col + self.shift.0, cell.row + self.shift.1))
    }

    /// The best moves from a cell, as indices into [`MOVES`]: of the moves that are legal on `costmap` and lower the
    /// cost-to-go, those of least cost, up to [`TIE`]. There are none at the goal and where no path leads to it.
    ///
    /// On the costmap that the guidance was computed on, these are the optimal moves. If costs have changed since, they
    /// are the best moves that the guidance knows of. Following them never leads in a circle.
    pub fn optimal_moves(&self, costmap: &Costmap, cell: Cell) -> impl Iterator<Item = usize> + use<> {
        let here = self.in_units(cell);
        let mut costs = [u32::MAX; MOVES.len()];
        if let Some(cost) = costmap.cost(cell).filter(|_| here < UNREACHED && here > 0) {
            let around = costmap.neighbour_costs(cell);
            for bit in iter_moves(legal_moves_given(&around, self.travel.allow_unknown)) {
                let after = self.in_units(cell.after(MOVES[bit]));
                if after < here {
                    costs[bit] = after + self.tariff.step(cost, around[bit], MOVES[bit].is_diagonal());
                }
            }
        }
        let most = costs.iter().copied().fold(u32::MAX - TIE_UNITS - 1, u32::min) + TIE_UNITS;
        (0..MOVES.len()).filter(move |bit| costs[*bit] <= most)
    }

    /// The cell that the first of the [`Self::optimal_moves`] leads to; `None` if there are none.
    #[must_use]
    pub fn next(&self, costmap: &Costmap, cell: Cell) -> Option<Cell> {
        self.optimal_moves(costmap, cell).next().map(|bit| cell.after(MOVES[bit]))
    }
}

/// How the costs of a grid are stored.
pub(super) const fn form(geometry: &Geometry) -> Form {
    if geometry.cells() <= EXACT_CELLS { Form::Exact } else { Form::Coded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costmap, travel};
    use crate::units::Pose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn optimal_moves_keep_to_the_costs(
            cells in proptest::collection::vec(
                prop_oneof![3 => Just('.'), 3 => proptest::char::range('1', '9'), 2 => Just('#'), 1 => Just('?')], 300,
            ),
            goal in (0..20, 0..15), multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64], allow_unknown in any::<bool>(),
        ) {
            let rows: Vec<String> = cells.chunks(20).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let (goal, mut travel) = (Cell::new(goal.0, goal.1), travel(multiplier));
            travel.allow_unknown = allow_unknown;
            let guidance = Guidance::compute(&map, goal, travel, &|| false).unwrap();
            for cell in (0..map.geometry().cells()).map(|at| map.geometry().cell(at)) {
                let here = guidance.cost_to_go(cell);
                let moves: Vec<usize> = guidance.optimal_moves(&map, cell).collect();
                prop_assert_eq!(moves.is_empty(), here.is_infinite() || cell == goal);
                for step in moves.into_iter().map(|bit| MOVES[bit]) {
                    let (from, to) = (map.cost(cell).unwrap(), map.cost(cell.after(step)).unwrap());
                    let on = travel.step(from, to, step) + guidance.cost_to_go(cell.after(step));
                    prop_assert!((on - here).abs() < 2.0 * TIE, "{cell:?}: {on} over {step:?}, not {here}");
                }
            }
        }

        #[test]
        fn guidance_of_an_older_grid_never_leads_in_a_circle(
            before in proptest::collection::vec(prop_oneof![4 => Just('.'), 1 => Just('5'), 1 => Just('#')], 300),
            changes in proptest::collection::vec((0..300_usize, prop_oneof![Just('.'), Just('9'), Just('#')]), 0..40),
            goal in (0..20, 0..15),
        ) {
            let draw = |cells: &[char]| {
                let rows: Vec<String> = cells.chunks(20).map(|row| row.iter().collect()).collect();
                costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let goal = Cell::new(goal.0, goal.1);
            let guidance = Guidance::compute(&draw(&before), goal, travel(2.0), &|| false).unwrap();
            let mut after = before.clone();
            for (at, cell) in changes {
                after[at] = cell;
            }
            let now = draw(&after);
            for at in 0..300 {
                let mut cell = now.geometry().cell(at);
                let mut steps = 0;
                while let Some(next) = guidance.next(&now, cell) {
                    prop_assert!(guidance.cost_to_go(next) < guidance.cost_to_go(cell));
                    prop_assert!(now.is_free(next, false));
                    cell = next;
                    steps += 1;
                }
                prop_assert!(steps < 300);
            }
        }
    }

    #[test]
    fn laid_over_a_grid_that_has_grown_it_leads_to_the_same_goal() {
        let map = costmap(&["....", ".##.", "...."]);
        let goal = Point { x: 3.9, y: 1.1 };
        let mut guidance = Guidance::compute(&map, Cell::new(3, 1), travel(2.0), &|| false).unwrap();
        let grown = |x, y, resolution| Geometry::new(10, 9, resolution, Pose::new(x, y, 0.0)).unwrap();
        assert!(guidance.lay_over(&grown(-2.0, -5.0, 1.0), goal));
        assert_eq!((guidance.goal(), guidance.cost_to_go(Cell::new(2, 6))), (Cell::new(5, 6), 5.0));
        assert!(guidance.cost_to_go(Cell::new(1, 6)).is_infinite() && !guidance.fits(&map));
        // Cells at fractions of a cell: the goal's is where the goal is.
        assert!(guidance.lay_over(&grown(-1.95, -0.95, 1.0), goal));
        assert_eq!((guidance.goal(), guidance.cost_to_go(Cell::new(5, 2))), (Cell::new(5, 2), 0.0));
        assert!(!guidance.lay_over(&grown(0.0, 0.0, 0.5), goal) && !guidance.lay_over(&grown(4.0, 0.0, 1.0), goal));
        assert!(guidance.lay_over(map.geometry(), goal) && guidance.fits(&map));
        assert_eq!((guidance.goal(), guidance.cost_to_go(Cell::new(0, 1))), (Cell::new(3, 1), 5.0));
    }

    #[test]
    fn the_path_around_a_wall_does_not_cut_its_corner() {
        let map = costmap(&["....", ".##.", "...."]);
        let guidance = Guidance::compute(&map, Cell::new(3, 1), travel(2.0), &|| false).unwrap();
        assert!((guidance.cost_to_go(Cell::new(0, 1)) - 5.0).abs() < 1e-6);
        let mut cell = Cell::new(0, 1);
        let mut steps = 0;
        while let Some(next) = guidance.next(&map, cell) {
            cell = next;
            steps += 1;
        }
        assert_eq!((cell, steps), (Cell::new(3, 1), 5));
    }

    #[test]
    fn guidance_still_leads_to_the_goal_where_costs_have_risen_since() {
        let guidance = Guidance::compute(&costmap(&["....", "...."]), Cell::new(3, 0), travel(2.0), &|| false).unwrap();
        let now = costmap(&["99..", "99.."]);
        let next = |cell| guidance.next(&now, cell);
        let way: Vec<Cell> = std::iter::successors(Some(Cell::new(0, 1)), |cell| next(*cell)).collect();
        assert_eq!(way.last(), Some(&Cell::new(3, 0)), "although every move costs more than before: {way:?}");
    }

    #[test]
    fn an_enclosed_cell_has_an_infinite_cost() {
        let map = costmap(&[".#.", "##.", "..."]);
        let guidance = Guidance::compute(&map, Cell::new(2, 2), travel(2.0), &|| false).unwrap();
        assert!(guidance.cost_to_go(Cell::new(0, 0)).is_infinite());
        assert!(guidance.cost_to_go(Cell::new(-1, 0)).is_infinite());
        assert_eq!(guidance.next(&map, Cell::new(0, 0)), None);
    }

    #[test]
    fn with_a_goal_that_is_not_free_every_cost_is_infinite() {
        let map = costmap(&["...", ".+.", "..."]);
        let guidance = Guidance::compute(&map, Cell::new(1, 1), travel(2.0), &|| false).unwrap();
        assert!((0..9).all(|at| guidance.cost_to_go(map.geometry().cell(at)).is_infinite()));
    }
}
