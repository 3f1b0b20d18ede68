//! Decodes the model's field to a path: a best-first search that follows the field, and backtracks where that leads
//! nowhere.
//!
//! The cost of a move is its surprise: how much less likely it is, according to the field, than the best legal move
//! from the same cell (the difference of their logits). Following the field costs nothing, so a correct field is simply
//! rolled out. At a loop or a dead end, the least surprising branch so far is tried next. The number of cells that are
//! expanded off the current path is bounded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use trm_grid::units::{Cell, MOVES};
use trm_grid::window::Window;
use trm_net::encode::{CLASSES, GoalCells, NO_MOVE};

use crate::search::{Ended, Frontier, Space, trace};

/// The number of cells of the largest window for which `max_expansions` is not scaled up.
const UNSCALED_WINDOW: usize = 64 * 64;

/// A waiting cell. The one with the least total surprise is expanded first, and among equal ones the one farthest from
/// the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The total surprise as bits. It is never negative, so the bits have the same order.
    surprise: Reverse<u32>,
    /// The number of moves from the start.
    depth: u32,
    /// The index of the cell in the window.
    cell: u32,
    /// The move that led here, as an index into [`MOVES`]; or [`NO_MOVE`] to leave the window from here.
    came_by: u8,
}

/// Decodes fields. Holds the memory of the search for windows of one size.
#[derive(Debug)]
pub struct Decoder {
    frontier: Frontier<BinaryHeap<Entry>>,
    seen: Seen,
    max_expansions: usize,
    /// See [`Self::is_known`].
    known: bool,
}

/// The cells that a search has expanded. Starting the next search doesn't need to clear them.
#[derive(Debug)]
struct Seen {
    /// The move that led to each expanded cell. Valid where `expanded_in` is the current search.
    came_by: Vec<u8>,
    /// The number of the last search that expanded each cell.
    expanded_in: Vec<u32>,
    /// The number of the current search.
    search: u32,
}

impl Seen {
    /// Begins a new search, which has expanded nothing.
    fn begin(&mut self) {
        self.search = self.search.wrapping_add(1);
        if self.search == 0 {
            self.expanded_in.fill(0);
            self.search = 1;
        }
    }

    /// Whether the current search has expanded a cell.
    fn has(&self, at: usize) -> bool {
        self.expanded_in[at] == self.search
    }

    /// Notes that a cell is expanded.
    fn note(&mut self, at: usize, came_by: u8) {
        self.expanded_in[at] = self.search;
        self.came_by[at] = came_by;
    }
}

/// The model's field over a window, with the cells where paths may go and end.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The window.
    pub window: Window,
    /// The blocked cells, `[size, size]`.
    pub blocked: &'a [bool],
    /// The goal cells, where paths may end.
    pub goals: &'a GoalCells,
    /// The logits `[9, size, size]`: one class for each of the [`MOVES`], and [`NO_MOVE`] for "not known yet" or, in a
    /// goal cell, "leave here".
    pub logits: &'a [f32],
}

/// The search space: the cells of a window, connected by the moves of its field.
struct FieldSpace<'a> {
    field: &'a Field<'a>,
    seen: &'a mut Seen,
    max_expansions: usize,
}

impl Entry {
    /// Whether the path leaves the window from this goal cell.
    const fn leaves(&self) -> bool {
        self.came_by == NO_MOVE as u8 && self.depth > 0
    }
}

impl Space for FieldSpace<'_> {
    type Entry = Entry;
    type Waiting = BinaryHeap<Entry>;

    fn settle(&mut self, entry: &Entry) -> bool {
        let at = entry.cell as usize;
        if entry.leaves() {
            return true;
        }
        let is_new = !self.seen.has(at);
        if is_new {
            self.seen.note(at, entry.came_by);
        }
        is_new
    }

    fn is_end(&self, entry: &Entry) -> bool {
        entry.leaves() || self.field.is_goal(entry.cell as usize)
    }

    fn may_expand(&mut self, entry: &Entry, expansions: u32) -> bool {
        // The path to this cell itself took `depth` expansions, which don't count.
        ((expansions - entry.depth) as usize) <= self.max_expansions
    }

    fn expand(&mut self, entry: &Entry, frontier: &mut Frontier<Self::Waiting>) -> bool {
        let at = entry.cell as usize;
        let mut options = [(f32::NEG_INFINITY, 0_u32); CLASSES];
        let mut best = f32::NEG_INFINITY;
        for (class, option) in options.iter_mut().enumerate() {
            if let Some(next) = self.field.follow(at, class) {
                *option = (self.field.logit(class, at), next as u32);
                best = best.max(option.0);
            }
        }
        for (class, (logit, next)) in options.into_iter().enumerate() {
            let is_expanded = class != NO_MOVE && self.seen.has(next as usize);
            if logit > f32::NEG_INFINITY && !is_expanded {
                let surprise = f32::from_bits(entry.surprise.0) + (best - logit);
                let surprise = Reverse(surprise.to_bits());
                // The frontier has room for every move from every cell.
                frontier.push(Entry { surprise, depth: entry.depth + 1, cell: next, came_by: class as u8 }, |_| true);
            }
        }
        true
    }
}

