//! The received grid, stored with as few bits per cell as its values need. Most maps have only three distinct values.

use crate::error::Interrupted;
use crate::geometry::{Geometry, Rect};
use crate::pace::{Pace, STRIDE};

/// Marks a value that has no code yet.
const NO_CODE: u8 = u8::MAX;
/// The value of a code that no value has.
const NO_VALUE: i8 = i8::MIN;

/// The occupancy of each cell, −1 or 0 to 100, row-major from the origin. A cell stores a code: an index into the list
/// of the values that occur.
#[derive(Debug, Clone)]
pub(super) struct PackedGrid {
    geometry: Geometry,
    /// Bits per cell: 2, 4 or 8.
    bits: usize,
    /// The value of each code.
    values: Vec<i8>,
    /// The code of each value, indexed by the value as `u8`.
    codes: [u8; 256],
    /// The values of the cells in each byte, as many as it has.
    unpacked: Box<[[i8; 4]; 256]>,
    packed: Vec<u8>,
}

impl PackedGrid {
    /// A grid whose cells all have the first value that it is [prepared](Self::prepare) for.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            bits: 2,
            values: Vec::new(),
            codes: [NO_CODE; 256],
            unpacked: Box::new([[NO_VALUE; 4]; 256]),
            packed: vec![0; bytes(&geometry, 2)],
        }
    }

    /// The geometry of the grid.
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The value of each code.
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The code of a cell's value, given the cell's index in row-major data.
    pub fn code(&self, at: usize) -> u8 {
        code(&self.packed, self.bits, at)
    }

    /// Makes sure that values can be written. The time depends on their number alone, except that the whole grid is
    /// repacked, twice in its life at most, when new values need more bits.
    ///
    /// # Errors
    /// [`Interrupted`] if the work must stop. Nothing changes then.
    pub fn prepare(&mut self, values: &[i8], pace: &mut Pace) -> Result<(), Interrupted> {
        if values.iter().all(|value| self.codes[*value as u8 as usize] != NO_CODE) {
            return pace.spend(values.len());
        }
        let (mut codes, mut list) = (self.codes, self.values.clone());
        for values in values.chunks(STRIDE) {
            for value in values {
                let code = &mut codes[*value as u8 as usize];
                if *code == NO_CODE {
                    *code = list.len() as u8;
                    list.push(*value);
                }
            }
            pace.spend(values.len())?;
        }
        let bits = match list.len() {
            ..=4 => 2,
            5..=16 => 4,
            _ => 8,
        };
        if bits > self.bits {
            let mut packed = vec![0; bytes(&self.geometry, bits)];
            // Code 0 is there already: most of a grid that is new, and of many others.
            for first in (0..self.geometry.cells()).step_by(STRIDE) {
                let cells = first..self.geometry.cells().min(first + STRIDE);
                pace.spend(cells.len())?;
                cells.map(|at| (at, self.code(at))).filter(|(_, code)| *code > 0).for_each(|(at, code)| {
                    set_code(&mut packed, bits, at, code);
                });
            }
            (self.packed, self.bits) = (packed, bits);
        }
        (self.codes, self.values) = (codes, list);
        for (byte, values) in (0..=u8::MAX).zip(self.unpacked.iter_mut()) {
            let code = |at| code(&[byte], self.bits, at) as usize;
            let cells = (0..8 / self.bits).map(|at| self.values.get(code(at)).copied().unwrap_or(NO_VALUE));
            values.iter_mut().zip(cells).for_each(|(value, cell)| *value = cell);
        }
        Ok(())
    }

    /// Whether a rectangle of the grid has these values already, `rows` from the lowest on. Byte by byte: of a large
    /// grid that is sent again this is nearly all the work.
    pub fn has<'a>(&self, rect: Rect, rows: impl Iterator<Item = &'a [i8]>) -> bool {
        rect.rows(&self.geometry).zip(rows).all(|(range, values)| match self.bits {
            2 => self.has_row::<4>(range.start, values),
            4 => self.has_row::<2>(range.start, values),
            _ => self.has_row::<1>(range.start, values),
        })
    }

    /// Whether the cells from `first` on have these values, where a byte has `CELLS` cells.
    fn has_row<const CELLS: usize>(&self, first: usize, values: &[i8]) -> bool {
        let has = |first: usize, values: &[i8]| {
            (first..).zip(values).all(|(at, value)| self.values.get(self.code(at) as usize) == Some(value))
        };
        let (head, values) = values.split_at((first.next_multiple_of(CELLS) - first).min(values.len()));
        let (middle, tail) = values.as_chunks::<CELLS>();
        let bytes = &self.packed[(first + head.len()) / CELLS..];
        has(first, head)
            && middle.iter().zip(bytes).all(|(cells, byte)| self.unpacked[*byte as usize].first_chunk() == Some(cells))
            && has(first + head.len() + middle.as_flattened().len(), tail)
    }

    /// Overwrites a rectangle of the grid with values that it is prepared for, `rows` from the lowest on. Returns the
    /// smallest rectangle that contains all cells that have changed.
    pub fn write<'a>(&mut self, rect: Rect, rows: impl Iterator<Item = &'a [i8]>) -> Option<Rect> {
        let geometry = self.geometry;
        let mut changed: Option<Rect> = None;
        for ((range, values), row) in rect.rows(&geometry).zip(rows).zip(rect.row..) {
            let differs = |(at, value): (usize, &i8)| self.code(at) != self.codes[*value as u8 as usize];
            let Some(first) = range.clone().zip(values).position(differs) else { continue };
            let last = range.clone().zip(values).rposition(differs).unwrap_or(first);
            for (at, value) in range.zip(values).skip(first).take(last + 1 - first) {
                set_code(&mut self.packed, self.bits, at, self.codes[*value as u8 as usize]);
            }
            let here = Rect { col: rect.col + first as i32, row, width: (last + 1 - first) as u32, height: 1 };
            changed = Some(changed.map_or(here, |changed| changed.including(here)));
        }
        changed
    }
}

