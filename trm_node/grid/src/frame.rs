//! A tile and the cells around it, in one of two orientations, and what its lines do to each other. All eight moves lead
//! to the line before or the line behind in one orientation or the other, so a line is computed from its neighbour by
//! vector instructions alone.
#![expect(clippy::inline_always, reason = "what runs with vector instructions must be compiled with them")]
#![expect(
    clippy::needless_range_loop,
    reason = "one index into several arrays of one length, which is what becomes vectors"
)]

use crate::tariff::{Tariff, UNREACHED};
use crate::tiles::TILE_SIDE;

/// Numbers in a line: the cells of the tile begin at a multiple of the vectors' length.
pub(super) const STRIDE: usize = TILE_SIDE + 2 * FIRST;
/// Where the cells of the tile begin in a line. The one before and the one behind them belong to other tiles.
pub(super) const FIRST: usize = 8;
/// Lines: those of the tile, one before and one behind.
pub(super) const LINES: usize = TILE_SIDE + 2;

/// The values of a line.
pub(super) type Line = [u32; STRIDE];
/// The costs of all cells, line by line.
pub(super) type Prices = [[u8; STRIDE]; LINES];
/// One number for each cell of the tile in a line.
pub(super) type Cells = [u32; TILE_SIDE];

/// Which lines have changed since a sweep used them.
#[derive(Clone)]
pub(super) struct Changed {
    /// On the way to higher lines.
    up: [bool; LINES],
    /// On the way to lower lines.
    down: [bool; LINES],
}

impl Changed {
    pub const NONE: Self = Self { up: [false; LINES], down: [false; LINES] };

    pub const fn mark(&mut self, line: usize) {
        self.up[line] = true;
        self.down[line] = true;
    }

    pub const fn clear(&mut self) {
        *self = Self::NONE;
    }

    pub fn any(&self) -> bool {
        // Beyond the first and the last line of the tile nothing is computed.
        self.up[..LINES - 2].iter().chain(&self.down[2..]).any(|is_changed| *is_changed)
    }
}

/// The tile in one orientation.
#[derive(Clone)]
pub(super) struct Frame {
    pub values: [Line; LINES],
    pub changed: Changed,
    /// What half of a cell costs along a side.
    half: [Line; LINES],
    moves: Moves,
}

/// What the moves from a line to the next one cost: straight on, and to the next and the previous column.
#[derive(Clone)]
struct Moves {
    on: [Line; LINES],
    right: [Line; LINES],
    left: [Line; LINES],
}

impl Moves {
    /// Those to the cells of a line from the line before: straight on, from the previous and from the next column.
    #[inline(always)]
    fn out_of_before(&self, line: usize) -> [&Cells; 3] {
        [cells(&self.on[line - 1], 0), cells(&self.right[line - 1], -1), cells(&self.left[line - 1], 1)]
    }

    /// The same from the line behind.
    #[inline(always)]
    fn out_of_behind(&self, line: usize) -> [&Cells; 3] {
        [&self.on[line], &self.left[line], &self.right[line]].map(|moves| cells(moves, 0))
    }
}

impl Frame {
    #[expect(clippy::large_stack_arrays, reason = "it is made once, in a box")]
    pub const EMPTY: Self = Self {
        values: [[UNREACHED; STRIDE]; LINES],
        changed: Changed::NONE,
        half: [[UNREACHED; STRIDE]; LINES],
        moves: Moves {
            on: [[UNREACHED; STRIDE]; LINES],
            right: [[UNREACHED; STRIDE]; LINES],
            left: [[UNREACHED; STRIDE]; LINES],
        },
    };

    /// Takes the costs of the cells.
    #[inline(always)]
    pub fn price(&mut self, costs: &Prices, tariff: &Tariff) {
        let mut diagonal = [UNREACHED; STRIDE];
        let mut next = [UNREACHED; STRIDE];
        for line in 0..LINES {
            for ((half, next), cost) in self.half[line].iter_mut().zip(&mut next).zip(&costs[line]) {
                (*half, *next) = tariff.halves(*cost);
            }
            if line > 0 {
                self.price_moves(line - 1, &diagonal, &next);
            }
            diagonal = next;
        }
    }

