//! Numbers as bytes, little-endian, for the record of plans. Whole numbers that are mostly small are written as LEB128
//! (DWARF 5, 7.6), signed ones in the zigzag order of Protocol Buffers.

use crate::geometry::{Geometry, Rect};
use crate::units::{Cell, Pose};

/// Bytes that aren't what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// They end too early.
    #[error("{field} is cut off: {needed} bytes are needed, {left} are left")]
    CutOff {
        /// What was being read.
        field: &'static str,
        /// So many bytes it has.
        needed: usize,
        /// So many there are.
        left: usize,
    },
    /// A value can't be.
    #[error("{field} is {value}, which is not {expected}")]
    Value {
        /// What was being read.
        field: &'static str,
        /// What was there.
        value: String,
        /// What could have been there.
        expected: &'static str,
    },
}

impl BytesError {
    /// A value that can't be.
    pub fn value(field: &'static str, value: &impl ToString, expected: &'static str) -> Self {
        Self::Value { field, value: value.to_string(), expected }
    }
}

/// Appends numbers to bytes.
pub trait Put {
    /// Appends bytes as they are.
    fn put_bytes(&mut self, bytes: &[u8]);

    /// Appends one byte.
    fn put_u8(&mut self, value: u8) {
        self.put_bytes(&[value]);
    }

    /// Appends a whole number, in one byte if it is less than 128.
    fn put_count(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.put_u8(value as u8);
    }

    /// Appends a signed number, in one byte if it is from −64 to 63.
    fn put_signed(&mut self, value: i64) {
        self.put_count((value << 1 ^ value >> 63) as u64);
    }

    /// Appends the eight bytes of a number.
    fn put_f64(&mut self, value: f64) {
        self.put_bytes(&value.to_bits().to_le_bytes());
    }

    /// Appends the four bytes of a number.
    fn put_f32(&mut self, value: f32) {
        self.put_bytes(&value.to_bits().to_le_bytes());
    }

    /// Appends a text with its length before it.
    fn put_text(&mut self, text: &str) {
        self.put_count(text.len() as u64);
        self.put_bytes(text.as_bytes());
    }

    /// Appends x, y and yaw.
    fn put_pose(&mut self, pose: Pose) {
        for value in [pose.x, pose.y, pose.yaw] {
            self.put_f64(value);
        }
    }

    /// Appends a column and a row.
    fn put_cell(&mut self, cell: Cell) {
        self.put_signed(cell.col.into());
        self.put_signed(cell.row.into());
    }

    /// Appends a rectangle.
    fn put_rect(&mut self, rect: Rect) {
        self.put_cell(Cell::new(rect.col, rect.row));
        self.put_count(rect.width.into());
        self.put_count(rect.height.into());
    }

    /// Appends size, resolution and origin.
    fn put_geometry(&mut self, geometry: &Geometry) {
        self.put_count(geometry.width().into());
        self.put_count(geometry.height().into());
        self.put_f64(geometry.resolution());
        self.put_pose(geometry.origin());
    }
}

impl Put for Vec<u8> {
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Reads what [`Put`] has written. Each method names what it reads, for the error.
///
/// ```
/// use trm_grid::bytes::{Bytes, Put};
///
/// let mut written = Vec::new();
/// written.put_count(300);
/// written.put_signed(-2);
/// written.put_text("wall");
/// let mut bytes = Bytes::new(&written);
/// assert_eq!((bytes.count("width")?, bytes.signed("col")?, bytes.text("name")?), (300, -2, "wall"));
/// let error = bytes.f64("yaw").unwrap_err().to_string();
/// assert_eq!(error, "yaw is cut off: 8 bytes are needed, 0 are left");
/// # Ok::<(), trm_grid::bytes::BytesError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(&'a [u8]);

/// Each error names the field, and a value if there is one.
#[expect(clippy::missing_errors_doc, reason = "BytesError when the bytes end or the value can't be")]
impl<'a> Bytes<'a> {
    /// From the first byte on.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.0.len()
    }

    /// The next bytes.
    pub fn bytes(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], BytesError> {
        let cut_off = BytesError::CutOff { field, needed: count, left: self.0.len() };
        let (taken, rest) = self.0.split_at_checked(count).ok_or(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], BytesError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(field, N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, BytesError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// A byte that is 0 or 1.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, BytesError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(BytesError::value(field, &other, "0 or 1")),
        }
    }