/// The length of a grid's data with this number of bits per cell.
const fn bytes(geometry: &Geometry, bits: usize) -> usize {
    geometry.cells().div_ceil(8 / bits)
}

/// The byte of a cell, and how far its code is shifted in it.
const fn place(bits: usize, at: usize) -> (usize, usize) {
    // Cells per byte: 4, 2 or 1.
    let per_byte = (8 / bits as u8).trailing_zeros();
    (at >> per_byte, (at & ((1 << per_byte) - 1)) * bits)
}

const fn mask(bits: usize) -> u8 {
    u8::MAX >> (8 - bits)
}

fn code(packed: &[u8], bits: usize, at: usize) -> u8 {
    let (byte, shift) = place(bits, at);
    packed[byte] >> shift & mask(bits)
}

fn set_code(packed: &mut [u8], bits: usize, at: usize, code: u8) {
    let (byte, shift) = place(bits, at);
    packed[byte] = packed[byte] & !(mask(bits) << shift) | code << shift;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::occupancy::OccupancyGrid;
    use crate::units::Pose;
    use proptest::prelude::*;

    fn write(grid: &mut PackedGrid, rect: Rect, values: &[i8]) -> Option<Rect> {
        let mut go_on = || true;
        grid.prepare(values, &mut Pace::new(&mut go_on)).unwrap();
        grid.write(rect, values.chunks(rect.width.max(1) as usize))
    }

    fn has(grid: &PackedGrid, rect: Rect, values: &[i8]) -> bool {
        grid.has(rect, values.chunks(rect.width.max(1) as usize))
    }

    fn packed(width: u32, height: u32, data: &[i8]) -> PackedGrid {
        let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
        let mut grid = PackedGrid::new(geometry);
        write(&mut grid, Rect::whole(&geometry), data);
        grid
    }

    fn unpacked(grid: &PackedGrid) -> Vec<i8> {
        (0..grid.geometry.cells()).map(|at| grid.values[grid.code(at) as usize]).collect()
    }

    #[test]
    fn three_values_take_two_bits_each() {
        let grid = packed(100, 100, &(0..10_000).map(|at| [-1, 0, 100][at % 3]).collect::<Vec<_>>());
        assert_eq!(grid.packed.len(), 2500);
    }

    #[test]
    fn interrupted_preparing_changes_nothing() {
        let data = vec![0; 10_000];
        let mut grid = packed(100, 100, &data);
        let mut go_on = || false;
        let many: Vec<i8> = (0..=100).collect();
        assert!(grid.prepare(&many, &mut Pace::new(&mut go_on)).is_err());
        assert_eq!((unpacked(&grid), grid.values.len(), grid.bits), (data, 1, 2));
    }

    proptest! {
        #[test]
        fn reading_returns_the_values_that_were_written(
            width in 1_u32..12, height in 1_u32..12, few in 1_i16..102,
            updates in prop::collection::vec((0_u32..12, 0_u32..12, 0_u32..12, 0_u32..12, -1_i8..101), 0..8), seed in any::<u32>(),
        ) {
            let value = |at: usize| ((at as i64 * 7 + i64::from(seed)) % i64::from(few) - 1) as i8;
            let data: Vec<i8> = (0..(width * height) as usize).map(value).collect();
            let mut grid = packed(width, height, &data);
            let mut plain = OccupancyGrid::new(*grid.geometry(), data).unwrap();
            for (col, row, wide, high, value) in updates {
                let (col, row) = (col.min(width), row.min(height));
                let (wide, high) = (wide.min(width - col), high.min(height - row));
                let rect = Rect { col: col as i32, row: row as i32, width: wide, height: high };
                let before = plain.clone();
                let had = has(&grid, rect, &vec![value; rect.area()]);
                let changed = write(&mut grid, rect, &vec![value; rect.area()]);
                plain.update(rect, &vec![value; rect.area()]).unwrap();
                prop_assert_eq!(had, changed.is_none());
                prop_assert!(has(&grid, rect, &vec![value; rect.area()]));
                let differing = Rect::whole(grid.geometry()).cells().zip(before.data().iter().zip(plain.data()));
                let differing = differing.filter(|(_, (before, after))| before != after);
                let differing = differing.map(|(cell, _)| Rect { col: cell.col, row: cell.row, width: 1, height: 1 });
                prop_assert_eq!(changed, differing.reduce(Rect::including));
            }
            prop_assert_eq!(unpacked(&grid), plain.data());
        }
    }
}
