//! Worlds to plan in: maps, generated ones and mazes, with obstacles that move in them and queries in their free parts.

pub mod corridors;
pub mod generators;
pub mod map_set;
pub mod mazes;
pub mod obstacles;
pub mod optimum;
pub mod random;
pub mod regions;
pub mod tiled;
pub mod world;
