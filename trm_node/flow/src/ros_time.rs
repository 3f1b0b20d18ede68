//! ROS time, which a simulator may set: for stamps and their age.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A simulated time that moves by more than this at once, or back at all, has jumped.
const JUMP: Duration = Duration::from_secs(5);
/// A jump explains what is wrong with stamps for so long.
const EXPLAINS: Duration = Duration::from_secs(10);

/// ROS time: the system's, or what somebody sets. Reading it takes no lock.
#[derive(Clone)]
pub struct RosTime(Option<Arc<Simulated>>);

#[derive(Default)]
struct Simulated {
    /// Zero until it is set.
    now_ns: AtomicU64,
    /// The time after the last jump; zero without one.
    jumped_to_ns: AtomicU64,
}

impl RosTime {
    /// The system's time.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A time that is set: that of `/clock`.
    #[must_use]
    pub fn simulated() -> Self {
        Self(Some(Arc::default()))
    }

    /// Sets a simulated time. The system's stays what it is.
    pub fn set(&self, now: Duration) {
        if let Some(simulated) = &self.0 {
            let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
            let before = Duration::from_nanos(simulated.now_ns.swap(now_ns, Ordering::Relaxed));
            if !before.is_zero() && (now < before || now > before + JUMP) {
                simulated.jumped_to_ns.store(now_ns, Ordering::Relaxed);
            }
        }
    }

    /// Time since the epoch; zero while a simulated time hasn't been set.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0 {
            None => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            Some(simulated) => Duration::from_nanos(simulated.now_ns.load(Ordering::Relaxed)),
        }
    }

    /// What is wrong with a simulated time, so that stamps don't fit it; `None` when nothing is, and for the system's.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let simulated = self.0.as_ref()?;
        let now = self.now();
        let jumped_to = Duration::from_nanos(simulated.jumped_to_ns.load(Ordering::Relaxed));
        if now.is_zero() {
            Some("use_sim_time is true, and no time has come on /clock")
        } else if !jumped_to.is_zero() && now < jumped_to + EXPLAINS {
            Some("the time of /clock has jumped")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_time_has_a_problem_until_it_comes_and_after_it_jumped() {
        let s = Duration::from_secs;
        let time = RosTime::simulated();
        assert!(time.problem().is_some_and(|problem| problem.contains("no time has come on /clock")));
        let problem = |at| {
            time.set(s(at));
            time.problem()
        };
        assert_eq!([1000, 1000, 1001, 1006].map(problem), [None; 4], "it runs, from anywhere");
        let jumped = Some("the time of /clock has jumped");
        assert_eq!([5, 6, 11, 15].map(problem), [jumped, jumped, jumped, None], "back");
        assert_eq!([500, 505, 510].map(problem), [jumped, jumped, None], "ahead");
        assert_eq!(RosTime::system().problem(), None);
    }
}
