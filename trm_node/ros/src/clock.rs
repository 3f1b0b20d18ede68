//! The two clocks: the monotonic one for deadlines, ROS time (which a simulator may set) for stamps and their age.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use trm_core::halt::deadline::Clock;

use crate::shared::lock;

/// `CLOCK_MONOTONIC`, from the start of the node. All copies read the same.
#[derive(Clone, Copy)]
pub struct Monotonic(Instant);

impl Monotonic {
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// ROS time: the system's, or `/clock`'s with `use_sim_time`.
#[derive(Clone)]
pub struct RosClock(Arc<Mutex<r2r::Clock>>);

impl RosClock {
    pub fn new(node: &r2r::Node) -> Self {
        Self(node.get_ros_clock())
    }

    /// Time since the epoch; nothing before the first message on `/clock`.
    pub fn now(&self) -> Duration {
        lock(&self.0).get_now().unwrap_or_default()
    }
}
