//! Grids as they come in, what they cost to cross, and the parts of them that the model sees.

pub mod costmap;
pub mod guidance;
mod inflation;
pub mod moves;
pub mod occupancy;
#[cfg(test)]
pub(crate) mod testing;
pub mod travel;
pub mod window;
