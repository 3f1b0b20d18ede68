//! What a real-time thread needs of Linux: a priority and a CPU of its own, memory that is there before it is used, a
//! clock, queues that never make it wait for another thread, and the count of what it costs the machine.
//!
//! Imports no other crate of the project and knows nothing of maps, models, planning or ROS. It logs nothing: what the
//! system refuses comes back as a value, for the caller to report. No planning, no parameters and no text for users
//! except the hints of [`refusal::Refusal`] may ever be in here.

pub mod allocator;
pub mod clock;
#[cfg(not(loom))]
pub mod cpu_latency;
#[cfg(not(loom))]
mod futex;
#[cfg(loom)]
mod loom_model;
pub mod memory;
pub mod meter;
pub mod real_time;
pub mod refusal;
pub mod ring;
mod scheduling;
mod sync;
pub mod usage;
mod wake;
