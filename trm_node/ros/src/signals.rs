//! Signals: the end, and that the process was stopped and goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM};
use signal_hook::flag;

/// Flags that signals set. They need no thread that would have to run first.
pub struct Signals {
    stop: Arc<AtomicBool>,
    goes_on: Arc<AtomicBool>,
}

impl Signals {
    /// Registers the handlers.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn register() -> io::Result<Self> {
        let signals = Self { stop: Arc::default(), goes_on: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&signals.stop))?;
        }
        flag::register(SIGCONT, Arc::clone(&signals.goes_on))?;
        Ok(signals)
    }

    /// Whether the node must end.
    pub fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether the process was stopped and goes on, since the last call.
    pub fn was_stopped(&self) -> bool {
        self.goes_on.swap(false, Ordering::Relaxed)
    }
}
