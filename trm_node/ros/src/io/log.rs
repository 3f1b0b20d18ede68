//! Log lines, through ROS.

use std::sync::Arc;

/// The node's logger.
#[derive(Clone)]
pub struct Log(Arc<str>);

impl Log {
    /// A logger of this name.
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }

    pub fn info(&self, text: &str) {
        r2r::log_info!(&self.0, "{text}");
    }

    pub fn warn(&self, text: &str) {
        r2r::log_warn!(&self.0, "{text}");
    }

    pub fn error(&self, text: &str) {
        r2r::log_error!(&self.0, "{text}");
    }
}
