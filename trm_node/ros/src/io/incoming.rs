//! What subscriptions are called with, where that isn't a message.

use r2r::{Incoming, QosPolicyKind, WrappedTypesupport};
use trm_flow::log::Level;
use trm_flow::shared::{ROBOT, Shared};
use trm_planner::halt::deadline::Clock;

/// The message of a topic for which losses don't matter, because a newer one says all.
pub fn message<T: WrappedTypesupport + 'static>(
    incoming: Incoming<'_, T>,
    topic: &'static str,
    shared: &Shared,
) -> Option<T> {
    match incoming {
        Incoming::Message(message, _) => return Some(T::from_native(message)),
        Incoming::Lost(_) => {}
        Incoming::Incompatible(policy) => warn_of_policy(policy, topic, shared),
        Incoming::Failed(error) => shared.refuse(ROBOT, &format!("a message on {topic} can't be taken: {error}")),
    }
    None
}

/// Says that a publisher can't be heard.
pub fn warn_of_policy(policy: QosPolicyKind, topic: &'static str, shared: &Shared) {
    let policy = match policy {
        QosPolicyKind::Durability => "durability (it must be transient local)",
        QosPolicyKind::Reliability => "reliability (it must be reliable)",
        QosPolicyKind::Other => "quality of service",
    };
    let text = format!("a publisher on {topic} can't be heard because of its {policy}");
    shared.log.limited(topic, Level::Warn, &text, shared.clock.now());
}
