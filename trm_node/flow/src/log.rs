//! Log lines: where they go is for whoever makes the node, and how often they are written is limited by kind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lock::lock;

/// Lines of one kind aren't written more often than this.
pub const PERIOD: Duration = Duration::from_secs(1);
/// A line that says the same as the one before of its kind is written again after this time.
pub const SAME_AGAIN: Duration = Duration::from_secs(30);

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something happened that a user wants to know.
    Info,
    /// Something is wrong, and the node goes on.
    Warn,
    /// Something is broken.
    Error,
}

/// Where lines go.
type Write = dyn Fn(Level, &str) + Send + Sync;

/// The node's log.
#[derive(Clone)]
pub struct Log {
    write: Arc<Write>,
    limits: Arc<Mutex<HashMap<&'static str, Limit>>>,
}

/// What was written of a kind.
struct Limit {
    at: Duration,
    text: String,
    /// Lines since then that weren't written.
    unwritten: u64,
}

impl Log {
    /// A log whose lines go there.
    #[must_use]
    pub fn new(write: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self { write: Arc::new(write), limits: Arc::default() }
    }

    /// Writes an information.
    pub fn info(&self, text: &str) {
        (self.write)(Level::Info, text);
    }

    /// Writes a warning.
    pub fn warn(&self, text: &str) {
        (self.write)(Level::Warn, text);
    }

    /// Writes an error.
    pub fn error(&self, text: &str) {
        (self.write)(Level::Error, text);
    }

    /// Writes a line of a kind that may come often: at most one in a [`PERIOD`], and the same again only after
    /// [`SAME_AGAIN`]. The next one tells how many there were between.
    pub fn limited(&self, kind: &'static str, level: Level, text: &str, now: Duration) {
        let mut limits = lock(&self.limits);
        let mut unwritten = 0;
        if let Some(limit) = limits.get_mut(kind) {
            let rest = if limit.text == text { SAME_AGAIN } else { PERIOD };
            if now < limit.at + rest {
                limit.unwritten += 1;
                return;
            }
            unwritten = limit.unwritten;
        }
        limits.insert(kind, Limit { at: now, text: text.to_owned(), unwritten: 0 });
        drop(limits);
        match unwritten {
            0 => (self.write)(level, text),
            more => (self.write)(level, &format!("{text} ({more} more like this before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_kind_are_limited_however_their_texts_differ_and_none_is_forgotten() {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&lines);
        let log = Log::new(move |_, text| lock(&written).push(text.to_owned()));
        for i in 0..2000_u64 {
            log.limited("grid", Level::Warn, &format!("bad {i}"), Duration::from_millis(i));
        }
        log.limited("goal", Level::Warn, "another kind", Duration::from_millis(1999));
        log.limited("grid", Level::Warn, "bad", Duration::from_secs(10));
        log.limited("grid", Level::Warn, "bad", Duration::from_secs(12));
        log.limited("grid", Level::Warn, "bad", Duration::from_secs(41));
        let expected = [
            "bad 0",
            "bad 1000 (999 more like this before)",
            "another kind",
            "bad (999 more like this before)",
            "bad (1 more like this before)",
        ];
        assert_eq!(*lock(&lines), expected);
    }
}
