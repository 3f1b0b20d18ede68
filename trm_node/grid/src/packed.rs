//! The received grid, stored with as few bits per cell as its values need. Most maps have only three distinct values.

use crate::error::GridError;
use crate::geometry::{Geometry, Rect};
use crate::occupancy::{OccupancyGrid, check_update};

/// Marks a value that has no code yet.
const NO_CODE: u8 = u8::MAX;

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
    packed: Vec<u8>,
}

impl PackedGrid {
    /// Packs a grid.
    pub fn new(grid: &OccupancyGrid) -> Self {
        let mut new =
            Self { geometry: *grid.geometry(), bits: 2, values: Vec::new(), codes: [NO_CODE; 256], packed: Vec::new() };
        new.add_codes(grid.data());
        new.fill(grid.data().iter().copied());
        new
    }

    /// The geometry of the grid.
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The value of a cell, given its index in row-major data.
    pub fn get(&self, at: usize) -> i8 {
        let per_byte = 8 / self.bits;
        let code = self.packed[at / per_byte] >> (at % per_byte * self.bits) & self.mask();
        self.values[code as usize]
    }

    /// The values of all cells, row-major.
    pub fn unpack(&self) -> impl Iterator<Item = i8> + '_ {
        (0..self.geometry.cells()).map(|at| self.get(at))
    }

    /// Overwrites a rectangle. The time depends on the rectangle alone, except that the whole grid is repacked when new
    /// values need more bits.
    ///
    /// # Errors
    /// [`GridError`] if the rectangle extends beyond the grid, or if the values are wrong in number or out of range.
    /// The grid is unchanged then.
    pub fn update(&mut self, rect: Rect, values: &[i8]) -> Result<(), GridError> {
        check_update(&self.geometry, rect, values)?;
        let bits = self.bits;
        if self.add_codes(values) > bits {
            let old = Self { bits, packed: std::mem::take(&mut self.packed), ..self.clone() };
            self.fill(old.unpack());
        }
        let geometry = self.geometry;
        for (range, row) in rect.rows(&geometry).zip(values.chunks(rect.width.max(1) as usize)) {
            range.zip(row).for_each(|(at, value)| self.set(at, *value));
        }
        Ok(())
    }

    /// Assigns codes to values that have none. Returns the bits per cell that are now needed.
    fn add_codes(&mut self, values: &[i8]) -> usize {
        for value in values {
            let code = &mut self.codes[*value as u8 as usize];
            if *code == NO_CODE {
                *code = self.values.len() as u8;
                self.values.push(*value);
            }
        }
        self.bits = match self.values.len() {
            ..=4 => 2,
            5..=16 => 4,
            _ => 8,
        };
        self.bits
    }

    fn fill(&mut self, values: impl Iterator<Item = i8>) {
        self.packed = vec![0; self.geometry.cells().div_ceil(8 / self.bits)];
        values.enumerate().for_each(|(at, value)| self.set(at, value));
    }

    fn set(&mut self, at: usize, value: i8) {
        let (per_byte, mask) = (8 / self.bits, self.mask());
        let shift = at % per_byte * self.bits;
        let byte = &mut self.packed[at / per_byte];
        *byte = *byte & !(mask << shift) | self.codes[value as u8 as usize] << shift;
    }

    const fn mask(&self) -> u8 {
        u8::MAX >> (8 - self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    fn packed(width: u32, height: u32, data: Vec<i8>) -> PackedGrid {
        let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
        PackedGrid::new(&OccupancyGrid::new(geometry, data).unwrap())
    }

    #[test]
    fn an_update_outside_the_grid_is_refused_and_changes_nothing() {
        let mut grid = packed(4, 4, vec![0; 16]);
        for rect in [(3, 0, 2, 1), (-1, 0, 2, 1), (0, 3, 1, 2), (i32::MAX, 0, u32::MAX, 1)] {
            let rect = Rect { col: rect.0, row: rect.1, width: rect.2, height: rect.3 };
            assert!(grid.update(rect, &[100, 100]).is_err());
        }
        assert!(grid.unpack().all(|value| value == 0));
        grid.update(Rect { col: 2, row: 3, width: 2, height: 1 }, &[7, 8]).unwrap();
        assert_eq!(grid.unpack().skip(14).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn three_values_take_two_bits_each() {
        let grid = packed(100, 100, (0..10_000).map(|at| [-1, 0, 100][at % 3]).collect());
        assert_eq!(grid.packed.len(), 2500);
    }

    proptest! {
        #[test]
        fn reading_returns_the_values_that_were_written(
            width in 1_u32..12, height in 1_u32..12, few in 1_i16..102,
            updates in prop::collection::vec((0_u32..12, 0_u32..12, 0_u32..12, 0_u32..12, -1_i8..101), 0..8), seed in any::<u32>(),
        ) {
            let value = |at: usize| ((at as i64 * 7 + i64::from(seed)) % i64::from(few) - 1) as i8;
            let data: Vec<i8> = (0..(width * height) as usize).map(value).collect();
            let mut grid = packed(width, height, data.clone());
            let mut plain = OccupancyGrid::new(*grid.geometry(), data).unwrap();
            for (col, row, wide, high, value) in updates {
                let (col, row) = (col.min(width), row.min(height));
                let (wide, high) = (wide.min(width - col), high.min(height - row));
                let rect = Rect { col: col as i32, row: row as i32, width: wide, height: high };
                grid.update(rect, &vec![value; rect.area()]).unwrap();
                plain.update(rect, &vec![value; rect.area()]).unwrap();
            }
            prop_assert_eq!(grid.unpack().collect::<Vec<_>>(), plain.data());
        }
    }
}
