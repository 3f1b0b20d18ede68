//! Computes one tile from the cells around it, by sweeps over its lines to and fro and over its columns to and fro.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "functions that have instructions switched on are called where the processor has them"
    )
)]
#![expect(clippy::inline_always, reason = "what runs with vector instructions must be compiled with them")]

use crate::cost::LETHAL;
use crate::cost_to_go::{CostsToGo, Exact};
use crate::costmap::Costmap;
use crate::frame::{Cells, FIRST, Frame, LINES, Line, Prices, STRIDE};
use crate::tariff::{Tariff, UNREACHED};
use crate::tiles::{TILE_CELLS, TILE_SIDE, TilePlace};
use crate::turn::{turn, turn_values};
use crate::units::Cell;

/// The cells around a tile that have changed, as sides of the tile, and whether it is all to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sides(pub u8);

impl Sides {
    pub const BELOW: Self = Self(1);
    pub const ABOVE: Self = Self(2);
    pub const LEFT: Self = Self(4);
    pub const RIGHT: Self = Self(8);
    pub const ALL: Self = Self(31);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a visit means for the tiles around: for each of the eight moves, the least value that a cell of the tile there would
/// get, or, when values were taken away, the least that one of its cells touched; [`UNREACHED`] for none.
pub(super) type Borders = [u32; 8];

/// What there is to compute with.
pub(super) struct Sweep {
    tariff: Tariff,
    /// Row by row.
    rows: Box<Frame>,
    /// Column by column.
    cols: Box<Frame>,
    prices: Box<[Prices; 2]>,
    values: Box<Exact>,
    has_avx2: bool,
}

/// What was found where costs were taken away.
pub(super) struct Raised {
    pub borders: Borders,
    /// Whether the tile has changed at all.
    pub is_changed: bool,
    /// The least value of the tile and of the cells around it.
    pub least: u32,
    /// The least value without support that was left, since it is above the bound.
    pub left_out: u32,
}

impl Sweep {
    pub fn new(tariff: Tariff) -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        let has_avx2 = false;
        Self {
            tariff,
            rows: Box::new(Frame::EMPTY),
            cols: Box::new(Frame::EMPTY),
            prices: Box::new([[[LETHAL; STRIDE]; LINES]; 2]),
            values: Box::new([UNREACHED; TILE_CELLS]),
            has_avx2,
        }
    }

    /// Lowers the costs of a tile by what has changed around it.
    pub fn lower(&mut self, costs: &mut CostsToGo, map: &Costmap, tile: usize, sides: Sides) -> Borders {
        self.load(costs, map, tile);
        let borders = self.run(|sweep| sweep.settle(sides));
        self.store(costs, tile, |_, _, _| {});
        borders
    }

    /// Takes away the costs of a tile, up to a bound, that nothing supports any more.
    pub fn raise(
        &mut self,
        (costs, map): (&mut CostsToGo, &Costmap),
        tile: usize,
        sides: Sides,
        (bound, goal): (u32, Cell),
    ) -> Raised {
        self.load(costs, map, tile);
        let goal = costs.tiling().place(goal).filter(|place| place.tile == tile);
        let goal = goal.map(|place| (place.at / TILE_SIDE, place.at % TILE_SIDE));
        let left_out = self.run(|sweep| sweep.take_away(sides, bound, goal));
        let mut borders = [UNREACHED; 8];
        let is_changed = self.store(costs, tile, |row, before, now| note(&mut borders, row, before, now));
        let least = |line: &Line| line[FIRST - 1..=FIRST + TILE_SIDE].iter().copied().fold(UNREACHED, u32::min);
        let least = self.rows.values.iter().map(least).fold(UNREACHED, u32::min);
        Raised { borders, is_changed, least, left_out }
    }

