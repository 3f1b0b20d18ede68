//! Grids as they come in, what they cost to cross, and the parts of them that the model sees.

mod cost_to_go;
pub mod costmap;
mod costs;
pub mod guidance;
mod inflation;
pub mod moves;
pub mod occupancy;
mod packed;
#[cfg(test)]
pub(crate) mod testing;
pub mod tiles;
pub mod travel;
mod wave;
pub mod window;
