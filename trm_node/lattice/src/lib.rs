//! Robots that aren't discs: motions between poses with a heading, the cells that the robot's outline sweeps on them, and
//! the exact cost-to-go over position and heading, of a window and of a whole map.
//!
//! May import `trm_config` and `trm_grid`. The check of what is published, `trm_safety`, must share no code with it; the
//! model, clocks and ROS must never be in it.
//!
//! Every computation on a field is written once, in operations on 64 values, and compiled for each instruction set
//! ([`level::Level`]). Those operations must be inlined into a function that has the instructions switched on, hence
//! `#[inline(always)]` on everything below it.
//!
//! Units are cells, and headings are relative to the grid's columns.
#![expect(clippy::inline_always, reason = "vector operations must end up in the function that switches them on")]

mod bands;
pub mod blocked;
pub mod clearance;
pub mod connect;
pub mod curves;
mod dijkstra;
mod engine;
pub mod error;
pub mod field;
pub mod headings;
#[cfg(test)]
mod judge;
pub mod lattice;
pub mod level;
pub mod levels;
pub mod map_field;
mod masks;
pub mod motion;
mod obstacles;
pub mod path;
pub mod pose;
pub mod pose_guidance;
pub mod primitive;
mod queue;
mod repair;
pub mod roll_out;
mod row;
pub mod search;
pub mod seed;
pub mod shorten;
mod simd;
mod state_table;
pub mod sweep;
pub mod tariff;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod values;