impl Decoder {
    /// A decoder for windows of `cells` cells. It expands at most `max_expansions` cells off the path, scaled with the
    /// area in windows of more than 64 × 64 cells, because the areas where a field goes wrong are larger there. The
    /// length of a path along a correct field is not limited.
    #[must_use]
    pub fn new(cells: usize, max_expansions: usize) -> Self {
        Self {
            frontier: Frontier::with_capacity(CLASSES * cells + 1),
            seen: Seen { came_by: vec![0; cells], expanded_in: vec![0; cells], search: 0 },
            max_expansions: max_expansions * (cells / UNSCALED_WINDOW).max(1),
            known: false,
        }
    }

    /// The number of cells that the last search expanded.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.frontier.expansions()
    }

    /// Whether the field covers the last path completely: in each of its cells except the last, some move is more
    /// likely than [`NO_MOVE`]. The field grows from the goal outwards; where it has not arrived yet, the path is the
    /// result of mere search.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// Finds a path along the field, and writes its grid cells from `start` to a goal cell, inclusive. Returns false if
    /// no goal cell is found within the bound. Accepts any logits, including NaN.
    pub fn find(&mut self, field: &Field, start: Cell, path: &mut Vec<Cell>) -> bool {
        path.clear();
        self.seen.begin();
        let Some(first) = field.window.local(start).and_then(|local| field.window.index(local)) else { return false };
        let mut space = FieldSpace { field, seen: &mut self.seen, max_expansions: self.max_expansions };
        let first = Entry { surprise: Reverse(0), depth: 0, cell: first as u32, came_by: NO_MOVE as u8 };
        let Ended::Found(end) = self.frontier.search(&mut space, first) else { return false };
        self.known = true;
        // No path has more cells than the window.
        path.reserve(self.seen.expanded_in.len());
        path.push(start);
        let end = field.window.global(field.cell(end.cell as usize));
        let came_by = |cell: Cell| {
            let at = |cell: Cell| field.window.local(cell).and_then(|local| field.window.index(local)).unwrap_or(0);
            let class = self.seen.came_by[at(cell)] as usize;
            let before = Cell::new(cell.col - MOVES[class].cols, cell.row - MOVES[class].rows);
            self.known &= field.is_known(at(before));
            class
        };
        trace(start, end, came_by, path)
    }
}

