//! The node's log, through ROS.

use trm_flow::log::{Level, Log};

/// A log whose lines go to ROS's logger of this name.
pub fn ros(name: &str) -> Log {
    let name = name.to_owned();
    Log::new(move |level, text| match level {
        Level::Info => r2r::log_info!(&name, "{text}"),
        Level::Warn => r2r::log_warn!(&name, "{text}"),
        Level::Error => r2r::log_error!(&name, "{text}"),
    })
}
