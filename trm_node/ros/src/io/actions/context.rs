//! What the actions act on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedSender;
use trm_flow::commands::Commands;
use trm_flow::map::inbox::Inbox;
use trm_flow::messages::Record;
use trm_flow::request::MAX_REQUESTS;
use trm_flow::shared::Shared;

use crate::io::placing::Placing;

/// What all actions share.
pub struct Actions {
    pub shared: Arc<Shared>,
    pub placing: Placing,
    pub commands: Commands,
    pub inbox: Arc<Inbox>,
    pub records: UnboundedSender<Record>,
    /// Goals of all actions that aren't answered yet.
    unanswered: AtomicUsize,
}

impl Actions {
    /// Without a goal yet.
    pub const fn new(
        shared: Arc<Shared>,
        placing: Placing,
        commands: Commands,
        inbox: Arc<Inbox>,
        records: UnboundedSender<Record>,
    ) -> Self {
        Self { shared, placing, commands, inbox, records, unanswered: AtomicUsize::new(0) }
    }

    /// Counts a goal as unanswered, unless too many are.
    pub fn admit(&self) -> bool {
        let most = |count: usize| (count < MAX_REQUESTS).then_some(count + 1);
        self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, most).is_ok()
    }

    /// A goal that was admitted has its answer.
    pub fn release(&self) {
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}