impl Field<'_> {
    /// The most probable class of a cell, by its index in the window; `None` in a blocked one.
    #[must_use]
    pub fn best(&self, at: usize) -> Option<usize> {
        let logit = |class: usize| self.logits[class * self.blocked.len() + at];
        let best = || (1..CLASSES).fold(0, |best, class| if logit(class) > logit(best) { class } else { best });
        (!self.blocked[at]).then(best)
    }

    /// The window cell with an index in row-major data.
    const fn cell(&self, at: usize) -> Cell {
        let size = self.window.size();
        Cell::new((at % size) as i32, (at / size) as i32)
    }

    /// Whether the cell is the goal itself and not an exit from the window.
    fn is_goal(&self, at: usize) -> bool {
        self.goals.goal.and_then(|goal| self.window.index(goal)) == Some(at)
    }

    /// The cell that a class leads to; `None` if that is not legal. [`NO_MOVE`] stays in the cell, and is legal in goal
    /// cells only.
    fn follow(&self, at: usize, class: usize) -> Option<usize> {
        if class == NO_MOVE {
            return self.goals.cost[at].is_finite().then_some(at);
        }
        let (local, step) = (self.cell(at), MOVES[class]);
        let free = |cell: Cell| self.window.index(cell).filter(|at| !self.blocked[*at]);
        let next = free(local.after(step))?;
        let corners = !step.is_diagonal()
            || (free(Cell::new(local.col + step.cols, local.row)).is_some()
                && free(Cell::new(local.col, local.row + step.rows)).is_some());
        corners.then_some(next)
    }

    /// Whether some move from a cell is more likely than [`NO_MOVE`].
    fn is_known(&self, at: usize) -> bool {
        (0..NO_MOVE).any(|class| self.logit(class, at) > self.logit(NO_MOVE, at))
    }

    /// A logit, made finite.
    fn logit(&self, class: usize, at: usize) -> f32 {
        let logit = self.logits[class * self.blocked.len() + at];
        if logit.is_nan() { f32::MIN / 4.0 } else { logit.clamp(f32::MIN / 4.0, f32::MAX / 4.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::costmap::Costmap;
    use trm_grid::guidance::Guidance;
    use trm_grid::testing::{costmap, travel};

    const SIZE: usize = 16;

    struct Case {
        window: Window,
        blocked: Vec<bool>,
        goals: GoalCells,
        logits: Vec<f32>,
    }

    impl Case {
        fn new(map: &Costmap, at: Cell, goal: Cell, logits: Vec<f32>) -> Self {
            let window = Window::around(at, map.geometry(), SIZE, 2);
            let mut blocked = vec![false; SIZE * SIZE];
            window.blocked(map, false, &mut blocked);
            let mut goals = GoalCells::new(SIZE);
            let guidance = Guidance::compute(map, goal, travel(2.0), &|| false);
            goals.find(&window, map, guidance.as_ref(), goal);
            Self { window, blocked, goals, logits }
        }

        fn field(&self) -> Field<'_> {
            Field { window: self.window, blocked: &self.blocked, goals: &self.goals, logits: &self.logits }
        }
    }

    /// The exact field: 4 for each optimal move, 0 for all others.
    fn exact(map: &Costmap, window: &Window, goal: Cell) -> Vec<f32> {
        let guidance = Guidance::compute(map, goal, travel(2.0), &|| false).unwrap();
        let mut logits = vec![0.0; CLASSES * SIZE * SIZE];
        for at in 0..SIZE * SIZE {
            let cell = window.global(Cell::new((at % SIZE) as i32, (at / SIZE) as i32));
            for class in guidance.optimal_moves(map, cell) {
                logits[class * SIZE * SIZE + at] = 4.0;
            }
        }
        logits
    }

    #[test]
    fn a_correct_field_is_followed_without_searching() {
        let map = costmap(&[
            "................",
            "................",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
            "..............#.",
        ]);
        let (start, goal) = (Cell::new(13, 15), Cell::new(15, 15));
        let mut case = Case::new(&map, start, goal, Vec::new());
        case.logits = exact(&map, &case.window, goal);
        let mut decoder = Decoder::new(SIZE * SIZE, SIZE * SIZE);
        let mut path = Vec::new();
        assert!(decoder.find(&case.field(), start, &mut path));
        assert_eq!((path[0], *path.last().unwrap()), (start, goal));
        assert_eq!(decoder.expansions() as usize, path.len() - 1, "one expansion per move");
        assert!(decoder.is_known());
        // The field has not arrived at the start yet, so the move from there is a mere guess.
        let none = NO_MOVE * SIZE * SIZE + case.window.index(case.window.local(start).unwrap()).unwrap();
        case.logits[none] = 5.0;
        assert!(decoder.find(&case.field(), start, &mut path) && !decoder.is_known());
        case.logits.fill(0.0);
        case.logits[..SIZE * SIZE].fill(9.0);
        assert!(decoder.find(&case.field(), start, &mut path), "a field that leads nowhere makes it search");
        assert!(!Decoder::new(SIZE * SIZE, 5).find(&case.field(), start, &mut path), "but only within the bound");
        case.logits = exact(&map, &case.window, goal);
        assert!(
            Decoder::new(SIZE * SIZE, 1).find(&case.field(), start, &mut path),
            "which a correct field never reaches"
        );
    }

    proptest! {
        #[test]
        fn any_logits_give_a_legal_path_to_a_goal_cell_or_none(
            blocked in proptest::collection::vec(prop_oneof![3 => Just('.'), 1 => Just('#')], 24 * 20),
            logits in proptest::collection::vec(
                prop_oneof![8 => -9.0..9.0_f32, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)],
                CLASSES * SIZE * SIZE,
            ),
            start in (0..24, 0..20), goal in (0..24, 0..20), bound in 1..300_usize,
        ) {
            let rows: Vec<String> = blocked.chunks(24).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let (start, goal) = (Cell::new(start.0, start.1), Cell::new(goal.0, goal.1));
            prop_assume!(map.is_free(start, false) && map.is_free(goal, false));
            let case = Case::new(&map, start, goal, logits);
            let mut path = Vec::new();
            let mut decoder = Decoder::new(SIZE * SIZE, bound);
            let room = decoder.frontier.capacity();
            let found = decoder.find(&case.field(), start, &mut path);
            prop_assert_eq!(decoder.frontier.capacity(), room);
            prop_assert_eq!(found, !path.is_empty());
            if found {
                prop_assert_eq!(path[0], start);
                let end = case.window.index(case.window.local(*path.last().unwrap()).unwrap()).unwrap();
                prop_assert!(case.goals.cost[end].is_finite());
                for pair in path.windows(2) {
                    let step = MOVES.iter().position(|step| pair[0].after(*step) == pair[1]).unwrap();
                    prop_assert!(trm_grid::moves::is_legal(&map, pair[0], step, false));
                }
                let mut cells = path.clone();
                cells.sort();
                cells.dedup();
                prop_assert_eq!(cells.len(), path.len(), "no cell twice");
            } else if bound >= SIZE * SIZE {
                // No goal cell can be reached inside the window.
                let mut reached = vec![case.window.index(case.window.local(start).unwrap()).unwrap()];
                let mut at = 0;
                while at < reached.len() {
                    prop_assert!(case.goals.cost[reached[at]].is_infinite());
                    let next: Vec<usize> = (0..NO_MOVE).filter_map(|class| case.field().follow(reached[at], class)).collect();
                    reached.extend(next.iter().filter(|next| !reached.contains(next)).copied().collect::<Vec<_>>());
                    at += 1;
                }
            }
        }
    }
}
