//! Streams of which only the newest message counts.

use futures::{FutureExt, Stream, StreamExt};

use trm_flow::health::{Health, Input};
use trm_flow::shared::Shared;

/// The newest message, once there is one. Older ones that were queued before it are counted as lost.
pub async fn newest<T>(
    stream: &mut (impl Stream<Item = T> + Unpin),
    shared: &Shared,
    input: fn(&mut Health) -> &mut Input,
) -> Option<T> {
    let mut message = stream.next().await?;
    let mut lost = 0;
    while let Some(Some(newer)) = stream.next().now_or_never() {
        message = newer;
        lost += 1;
    }
    if lost > 0 {
        input(&mut shared.health()).lose(lost);
    }
    Some(message)
}
