//! What the record of plans needs from threads that may wait: planners, costs and guidance. The planner thread tells
//! only their numbers ([`crate::notes`]).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use trm_config::Config;
use trm_grid::costmap::GridChange;
use trm_grid::guidance::Guidance;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock;
use trm_planner::record::entry::PlannerMade;
use trm_planner::record::readings::{KeptClock, Readings};

/// So many pieces may wait to be written.
const CONTENTS: usize = 4096;
/// Readings of the clock that making a planner has room for.
const READINGS: usize = 1 << 12;

/// A piece of the record.
pub enum Content {
    /// A planner was made.
    Planner(Box<PlannerMade>),
    /// The costs have changed.
    Costs(GridChange),
    /// Guidance was computed for the goal.
    Guidance {
        /// Its number.
        number: u64,
        /// It.
        groups: Vec<Guidance>,
    },
}

/// The way of these pieces to the notes thread, if plans are recorded.
pub struct PlanLog {
    sender: Option<Sender<Content>>,
    receiver: Mutex<Option<Receiver<Content>>>,
    /// How many planners were made.
    planners: AtomicU64,
    /// How much was lost, on this way and on that of the planner thread.
    pub lost: AtomicU64,
    /// Something was lost since this was asked last.
    has_gap: AtomicBool,
}

impl PlanLog {
    /// Whether anything is recorded is known from the beginning.
    #[must_use]
    pub fn new(is_on: bool) -> Self {
        let (sender, receiver) = is_on.then(|| bounded(CONTENTS)).unzip();
        Self {
            sender,
            receiver: Mutex::new(receiver),
            planners: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            has_gap: AtomicBool::new(false),
        }
    }

    /// Whether plans are recorded.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    /// The end of the notes thread; once.
    #[must_use]
    pub fn receiver(&self) -> Option<Receiver<Content>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends a piece, if plans are recorded. It is lost, and counted, where too many wait.
    pub fn put(&self, content: impl FnOnce() -> Content) {
        if self.sender.as_ref().is_some_and(|sender| sender.try_send(content()).is_err()) {
            self.lose();
        }
    }

    /// Notes that something is lost.
    pub fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.has_gap.store(true, Ordering::SeqCst);
    }

    /// Whether something was lost since the last call.
    pub(crate) fn take_gap(&self) -> bool {
        self.has_gap.swap(false, Ordering::SeqCst)
    }

    /// Makes a planner with a bundle, and notes it under a number if plans are recorded.
    ///
    /// # Errors
    /// Those of [`Planner::new`].
    pub fn planner(&self, config: &Config, bundle: &Bundle, clock: &dyn Clock) -> Result<Planner, LoadError> {
        if !self.is_on() {
            return Planner::new(&config.grid, &config.planner, bundle, clock);
        }
        let mut readings = Readings::with_room(READINGS);
        let made = Planner::new(&config.grid, &config.planner, bundle, &KeptClock::new(clock, None, &mut readings))?;
        let number = self.planners.fetch_add(1, Ordering::Relaxed) + 1;
        if readings.is_full {
            self.lose();
        }
        self.put(|| {
            Content::Planner(Box::new(PlannerMade {
                number,
                bundle: bundle.manifest.name.clone(),
                hash: bundle.hash.clone(),
                backend: made.backend().unwrap_or_default().to_owned(),
                config: config.clone(),
                readings,
            }))
        });
        Ok(made.numbered(number))
    }
}
