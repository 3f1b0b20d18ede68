//! Worlds to plan in, and queries about them: maps, generated worlds, mazes, moving obstacles, and the classical
//! searches that say what a query costs at best.

pub(crate) mod along_path;
mod corridor_maze;
pub(crate) mod generators;
pub(crate) mod map_set;
pub(crate) mod maze_hard;
pub(crate) mod obstacles;
pub mod optimum;
pub(crate) mod random;
pub(crate) mod regions;
mod rooms;
pub(crate) mod tiled;
pub(crate) mod world;
