//! A field after changes: what still holds is kept.
//!
//! A value is in doubt if an arc that it is the sum of is gone, or leads to a value in doubt. All others still have a way of
//! their cost. Values in doubt are forgotten and taken anew from the others, arcs that are new are tried, and what has
//! improved spreads as in a new field. So the result is that of a new field to the last unit.

use crate::bands::BAND;
use crate::masks::Masks;
use crate::queue::Queue;
use crate::row::Row;
use crate::simd::lanes::{Job, Lanes, UNREACHED};
use crate::values::{least, place, relax, tight};

/// Finds the values in doubt of a window that has moved, and what improves the others.
pub(crate) struct Repair<'a, R> {
    /// `[arc, row]` for the window as it was.
    pub old: &'a [R],
    pub masks: &'a Masks<R>,
    /// Columns and rows that the window has moved by, less than half of its size.
    pub moved: (i32, i32),
    pub values: &'a mut [u16],
    /// `[heading, row]`, all zero: becomes the values in doubt.
    pub doubt: &'a mut [R],
    /// `[heading, row]`, all zero: becomes the values that have improved.
    pub dirty: &'a mut [R],
    /// Empty: becomes the rows with improved values.
    pub queue: &'a mut Queue,
    /// Rows that may be looked at while doubt spreads: more take longer than a new field.
    pub most_rows: usize,
}

impl<R: Row> Job for Repair<'_, R> {
    /// Whether it is worth while. If not, the values are spoilt.
    type Output = bool;

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) -> bool {
        self.doubt_removed(lanes);
        if !self.spread_doubt(lanes) {
            return false;
        }
        self.move_window();
        self.forget();
        self.take_anew(lanes);
        true
    }
}

/// A row of a plane after its window has moved, or nothing where it didn't see.
#[inline(always)]
fn moved<R: Row>(plane: &[R], row: usize, (cols, rows): (i32, i32)) -> R {
    let row = row.wrapping_add_signed(rows as isize);
    if row < R::SIZE { plane[row].look(cols) } else { R::default() }
}

impl<R: Row> Repair<'_, R> {
    /// Doubts values that are the sum of an arc that is gone.
    #[inline(always)]
    fn doubt_removed<L: Lanes>(&mut self, lanes: L) {
        let back = (-self.moved.0, -self.moved.1);
        for (at, arc) in self.masks.arcs.iter().enumerate() {
            let (old, new) = (&self.old[at * R::SIZE..][..R::SIZE], &self.masks.may_take[at * R::SIZE..][..R::SIZE]);
            for (row, old) in old.iter().enumerate() {
                let gone = *old & !moved(new, row, back);
                if gone.is_zero() {
                    continue;
                }
                // An old arc ends inside of the old window.
                let end = arc.to * R::SIZE + row.wrapping_add_signed(arc.rows as isize);
                let row = arc.from * R::SIZE + row;
                let doubt = tight(lanes, self.values, row, (end, arc.cols), arc.cost, gone);
                self.add_doubt(row, doubt);
            }
        }
    }

    #[inline(always)]
    fn add_doubt(&mut self, row: usize, doubt: R) {
        let doubt = doubt & !self.doubt[row];
        if !doubt.is_zero() {
            self.doubt[row] |= doubt;
            self.dirty[row] |= doubt;
            self.queue.push(row, 0);
        }
    }

    /// Doubts values that are the sum of an arc and a value in doubt.
    #[inline(always)]
    fn spread_doubt<L: Lanes>(&mut self, lanes: L) -> bool {
        let mut rows = 0;
        while let Some(row) = self.queue.pop(0) {
            rows += 1;
            if rows > self.most_rows {
                return false;
            }
            let new = std::mem::take(&mut self.dirty[row]);
            let masks = self.masks;
            for at in masks.arcs_into(row / R::SIZE) {
                let arc = &masks.arcs[at];
                let source = (row % R::SIZE).wrapping_add_signed(-arc.rows as isize);
                if source >= R::SIZE {
                    continue;
                }
                let mask = new.look(arc.cols) & self.old[at * R::SIZE + source];
                let source = arc.from * R::SIZE + source;
                let mask = mask & !self.doubt[source];
                if !mask.is_zero() {
                    let doubt = tight(lanes, self.values, source, (row, arc.cols), arc.cost, mask);
                    self.add_doubt(source, doubt);
                }
            }
        }
        true
    }

    /// Moves values and doubts with the window. Cells that it didn't see are in doubt.
    #[inline(always)]
    fn move_window(&mut self) {
        let (cols, rows) = self.moved;
        if (cols, rows) == (0, 0) {
            return;
        }
        let size = R::SIZE;
        for heading in 0..self.doubt.len() / size {
            let order = (0..size).map(|at| if rows >= 0 { at } else { size - 1 - at });
            for row in order {
                let from = row.wrapping_add_signed(rows as isize);
                let to = heading * size + row;
                if from >= size {
                    self.doubt[to] = !R::default();
                    continue;
                }
                let from = heading * size + from;
                let seen = (!R::default()).look(cols);
                self.doubt[to] = self.doubt[from].look(cols) | !seen;
                let first = place::<R>(from, cols);
                self.values.copy_within(first..first + size, place::<R>(to, 0));
            }
        }
    }

    #[inline(always)]
    fn forget(&mut self) {
        for (row, doubt) in self.doubt.iter().enumerate().filter(|(_, doubt)| !doubt.is_zero()) {
            let values = &mut self.values[place::<R>(row, 0)..][..R::SIZE];
            for (word, values) in values.chunks_exact_mut(64).enumerate() {
                let doubt = doubt.word(word);
                for (col, value) in values.iter_mut().enumerate() {
                    *value |= 0_u16.wrapping_sub((doubt >> col & 1) as u16);
                }
            }
        }
    }

    /// Takes what was in doubt from the other values, and tries arcs that are new.
    #[inline(always)]
    fn take_anew<L: Lanes>(&mut self, lanes: L) {
        for (at, arc) in self.masks.arcs.iter().enumerate() {
            let (old, new) = (&self.old[at * R::SIZE..][..R::SIZE], &self.masks.may_take[at * R::SIZE..][..R::SIZE]);
            for (row, new) in new.iter().enumerate() {
                let source = arc.from * R::SIZE + row;
                let mask = *new & (self.doubt[source] | !moved(old, row, self.moved));
                if mask.is_zero() {
                    continue;
                }
                let end = arc.to * R::SIZE + row.wrapping_add_signed(arc.rows as isize);
                self.dirty[source] |= relax(lanes, self.values, source, (end, arc.cols), arc.cost, mask);
            }
        }
        for (row, dirty) in self.dirty.iter().enumerate().filter(|(_, dirty)| !dirty.is_zero()) {
            let least = least(lanes, self.values, row, *dirty);
            debug_assert!(least < UNREACHED);
            self.queue.push(row, least as usize / BAND);
        }
    }
}