    /// The moves from a line to the next one.
    #[inline(always)]
    fn price_moves(&mut self, line: usize, from: &Line, to: &Line) {
        let (here, there) = (&self.half[line], &self.half[line + 1]);
        let (here_before, here_at, here_behind) = (wide(here, -1), wide(here, 0), wide(here, 1));
        let (there_at, from, to_before, to_behind) = (wide(there, 0), wide(from, 0), wide(to, -1), wide(to, 1));
        let Moves { on, right, left } = &mut self.moves;
        let (on, right, left) = (wide_mut(&mut on[line]), wide_mut(&mut right[line]), wide_mut(&mut left[line]));
        for at in 0..WIDE {
            on[at] = here_at[at] + there_at[at];
            let (to_right, to_left) = (from[at] + to_behind[at], from[at] + to_before[at]);
            // What is beside a diagonal must be free: the greater one is UNREACHED if one of both is.
            let beside_right = here_behind[at].max(there_at[at]);
            let beside_left = here_before[at].max(there_at[at]);
            right[at] = if beside_right == UNREACHED { UNREACHED } else { to_right };
            left[at] = if beside_left == UNREACHED { UNREACHED } else { to_left };
        }
    }

    /// Lowers the values of all lines by those of the line before, where that has changed, and then by those of the line
    /// behind. `columns` gets a bit in each column that has changed.
    #[inline(always)]
    pub fn lower(&mut self, columns: &mut Cells) {
        for line in 1..LINES - 1 {
            if std::mem::take(&mut self.changed.up[line - 1]) {
                let from = self.values[line - 1];
                if relax(cells_mut(&mut self.values[line]), &from, self.moves.out_of_before(line), columns) {
                    self.changed.mark(line);
                }
            }
        }
        for line in (1..LINES - 1).rev() {
            if std::mem::take(&mut self.changed.down[line + 1]) {
                let from = self.values[line + 1];
                if relax(cells_mut(&mut self.values[line]), &from, self.moves.out_of_behind(line), columns) {
                    self.changed.mark(line);
                }
            }
        }
    }
}

impl Frame {
    /// Takes the values from the cells of the tile that have lost their support: no neighbour's value and the move from
    /// there are as little. Only those of up to `bound`; `goal`, a line and a column of the tile, needs no support. Looks at
    /// the lines that are marked upwards, until nothing changes any more. Returns the least value above the bound that has
    /// no support.
    #[inline(always)]
    pub fn raise(&mut self, bound: u32, goal: Option<(usize, usize)>) -> u32 {
        let mut left_out = UNREACHED;
        while self.changed.up[1..LINES - 1].contains(&true) {
            for line in (1..LINES - 1).chain((1..LINES - 1).rev()) {
                if std::mem::take(&mut self.changed.up[line]) {
                    let support = self.support(line, goal.filter(|(row, _)| *row + 1 == line).map(|(_, col)| col));
                    let (is_changed, least) = take_unsupported(cells_mut(&mut self.values[line]), &support, bound);
                    left_out = left_out.min(least);
                    self.changed.up[line] = is_changed;
                    self.changed.up[line - 1] |= is_changed;
                    self.changed.up[line + 1] |= is_changed;
                }
            }
        }
        left_out
    }

    /// What each cell of a line would cost from its neighbours.
    #[inline(always)]
    fn support(&self, line: usize, goal: Option<usize>) -> Cells {
        let mut support = [UNREACHED; TILE_SIDE];
        let mut ignored = [0; TILE_SIDE];
        relax(&mut support, &self.values[line - 1], self.moves.out_of_before(line), &mut ignored);
        relax(&mut support, &self.values[line + 1], self.moves.out_of_behind(line), &mut ignored);
        let (values, half) = (&self.values[line], &self.half[line]);
        let (here, before, behind) = (cells(half, 0), cells(half, -1), cells(half, 1));
        let (previous, next) = (cells(values, -1), cells(values, 1));
        for at in 0..TILE_SIDE {
            let along = (previous[at] + before[at]).min(next[at] + behind[at]);
            // Never more than three times UNREACHED.
            support[at] = support[at].min(along.min(UNREACHED) + here[at]);
        }
        if let Some(goal) = goal {
            support[goal] = 0;
        }
        support
    }
}

