//! The time of `/clock`, for a node that follows it.

use std::sync::{Arc, Mutex};

use trm_flow::lock::lock;
use trm_flow::ros_time::RosTime;

/// Follows `/clock`.
pub struct RosClock {
    /// ROS time, for everybody.
    pub time: RosTime,
    /// r2r's clock, which `/clock` sets; `None` for the system's time.
    clock: Option<Arc<Mutex<r2r::Clock>>>,
}

impl RosClock {
    /// The system's time.
    pub const fn system() -> Self {
        Self { time: RosTime::system(), clock: None }
    }

    /// The time of `/clock`.
    ///
    /// # Errors
    /// When ROS refuses to listen.
    pub fn simulated(node: &mut r2r::Node) -> r2r::Result<Self> {
        node.get_time_source().enable_sim_time(node)?;
        let clock = Self { time: RosTime::simulated(), clock: Some(node.get_ros_clock()) };
        clock.refresh();
        Ok(clock)
    }

    /// Reads the time of `/clock`. The main thread calls it after each spin, so that no other needs the clock's lock.
    pub fn refresh(&self) {
        if let Some(clock) = &self.clock {
            self.time.set(lock(clock).get_now().unwrap_or_default());
        }
    }
}
