//! What tests of several files need.

use trm_config::NodeConfig;
use trm_flow::clock::NodeClock;
use trm_flow::log::Log;
use trm_flow::real_time::RealTime;
use trm_flow::ros_time::RosTime;
use trm_flow::shared::Shared;

/// A node's state without a node, to which nothing has come.
pub fn shared(config: &NodeConfig, time: RosTime) -> Shared {
    let log = Log::new(|_, _| ());
    let real_time = RealTime::prepare(config, &log);
    Shared::new("/test".to_owned(), log, NodeClock::start(), time, real_time, config).0
}
