//! A field with rows of one size.

use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

use crate::bands::{BAND, BANDS, Spread};
use crate::dijkstra::dijkstra;
use crate::lattice::{Lattice, State};
use crate::level::Level;
use crate::levels::Levels;
use crate::masks::{Arc, MakeMasks, Masks};
use crate::obstacles::Obstacles;
use crate::queue::Queue;
use crate::repair::Repair;
use crate::row::Row;
use crate::seed::{Seed, Solution};
use crate::simd::lanes::UNREACHED;
use crate::values::{place, unreached};

/// Doubt that has looked at every row this often spreads no farther: a new field takes no longer.
const MOST_LOOKS: usize = 4;

/// What a field consists of.
#[derive(Debug, Clone)]
pub(crate) struct Engine<R> {
    levels: Levels,
    level: Level,
    obstacles: Obstacles,
    masks: Masks<R>,
    /// Of the window that is loaded.
    corner: Cell,
    /// `masks.may_take` of the last field.
    solved: Vec<R>,
    /// Of the last field's window.
    solved_corner: Cell,
    /// `[heading, row, column]`, with a guard around.
    values: Vec<u16>,
    doubt: Vec<R>,
    dirty: Vec<R>,
    queue: Queue,
    /// Seeds of the last field.
    seeds: Vec<Seed>,
    /// Seeds of the next one.
    next_seeds: Vec<Seed>,
    /// Values below this one are exact; all are if it is [`UNREACHED`].
    exact_below: u16,
    /// Whether no way was left out since it costs too much for a value.
    is_complete: bool,
}

impl<R: Row> Engine<R> {
    pub(crate) fn new(lattice: &Lattice, levels: Levels, level: Level) -> Self {
        let masks = Masks::new(lattice, &levels);
        let rows = lattice.headings().len() * R::SIZE;
        let has_levels = levels.weights().len() > 1;
        Self {
            obstacles: Obstacles::new(R::SIZE, lattice.margin(), has_levels),
            levels,
            level,
            corner: Cell::new(0, 0),
            solved: masks.may_take.clone(),
            masks,
            solved_corner: Cell::new(0, 0),
            values: unreached::<R>(rows),
            doubt: vec![R::default(); rows],
            dirty: vec![R::default(); rows],
            queue: Queue::new(rows, BANDS),
            seeds: Vec::with_capacity(16 * rows),
            next_seeds: Vec::with_capacity(16 * rows),
            exact_below: 0,
            is_complete: false,
        }
    }

    /// The base must stay in the grid, if one is told.
    pub(crate) fn load(
        &mut self,
        lattice: &Lattice,
        corner: Cell,
        grid: Option<&Geometry>,
        level: impl Fn(Cell, &Levels) -> u8,
    ) {
        self.corner = corner;
        self.obstacles.take(corner, |cell| level(cell, &self.levels));
        let grid = grid.map(|grid| (grid, corner));
        self.level.run(MakeMasks { lattice, obstacles: &mut self.obstacles, masks: &mut self.masks, grid });
    }

    pub(crate) fn solve(&mut self, seeds: &[Seed], may_go_on: &mut dyn FnMut() -> bool) -> Solution {
        self.take_seeds(seeds);
        self.doubt.fill(R::default());
        self.dirty.fill(R::default());
        self.queue.clear();
        let is_warm = self.repair();
        if !is_warm {
            self.values.fill(UNREACHED);
            self.dirty.fill(R::default());
            self.queue.clear();
        }
        self.plant_seeds();
        self.take_over();
        self.spread(may_go_on);
        self.finish(is_warm)
    }

    pub(crate) fn go_on(&mut self, may_go_on: &mut dyn FnMut() -> bool) -> Solution {
        self.spread(may_go_on);
        self.finish(false)
    }

    /// What is loaded is what is solved.
    fn take_over(&mut self) {
        std::mem::swap(&mut self.seeds, &mut self.next_seeds);
        self.solved.copy_from_slice(&self.masks.may_take);
        self.solved_corner = self.corner;
    }

    fn spread(&mut self, may_go_on: &mut dyn FnMut() -> bool) {
        self.exact_below = self.level.run(Spread {
            masks: &self.masks,
            values: &mut self.values,
            dirty: &mut self.dirty,
            queue: &mut self.queue,
            may_go_on,
        });
    }

