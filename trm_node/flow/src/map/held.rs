//! What the costs hold: told by the world thread, read by the planner thread without a lock.

use std::time::Duration;

/// The messages that costs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// The number of the last one: all before it are in the costs, or were replaced by newer ones.
    pub messages: u64,
    /// The stamp in its header, in ROS time.
    pub stamp: Duration,
}

/// The world thread's end.
pub type HeldWriter = triple_buffer::Input<Held>;
/// The planner thread's end.
pub type HeldReader = triple_buffer::Output<Held>;

/// Both ends.
#[must_use]
pub fn channel() -> (HeldWriter, HeldReader) {
    triple_buffer::triple_buffer(&Held::default())
}
