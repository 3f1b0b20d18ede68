//! The contents of a `nav_msgs/OccupancyGrid` message, validated.

use crate::error::GridError;
use crate::geometry::{Geometry, Rect};

/// The occupancy of each cell: −1 for unknown, otherwise 0 to 100 per cent.
#[derive(Debug, Clone, PartialEq)]
pub struct OccupancyGrid {
    geometry: Geometry,
    data: Vec<i8>,
}

impl OccupancyGrid {
    /// Creates a grid from data that is row-major from the origin.
    ///
    /// # Errors
    /// [`GridError`] if the number of values is not width × height, or if a value is outside −1 to 100.
    pub fn new(geometry: Geometry, data: Vec<i8>) -> Result<Self, GridError> {
        check_values(&data, geometry.width(), geometry.height())?;
        Ok(Self { geometry, data })
    }

    /// The geometry of the grid.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The values, row-major from the origin.
    #[must_use]
    pub fn data(&self) -> &[i8] {
        &self.data
    }

    /// Overwrites a rectangle.
    ///
    /// # Errors
    /// [`GridError`] if the rectangle extends beyond the grid, or if the values are wrong in number or out of range.
    /// The grid is unchanged then.
    pub fn update(&mut self, rect: Rect, values: &[i8]) -> Result<(), GridError> {
        check_update(&self.geometry, rect, values)?;
        for (range, row) in rect.rows(&self.geometry).zip(values.chunks(rect.width.max(1) as usize)) {
            self.data[range].copy_from_slice(row);
        }
        Ok(())
    }
}

/// Checks an update of a rectangle of a grid.
///
/// # Errors
/// [`GridError`] if the rectangle extends beyond the grid, or if the values are wrong in number or out of range.
pub(super) fn check_update(geometry: &Geometry, rect: Rect, values: &[i8]) -> Result<(), GridError> {
    let inside = rect.col >= 0
        && rect.row >= 0
        && i64::from(rect.col) + i64::from(rect.width) <= i64::from(geometry.width())
        && i64::from(rect.row) + i64::from(rect.height) <= i64::from(geometry.height());
    if !inside {
        return Err(GridError {
            field: "update rectangle",
            value: format!("{} x {} at ({}, {})", rect.width, rect.height, rect.col, rect.row),
            expected: format!("the grid has {} x {} cells", geometry.width(), geometry.height()),
        });
    }
    check_values(values, rect.width, rect.height)
}

/// So many values are checked at once.
const STRETCH: usize = 4096;

fn check_values(data: &[i8], width: u32, height: u32) -> Result<(), GridError> {
    let expected = width as usize * height as usize;
    if data.len() != expected {
        return Err(GridError {
            field: "data length",
            value: data.len().to_string(),
            expected: format!("info says {width} x {height} = {expected}"),
        });
    }
    let is_bad = |value: &i8| !(-1..=100).contains(value);
    // A stretch at once, which the compiler does with vectors: grids have millions of values.
    let stretch = data.chunks(STRETCH).position(|values| values.iter().fold(false, |any, value| any | is_bad(value)));
    let first = stretch.unwrap_or_default() * STRETCH;
    if let Some(at) = stretch.and_then(|_| data[first..].iter().position(is_bad)).map(|at| first + at) {
        return Err(GridError {
            field: "data",
            value: format!("{} at index {at}", data[at]),
            expected: "values are -1 (unknown) or 0 to 100".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;

    #[test]
    fn an_error_names_a_wrong_number_of_values_and_a_value_out_of_range() {
        let geometry = Geometry::new(10, 10, 0.1, Pose::default()).unwrap();
        let error = OccupancyGrid::new(geometry, vec![0; 99]).unwrap_err().to_string();
        assert_eq!(error, "grid refused: data length is 99, but info says 10 x 10 = 100");
        let error = OccupancyGrid::new(geometry, vec![101; 100]).unwrap_err().to_string();
        assert!(error.contains("101 at index 0"), "{error}");
    }
}