    pub(crate) fn solve_by_dijkstra(&mut self, seeds: &[Seed]) -> Solution {
        self.take_seeds(seeds);
        let place = |seed: &Seed| self.at(self.corner, seed.state).map(|(row, col)| (row, col, seed.cost));
        let places: Vec<_> = self.next_seeds.iter().filter_map(place).collect();
        dijkstra(&self.masks, &places, &mut self.values);
        self.take_over();
        self.exact_below = UNREACHED;
        self.finish(false)
    }

    pub(crate) fn forget(&mut self) {
        self.exact_below = 0;
    }

    /// Keeps the seeds where the robot may stand.
    fn take_seeds(&mut self, seeds: &[Seed]) {
        self.next_seeds.clear();
        for seed in seeds {
            if self.may_stand(seed.state) {
                self.next_seeds.push(*seed);
            }
        }
    }

    /// Brings the last field up to the loaded window, where that is possible and worth while.
    fn repair(&mut self) -> bool {
        let (cols, rows) = (self.corner.col - self.solved_corner.col, self.corner.row - self.solved_corner.row);
        let half = R::SIZE as u32 / 2;
        let is_near = cols.unsigned_abs() < half && rows.unsigned_abs() < half;
        if self.exact_below != UNREACHED || !is_near || self.seeds != self.next_seeds {
            return false;
        }
        let most_rows = MOST_LOOKS * self.dirty.len();
        self.level.run(Repair {
            old: &self.solved,
            masks: &self.masks,
            moved: (cols, rows),
            values: &mut self.values,
            doubt: &mut self.doubt,
            dirty: &mut self.dirty,
            queue: &mut self.queue,
            most_rows,
        })
    }

    fn plant_seeds(&mut self) {
        for at in 0..self.next_seeds.len() {
            let seed = self.next_seeds[at];
            let Some((row, col)) = self.at(self.corner, seed.state) else { continue };
            let value = &mut self.values[place::<R>(row, col as i32)];
            if seed.cost < *value {
                *value = seed.cost;
                self.dirty[row] |= R::bit(col);
                self.queue.push(row, seed.cost as usize / BAND);
            }
        }
    }

    fn finish(&mut self, is_warm: bool) -> Solution {
        let is_whole = self.exact_below == UNREACHED;
        // An edge from here might have led to a cost beyond the greatest value.
        let greatest = self.masks.arcs.iter().map(|arc| arc.cost).max().unwrap_or(0);
        let too_dear = UNREACHED - greatest..UNREACHED;
        self.is_complete = is_whole && !self.values.iter().any(|value| too_dear.contains(value));
        Solution { seeds: self.seeds.len(), is_whole, is_warm }
    }

    /// Row of all headings, and column, of a state of a window.
    fn at(&self, corner: Cell, state: State) -> Option<(usize, usize)> {
        let (col, row) = (state.cell.col.wrapping_sub(corner.col), state.cell.row.wrapping_sub(corner.row));
        let inside = 0..R::SIZE as i32;
        if !inside.contains(&col) || !inside.contains(&row) {
            return None;
        }
        let row_of_all = state.heading as usize * R::SIZE + row as usize;
        (row_of_all < self.dirty.len()).then_some((row_of_all, col as usize))
    }

    pub(crate) fn value(&self, state: State) -> Option<u16> {
        let (row, col) = self.at(self.solved_corner, state)?;
        Some(self.values[place::<R>(row, col as i32)]).filter(|value| *value != UNREACHED)
    }

    pub(crate) fn is_exact(&self, state: State) -> bool {
        match self.value(state) {
            Some(value) => value < self.exact_below,
            None => self.is_complete,
        }
    }

    /// Whether a way may end in a state at this cost.
    pub(crate) fn has_seed(&self, state: State, cost: u16) -> bool {
        self.seeds.contains(&Seed { state, cost })
    }

    pub(crate) fn may_stand(&self, state: State) -> bool {
        self.at(self.corner, state).is_some_and(|(row, col)| self.masks.may_stand[row].has(col))
    }

    /// The arcs that a state of the last field's window may take, and the states that they lead to.
    pub(crate) fn leaving(&self, state: State) -> impl Iterator<Item = (&Arc, State)> {
        let at = self.at(self.solved_corner, state);
        let arcs = self.masks.out_of(state.heading as usize).iter().map(|at| *at as usize);
        arcs.filter_map(move |arc| {
            let (row, col) = at?;
            let may_take = self.solved[arc * R::SIZE + row % R::SIZE].has(col);
            let arc = &self.masks.arcs[arc];
            let cell = Cell::new(state.cell.col + arc.cols, state.cell.row + arc.rows);
            may_take.then_some((arc, State { cell, heading: arc.to as u8 }))
        })
    }
}
