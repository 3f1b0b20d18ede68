//! Signs of life of the node's threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each thread shows at least this often that it is alive, however much it has to do.
pub const HEARTBEAT: Duration = Duration::from_millis(500);
/// A thread that is silent for longer than this is late.
pub const LATE: Duration = Duration::from_secs(2);

/// A thread of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Part {
    /// The main thread, which takes messages in.
    Spin,
    /// The world thread.
    World,
    /// The guidance thread.
    Guidance,
    /// The planner thread.
    Planner,
    /// The publisher thread.
    Publisher,
    /// The workshop, which makes planners with other parameters.
    Workshop,
    /// The threads that run tasks: services, goals, diagnostics.
    Tasks,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Spin, Self::World, Self::Guidance, Self::Planner, Self::Publisher, Self::Workshop, Self::Tasks];

    /// Its name, in diagnostics and in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::World => "world",
            Self::Guidance => "guidance",
            Self::Planner => "planner",
            Self::Publisher => "publisher",
            Self::Workshop => "workshop",
            Self::Tasks => "tasks",
        }
    }
}

/// When each thread last showed that it is alive. Times are readings of the node's clock.
#[derive(Default)]
pub struct Heartbeats([AtomicU64; Part::ALL.len()]);

impl Heartbeats {
    /// Notes that a thread is alive.
    pub fn beat(&self, part: Part, now: Duration) {
        self.0[part as usize].store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes that all of them are alive, before they run.
    pub fn beat_all(&self, now: Duration) {
        for part in Part::ALL {
            self.beat(part, now);
        }
    }

    /// Time since the last sign of life of a thread.
    #[must_use]
    pub fn silence(&self, part: Part, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_nanos(self.0[part as usize].load(Ordering::Relaxed)))
    }

    /// The threads that are late, and for how long they have been silent.
    pub fn late(&self, now: Duration) -> impl Iterator<Item = (Part, Duration)> + '_ {
        Part::ALL.into_iter().map(move |part| (part, self.silence(part, now))).filter(|(_, silence)| *silence > LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_silent_is_late_and_named() {
        let beats = Heartbeats::default();
        beats.beat_all(Duration::from_secs(5));
        assert_eq!(beats.late(Duration::from_secs(6)).count(), 0);
        for part in Part::ALL.into_iter().filter(|part| *part != Part::World) {
            beats.beat(part, Duration::from_secs(9));
        }
        let late: Vec<_> = beats.late(Duration::from_secs(10)).collect();
        assert_eq!(late, [(Part::World, Duration::from_secs(5))]);
    }
}
