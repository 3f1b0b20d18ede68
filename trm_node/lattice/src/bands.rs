//! The exact cost-to-go by whole rows of states: label correcting in bands of cost, first in first out.
//!
//! A band is done when no value within it can change any more, so all values below the next one are final. Rows of the same
//! band wait for each other: the last in first out, or bands of one unit, take twice the time.

use crate::lattice::UNITS_PER_CELL;
use crate::masks::Masks;
use crate::queue::Queue;
use crate::row::Row;
use crate::simd::lanes::{Job, Lanes, UNREACHED};
use crate::values::{below, least, relax};

/// The width of a band in units.
pub(crate) const BAND: usize = 16 * UNITS_PER_CELL as usize;
/// Bands that hold all values.
pub(crate) const BANDS: usize = UNREACHED as usize / BAND + 2;
/// Rows between two looks at the clock within a band.
const ROWS_BETWEEN_LOOKS: u32 = 64;

/// Improves values until all that can be improved is.
pub(crate) struct Spread<'a, R> {
    pub masks: &'a Masks<R>,
    pub values: &'a mut [u16],
    /// `[heading, row]`: the values that have improved since their neighbours looked at them. Their rows are in the queue.
    pub dirty: &'a mut [R],
    pub queue: &'a mut Queue,
    pub may_go_on: &'a mut dyn FnMut() -> bool,
}

impl<R: Row> Job for Spread<'_, R> {
    /// All values below this one are final.
    type Output = u16;

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) -> u16 {
        for band in 0..self.queue.bands() {
            if self.queue.is_empty() {
                break;
            }
            let first = (band * BAND).min(UNREACHED as usize) as u16;
            let mut rows = 0;
            while let Some(row) = self.queue.pop(band) {
                if rows % ROWS_BETWEEN_LOOKS == 0 && !(self.may_go_on)() {
                    self.queue.push(row, band);
                    return first;
                }
                rows += 1;
                self.spread_row(lanes, band, row);
            }
        }
        UNREACHED
    }
}

impl<R: Row> Spread<'_, R> {
    /// Tells the neighbours of a row's improved values within a band about them.
    #[inline(always)]
    fn spread_row<L: Lanes>(&mut self, lanes: L, band: usize, row: usize) {
        let end = ((band + 1) * BAND).min(UNREACHED as usize) as u16;
        let dirty = self.dirty[row];
        let now = dirty & below(lanes, self.values, row, end);
        let later = dirty & !now;
        self.dirty[row] = later;
        if !later.is_zero() {
            self.queue.push(row, least(lanes, self.values, row, later) as usize / BAND);
        }
        if now.is_zero() {
            return;
        }
        let (heading, row_of_window) = (row / R::SIZE, row % R::SIZE);
        let arcs = self.masks.arcs_into(heading);
        let may_take = self.masks.may_take[arcs.start * R::SIZE..].chunks_exact(R::SIZE);
        for (arc, may_take) in self.masks.arcs[arcs].iter().zip(may_take) {
            let source = row_of_window.wrapping_add_signed(-arc.rows as isize);
            if source >= R::SIZE {
                continue;
            }
            let mask = now.look(arc.cols) & may_take[source];
            if mask.is_zero() {
                continue;
            }
            let source = arc.from * R::SIZE + source;
            let changed = relax(lanes, self.values, source, (row, arc.cols), arc.cost, mask);
            if !changed.is_zero() {
                self.dirty[source] |= changed;
                self.queue.push(source, (band * BAND + arc.cost as usize) / BAND);
            }
        }
    }
}