/// Takes the values that have no support, up to a bound. Whether there are any, and the least of those above the bound.
#[inline(always)]
fn take_unsupported(values: &mut Cells, support: &Cells, bound: u32) -> (bool, u32) {
    let (mut any, mut left_out) = (0, UNREACHED);
    for at in 0..TILE_SIDE {
        let old = values[at];
        let is_lost = old < support[at] && old < UNREACHED;
        let new = if is_lost && old <= bound { UNREACHED } else { old };
        left_out = left_out.min(if is_lost && old > bound { old } else { UNREACHED });
        values[at] = new;
        any |= old ^ new;
    }
    (any != 0, left_out)
}

impl Frame {
    /// The least value that a cell of the line before the tile, and of the one behind it, would get if it was lowered.
    #[inline(always)]
    pub fn beyond(&self) -> [u32; 2] {
        let (end, values) = (LINES - 1, &self.values);
        [
            lowered(&values[0], &values[1], self.moves.out_of_behind(0)),
            lowered(&values[end], &values[end - 1], self.moves.out_of_before(end)),
        ]
    }

    /// The same for the four cells at the corners: before the tile on the left and on the right, and behind it.
    #[inline(always)]
    pub fn corners(&self) -> [u32; 4] {
        let (first, last) = (FIRST, FIRST + TILE_SIDE - 1);
        let lowered = |(line, at): (usize, usize), (from, col): (usize, usize), cost: u32| {
            let new = self.values[from][col] + cost;
            if new < self.values[line][at] { new } else { UNREACHED }
        };
        let (top, end) = (LINES - 2, LINES - 1);
        [
            lowered((0, first - 1), (1, first), self.moves.right[0][first - 1]),
            lowered((0, last + 1), (1, last), self.moves.left[0][last + 1]),
            lowered((end, first - 1), (top, first), self.moves.left[top][first]),
            lowered((end, last + 1), (top, last), self.moves.right[top][last]),
        ]
    }
}

/// The least new value of a line if it was lowered by a neighbouring one.
#[inline(always)]
fn lowered(line: &Line, from: &Line, moves: [&Cells; 3]) -> u32 {
    let (mut new, mut changed) = (*cells(line, 0), [0; TILE_SIDE]);
    relax(&mut new, from, moves, &mut changed);
    new.iter()
        .zip(&changed)
        .fold(UNREACHED, |least, (new, changed)| least.min(if *changed == 0 { UNREACHED } else { *new }))
}

/// The cells of the tile in a line, or those beside them.
#[inline(always)]
fn cells(line: &Line, shift: isize) -> &Cells {
    let first = FIRST.wrapping_add_signed(shift);
    line[first..first + TILE_SIDE].try_into().expect("as many")
}

/// How many cells of a line have moves: those of the tile, those around it, and what fills the vectors.
const WIDE: usize = TILE_SIDE + FIRST;

#[inline(always)]
fn wide(line: &Line, shift: isize) -> &[u32; WIDE] {
    let first = (FIRST / 2).wrapping_add_signed(shift);
    line[first..first + WIDE].try_into().expect("as many")
}

#[inline(always)]
fn wide_mut(line: &mut Line) -> &mut [u32; WIDE] {
    (&mut line[FIRST / 2..FIRST / 2 + WIDE]).try_into().expect("as many")
}

#[inline(always)]
fn cells_mut(line: &mut Line) -> &mut Cells {
    (&mut line[FIRST..FIRST + TILE_SIDE]).try_into().expect("as many")
}

/// Lowers the values of a line by those of a neighbouring line and the costs of the moves from there: straight on, from
/// the previous and from the next column. Whether that has changed anything.
#[inline(always)]
fn relax(to: &mut Cells, from: &Line, [on, previous, next]: [&Cells; 3], columns: &mut Cells) -> bool {
    let (here, before, behind) = (cells(from, 0), cells(from, -1), cells(from, 1));
    let mut any = 0;
    for at in 0..TILE_SIDE {
        let old = to[at];
        let diagonal = (before[at] + previous[at]).min(behind[at] + next[at]);
        let new = old.min(here[at] + on[at]).min(diagonal);
        let differs = old ^ new;
        to[at] = new;
        columns[at] |= differs;
        any |= differs;
    }
    any != 0
}