    /// A whole number.
    pub fn count(&mut self, field: &'static str) -> Result<u64, BytesError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(field)?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BytesError::value(field, &"longer than 64 bits", "a whole number"))
    }

    /// A whole number that fits a smaller type.
    pub fn small<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, BytesError> {
        let value = self.count(field)?;
        T::try_from(value).map_err(|_| BytesError::value(field, &value, "so small as it must be"))
    }

    /// The number of entries that follow, each of at least one byte.
    pub fn length(&mut self, field: &'static str) -> Result<usize, BytesError> {
        let value: usize = self.small(field)?;
        if value > self.left() {
            Err(BytesError::CutOff { field, needed: value, left: self.left() })
        } else {
            Ok(value)
        }
    }

    /// A signed number.
    pub fn signed(&mut self, field: &'static str) -> Result<i64, BytesError> {
        self.count(field).map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of eight bytes.
    pub fn f64(&mut self, field: &'static str) -> Result<f64, BytesError> {
        self.array(field).map(|bytes| f64::from_bits(u64::from_le_bytes(bytes)))
    }

    /// A number of four bytes.
    pub fn f32(&mut self, field: &'static str) -> Result<f32, BytesError> {
        self.array(field).map(|bytes| f32::from_bits(u32::from_le_bytes(bytes)))
    }

    /// A text.
    pub fn text(&mut self, field: &'static str) -> Result<&'a str, BytesError> {
        let length = self.length(field)?;
        std::str::from_utf8(self.bytes(field, length)?).map_err(|error| BytesError::value(field, &error, "UTF-8"))
    }

    /// A pose.
    pub fn pose(&mut self, field: &'static str) -> Result<Pose, BytesError> {
        Ok(Pose::new(self.f64(field)?, self.f64(field)?, self.f64(field)?))
    }

    /// A cell.
    pub fn cell(&mut self, field: &'static str) -> Result<Cell, BytesError> {
        let mut side = || {
            let value = self.signed(field)?;
            i32::try_from(value).map_err(|_| BytesError::value(field, &value, "a column or a row"))
        };
        Ok(Cell::new(side()?, side()?))
    }

    /// A rectangle.
    pub fn rect(&mut self, field: &'static str) -> Result<Rect, BytesError> {
        let Cell { col, row } = self.cell(field)?;
        Ok(Rect { col, row, width: self.small(field)?, height: self.small(field)? })
    }

    /// A geometry.
    pub fn geometry(&mut self, field: &'static str) -> Result<Geometry, BytesError> {
        let (width, height) = (self.small(field)?, self.small(field)?);
        let (resolution, origin) = (self.f64(field)?, self.pose(field)?);
        Geometry::new(width, height, resolution, origin).map_err(|error| BytesError::value(field, &error, "a grid's"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(count in any::<u64>(), signed in any::<i64>(), number in any::<f64>(), text in ".*") {
            let mut written = Vec::new();
            written.put_count(count);
            written.put_signed(signed);
            written.put_f64(number);
            written.put_text(&text);
            let mut bytes = Bytes::new(&written);
            prop_assert_eq!(bytes.count("count"), Ok(count));
            prop_assert_eq!(bytes.signed("signed"), Ok(signed));
            prop_assert_eq!(bytes.f64("number").map(f64::to_bits), Ok(number.to_bits()));
            prop_assert_eq!(bytes.text("text"), Ok(text.as_str()));
            prop_assert_eq!(bytes.left(), 0);
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_and_a_length_beyond_the_end_are_refused_by_name() {
        let long = [0xFF; 11];
        let error = Bytes::new(&long).count("stamp").unwrap_err().to_string();
        assert_eq!(error, "stamp is longer than 64 bits, which is not a whole number");
        let error = Bytes::new(&[0x85, 0x01, 0]).length("cells").unwrap_err().to_string();
        assert_eq!(error, "cells is cut off: 133 bytes are needed, 1 are left");
        let error = Bytes::new(&[2]).flag("whole").unwrap_err().to_string();
        assert_eq!(error, "whole is 2, which is not 0 or 1");
    }
}