    /// Runs with the fastest instructions.
    #[inline]
    fn run<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        #[cfg(target_arch = "x86_64")]
        if self.has_avx2 {
            // SAFETY: the processor has them.
            return unsafe { with_avx2(self, work) };
        }
        work(self)
    }

    /// Loads the values and the costs of a tile and around it.
    fn load(&mut self, costs: &CostsToGo, map: &Costmap, tile: usize) {
        let tiling = costs.tiling();
        let (values, prices) = (&mut self.rows.values, &mut self.prices[0]);
        let own = map.tile(tile);
        for row in 0..TILE_SIDE {
            costs.read_row(tile, row, &mut values[row + 1][FIRST..FIRST + TILE_SIDE]);
            prices[row + 1][FIRST..FIRST + TILE_SIDE].copy_from_slice(&own[row * TILE_SIDE..(row + 1) * TILE_SIDE]);
        }
        for (line, row, rows) in [(0, TILE_SIDE - 1, -1), (LINES - 1, 0, 1)] {
            let (values, prices) =
                (&mut values[line][FIRST..FIRST + TILE_SIDE], &mut prices[line][FIRST..FIRST + TILE_SIDE]);
            if let Some(other) = tiling.beside(tile, 0, rows) {
                costs.read_row(other, row, values);
                prices.copy_from_slice(&map.tile(other)[row * TILE_SIDE..(row + 1) * TILE_SIDE]);
            } else {
                values.fill(UNREACHED);
                prices.fill(LETHAL);
            }
        }
        for (at, col, cols) in [(FIRST - 1, TILE_SIDE - 1, -1), (FIRST + TILE_SIDE, 0, 1)] {
            for (rows, lines) in [(-1, 0..1), (0, 1..LINES - 1), (1, LINES - 1..LINES)] {
                let other = tiling.beside(tile, cols, rows);
                for line in lines {
                    let row = (line + TILE_SIDE - 1) % TILE_SIDE;
                    let place = other.map(|tile| TilePlace { tile, at: row * TILE_SIDE + col });
                    values[line][at] = place.map_or(UNREACHED, |place| costs.at(place));
                    prices[line][at] = place.map_or(LETHAL, |place| map.tile(place.tile)[place.at]);
                }
            }
        }
    }

    #[inline(always)]
    fn settle(&mut self, sides: Sides) -> Borders {
        let (rows, cols) = (&mut *self.rows, &mut *self.cols);
        rows.price(&self.prices[0], &self.tariff);
        let all = sides == Sides::ALL;
        let (first, last) = (0, LINES - 1);
        for line in 0..LINES {
            let is_edge = |below, above| (line == first && sides.has(below)) || (line == last && sides.has(above));
            if all || is_edge(Sides::BELOW, Sides::ABOVE) {
                rows.changed.mark(line);
            }
            if all || is_edge(Sides::LEFT, Sides::RIGHT) {
                cols.changed.mark(line);
            }
        }
        let mut is_turned = false;
        let mut changed: Cells = [0; TILE_SIDE];
        while rows.changed.any() || cols.changed.any() {
            if rows.changed.any() {
                rows.lower(&mut changed);
                mark(cols, &mut changed);
            }
            if cols.changed.any() {
                if !is_turned {
                    let [across, along] = &mut *self.prices;
                    turn(across, along);
                    cols.price(along, &self.tariff);
                    is_turned = true;
                }
                turn_values(&rows.values, &mut cols.values, self.has_avx2);
                cols.lower(&mut changed);
                if mark(rows, &mut changed) {
                    turn_values(&cols.values, &mut rows.values, self.has_avx2);
                }
            }
        }
        rows.changed.clear();
        cols.changed.clear();
        if !is_turned {
            return [UNREACHED; 8];
        }
        let ([below, above], [left, right]) = (rows.beyond(), cols.beyond());
        let [below_left, below_right, above_left, above_right] = rows.corners();
        [below, below_right, right, above_right, above, above_left, left, below_left]
    }

    #[inline(always)]
    fn take_away(&mut self, sides: Sides, bound: u32, goal: Option<(usize, usize)>) -> u32 {
        let frame = &mut *self.rows;
        frame.price(&self.prices[0], &self.tariff);
        let all = sides.has(Sides::LEFT) || sides.has(Sides::RIGHT);
        for line in 1..LINES - 1 {
            if all || line == 1 && sides.has(Sides::BELOW) || line == LINES - 2 && sides.has(Sides::ABOVE) {
                frame.changed.mark(line);
            }
        }
        let left_out = frame.raise(bound, goal);
        frame.changed.clear();
        left_out
    }

    /// Stores the values, and tells of each row that has changed: its number, and the values before and now. Whether any has.
    fn store(&mut self, costs: &mut CostsToGo, tile: usize, mut tell: impl FnMut(usize, &Cells, &[u32])) -> bool {
        let (mut is_changed, mut before) = (false, [UNREACHED; TILE_SIDE]);
        for row in 0..TILE_SIDE {
            let now = &self.rows.values[row + 1][FIRST..FIRST + TILE_SIDE];
            self.values[row * TILE_SIDE..(row + 1) * TILE_SIDE].copy_from_slice(now);
            costs.read_row(tile, row, &mut before);
            if before != *now {
                is_changed = true;
                tell(row, &before, now);
            }
        }
        if is_changed {
            costs.write(tile, &self.values);
        }
        is_changed
    }
}

/// Marks the lines in which something has changed. Whether there are any.
#[inline(always)]
fn mark(frame: &mut Frame, changed: &mut Cells) -> bool {
    let mut any = false;
    for (at, differs) in changed.iter_mut().enumerate() {
        if std::mem::take(differs) != 0 {
            frame.changed.mark(at + 1);
            any = true;
        }
    }
    any
}

/// Notes a row that has changed where it belongs to the border. The numbers of the borders are those of the moves.
fn note(borders: &mut Borders, row: usize, before: &Cells, now: &[u32]) {
    let mut note = |border: usize, cols: std::ops::Range<usize>| {
        for col in cols.filter(|col| before[*col] != now[*col]) {
            borders[border] = borders[border].min(before[col].min(now[col]));
        }
    };
    let last = TILE_SIDE - 1;
    note(6, 0..1);
    note(2, last..TILE_SIDE);
    for (edge, [left, straight, right]) in [(0, [7, 0, 1]), (last, [5, 4, 3])] {
        if row == edge {
            note(left, 0..1);
            note(straight, 0..TILE_SIDE);
            note(right, last..TILE_SIDE);
        }
    }
}

/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<T>(sweep: &mut Sweep, work: impl FnOnce(&mut Sweep) -> T) -> T {
    work(sweep)
}
