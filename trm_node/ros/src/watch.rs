//! What the main thread watches: the other threads, its own pauses, and the graph.

use std::sync::Arc;
use std::time::Duration;

use trm_flow::heartbeats::Part;
use trm_flow::log::Level;
use trm_flow::shared::Shared;
use trm_planner::halt::deadline::Clock;

use crate::io::diagnostics::late;
use crate::io::matches::Matches;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(500);
/// The main thread comes round 4 times a second. When it doesn't for so long, the process stood still: a debugger, a
/// freezer, a suspended machine.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The main thread's watch.
pub struct Watch {
    shared: Arc<Shared>,
    came_round: Duration,
    looked: Duration,
    has_twin: bool,
    matches: Matches,
}

impl Watch {
    /// Begins to watch.
    pub fn new(shared: Arc<Shared>, matches: Matches) -> Self {
        let now = shared.clock.now();
        Self { shared, came_round: now, looked: now, has_twin: false, matches }
    }

    /// Whether the process stood still since the last call.
    pub fn stood_still(&mut self) -> bool {
        let now = self.shared.clock.now();
        self.shared.beats.beat(Part::Spin, now);
        now.saturating_sub(std::mem::replace(&mut self.came_round, now)) > STANDSTILL
    }

    /// Looks around once in a while.
    pub fn look(&mut self, node: &r2r::Node) {
        let now = self.shared.clock.now();
        if now < self.looked + PERIOD {
            return;
        }
        self.looked = now;
        self.matches.look(node, &self.shared.log, now);
        for (part, silence) in self.shared.beats.late(now) {
            self.shared.log.limited(part.name(), Level::Error, &late(part, silence), now);
        }
        let name = &self.shared.name;
        let twins = node.node_names().unwrap_or_default().iter().filter(|other| *other == name).count();
        if twins > 1 && !self.has_twin {
            self.shared
                .log
                .warn(&format!("another node has the name {name}: both answer its services and publish its topics"));
        }
        self.has_twin = twins > 1;
    }
}
