//! The report's plots, as SVG for the page.

mod canvas;
pub mod histogram;
mod linear_axis;
pub mod palette;
pub mod percentiles;
mod round_numbers;
pub mod stage_bars;
pub mod timeline;
