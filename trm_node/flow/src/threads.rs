//! The node's own threads.

pub mod garbage;
pub mod guidance;
pub mod notes;
pub mod plan_channel;
pub mod planner;
pub mod publisher;
pub mod start;
pub mod ticks;
pub mod workshop;
pub mod world;
