//! Signals: the end, and that the process was stopped and goes on.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// What they are.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGCONT];

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

    /// Calls `wake` after each signal, in a thread of its own: who waits shall look at the flags.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn wake(wake: impl Fn() + Send + 'static) -> io::Result<()> {
        let (mut signalled, end) = UnixStream::pair()?;
        for signal in SIGNALS {
            pipe::register(signal, end.try_clone()?)?;
        }
        let run = move || {
            while signalled.read(&mut [0; 16]).is_ok_and(|count| count > 0) {
                wake();
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(run).map(drop)
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
