//! What subscriptions are called with, where that isn't a message.

use r2r::{Incoming, WrappedTypesupport};
use trm_flow::shared::{ROBOT, Shared};

/// The message of a topic for which losses don't matter, because a newer one says all.
pub fn message<T: WrappedTypesupport + 'static>(
    incoming: Incoming<'_, T>,
    topic: &'static str,
    shared: &Shared,
) -> Option<T> {
    match incoming {
        Incoming::Message(message, _) => return Some(T::from_native(message)),
        Incoming::Lost(_) => {}
        Incoming::Failed(error) => shared.refuse(ROBOT, &format!("a message on {topic} can't be taken: {error}")),
    }
    None
}
