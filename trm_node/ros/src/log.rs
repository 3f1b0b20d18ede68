//! Log lines, through ROS.

use std::sync::Arc;

/// The node's logger.
#[derive(Clone)]
pub struct Log(Arc<str>);

impl Log {
    pub fn new(node: &r2r::Node) -> Self {
        Self(node.logger().into())
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
