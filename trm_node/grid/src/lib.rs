//! Grids: their geometry, the costs of their cells, the cost of driving, the window that the model sees, the cost-to-go
//! over the whole map, and map files.
//!
//! May import `trm_config` and nothing else from this project. Path search, the model, clocks and ROS must never be in
//! it. Only [`files`] reads files: for [`map_file`], which is a feature, and for bundles. Only the sweeps of guidance switch vector
//! instructions on, which is all that is `unsafe` in it.

pub mod bytes;
pub mod cost;
mod cost_to_go;
pub mod costmap;
pub mod costmap_builder;
mod costs;
mod due;
pub mod error;
pub mod files;
mod frame;
pub mod geometry;
pub mod guidance;
mod inflation;
#[cfg(feature = "map_files")]
pub mod map_file;
pub mod moves;
pub mod occupancy;
mod pace;
mod packed;
mod regions;
pub mod step_costs;
mod sweep;
mod tariff;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tiles;
pub mod travel;
mod turn;
pub mod units;
pub mod upkeep;
mod wave;
pub mod window;
