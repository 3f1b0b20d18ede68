//! Grids: where they lie, what their cells cost to cross, the part of them that the model sees, and the cost-to-go over
//! the whole of them; and the files that maps are kept in.
//!
//! Imports the grid's parameters from `trm_config` and nothing else of this project. Holds no search for a path, no
//! model, no clock and no ROS.

pub mod cost;
mod cost_to_go;
pub mod costmap;
mod costs;
mod dijkstra;
pub mod error;
pub mod geometry;
pub mod guidance;
mod inflation;
#[cfg(feature = "map_files")]
pub mod map_file;
pub mod moves;
pub mod occupancy;
mod packed;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tiles;
pub mod travel;
pub mod units;
pub mod window;
