//! Judges of what a planner says, by the raw occupancy alone: they share no code with what plans.

pub mod asked;
pub mod flood;
pub mod raw_map;
#[cfg(test)]
mod tests;
