//! A linear axis with chosen key points. plotters' own has no labels once its key points are chosen.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

/// A linear axis. Its key points have a label and a line of the grid.
pub struct LinearAxis {
    range: RangedCoordf64,
    key_points: Vec<f64>,
}

impl LinearAxis {
    /// An axis over a range, which may be reversed.
    pub fn new(range: Range<f64>, key_points: Vec<f64>) -> Self {
        Self { range: range.into(), key_points }
    }
}

impl Ranged for LinearAxis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.range.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.key_points.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.range()
    }
}
