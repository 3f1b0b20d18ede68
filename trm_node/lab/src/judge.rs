//! Judges of what a planner says, by the raw occupancy alone: they share no code with what plans.

pub mod asked;
pub mod driven;
pub mod flood;
pub mod line;
pub mod polygon;
pub mod raw_map;
pub mod reachable;
pub mod stand;
pub mod swept;
#[cfg(test)]
mod tests;
