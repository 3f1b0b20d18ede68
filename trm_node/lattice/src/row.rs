//! A row of a window as bits.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// The bits of one row: bit c is column c.
pub(crate) trait Row:
    Copy
    + Default
    + PartialEq
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitOrAssign
    + Not<Output = Self>
    + std::fmt::Debug
{
    /// Columns.
    const SIZE: usize;
    /// Words of 64 columns.
    const WORDS: usize = Self::SIZE / 64;

    /// The bits moved down by some columns, less than [`Self::SIZE`]: bit c is bit c + cols of this row, and 0 where there
    /// is none.
    fn look(self, cols: i32) -> Self;
    /// One column.
    fn bit(col: usize) -> Self;
    /// 64 columns.
    fn word(self, at: usize) -> u64;
    /// Adds 64 columns.
    fn add_word(&mut self, at: usize, bits: u64);

    /// Whether no bit is set.
    #[inline(always)]
    fn is_zero(self) -> bool {
        self == Self::default()
    }
    /// Whether a column is set.
    #[inline(always)]
    fn has(self, col: usize) -> bool {
        self.word(col / 64) >> (col % 64) & 1 != 0
    }
}

macro_rules! row {
    ($bits:ty) => {
        impl Row for $bits {
            const SIZE: usize = <$bits>::BITS as usize;

            #[inline(always)]
            fn look(self, cols: i32) -> Self {
                if cols >= 0 { self >> cols as u32 } else { self << cols.unsigned_abs() }
            }
            #[inline(always)]
            fn bit(col: usize) -> Self {
                1 << col
            }
            #[inline(always)]
            fn word(self, at: usize) -> u64 {
                (self >> (64 * at)) as u64
            }
            #[inline(always)]
            fn add_word(&mut self, at: usize, bits: u64) {
                *self |= <$bits>::from(bits) << (64 * at);
            }
        }
    };
}

row!(u64);
row!(u128);
