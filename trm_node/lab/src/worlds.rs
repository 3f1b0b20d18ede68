//! Worlds to plan in, and queries about them: maps, generated worlds, mazes, moving obstacles, and the classical searches
//! that say what a query costs at best.

pub mod along_path;
mod corridor_maze;
pub mod generators;
pub mod map_set;
pub mod maze_hard;
pub mod obstacles;
pub mod optimum;
pub mod random;
pub mod regions;
mod rooms;
pub mod tiled;
pub mod weighted_a_star;
pub mod world;
