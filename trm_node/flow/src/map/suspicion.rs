//! Whether the grid may lack something that was published.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::lock::lock;
use crate::map::message::{Published, is_before};

/// The middleware repeats what was lost on the way within this time: the period of Fast DDS's heartbeats is 3 s, see
/// `heartbeat_period` in its documentation of reliable writers.
pub const REPEATED_WITHIN: Duration = Duration::from_millis(3500);

/// Why the grid may lack something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Suspect {
    /// Messages were lost on the way.
    Lost = 1,
    /// More came than could be kept until the world thread took it.
    Crowded = 2,
    /// A whole grid came so late that updates after it had been forgotten.
    Late = 3,
    /// The process stood still; what was published meanwhile may still be under way.
    Stopped = 4,
}

impl Suspect {
    const ALL: [Self; 4] = [Self::Lost, Self::Crowded, Self::Late, Self::Stopped];

    /// The reason in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Lost => "messages about the grid were lost on the way",
            Self::Crowded => "more updates of the grid came than could be kept",
            Self::Late => "a whole grid came later than the updates that were published after it",
            Self::Stopped => "the process stood still, and updates of the grid may still be under way",
        }
    }
}

/// The present suspicion. The planner thread reads it without a lock.
#[derive(Default)]
pub struct Suspicion {
    now: AtomicU8,
    case: Mutex<Option<Case>>,
}

#[derive(Clone, Copy)]
struct Case {
    why: Suspect,
    /// A whole grid that was published after this has all that was lost.
    after: Option<Published>,
    /// It ends by itself at this time.
    until: Option<Duration>,
    /// It ends when the costs hold the message of this number.
    over_with: Option<u64>,
}

impl Suspicion {
    /// The reason, while there is one.
    #[must_use]
    pub fn get(&self) -> Option<Suspect> {
        let now = self.now.load(Ordering::Acquire);
        Suspect::ALL.into_iter().find(|why| *why as u8 == now)
    }

    /// Something was lost that had been published before `after`. `true` when the grid wasn't suspect before.
    pub fn raise(&self, why: Suspect, after: Option<Published>) -> bool {
        self.set(Case { why, after, until: None, over_with: None })
    }

    /// The process stood still until now, and goes on.
    pub fn stopped(&self, now: Duration, after: Option<Published>) -> bool {
        self.set(Case { why: Suspect::Stopped, after, until: Some(now + REPEATED_WITHIN), over_with: None })
    }

    fn set(&self, new: Case) -> bool {
        let mut case = lock(&self.case);
        let is_news = case.is_none();
        // One that ends by itself doesn't replace one that doesn't.
        if case.is_none_or(|old| old.until.is_some() || new.until.is_none()) {
            *case = Some(new);
        }
        self.show(case.as_ref());
        is_news
    }

    /// A whole grid that was published then is in the costs. `true` when that ended the suspicion.
    pub fn whole_grid(&self, published: Option<Published>) -> bool {
        self.end_if(|case| !is_before(published, case.after).unwrap_or(false))
    }

    /// An update has come that was published then, the message of this number, and none of its publisher's is missing:
    /// after a stop, nothing is under way any more.
    pub fn update(&self, published: Option<Published>, number: u64) {
        if self.now.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Some(case) = lock(&self.case).as_mut().filter(|case| case.until.is_some())
            && is_before(case.after, published) == Some(true)
        {
            case.over_with.get_or_insert(number);
        }
    }

    /// The costs hold all messages up to this number. `true` when that ended the suspicion.
    pub fn held(&self, messages: u64) -> bool {
        self.end_if(|case| case.over_with.is_some_and(|number| number <= messages))
    }

    /// Ends what ends by itself. `true` when that ended the suspicion.
    pub fn settle(&self, now: Duration) -> bool {
        self.end_if(|case| case.until.is_some_and(|until| until <= now))
    }

    fn end_if(&self, is_over: impl Fn(&Case) -> bool) -> bool {
        // Most of the time there is nothing to end, and no lock to take.
        if self.now.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut case = lock(&self.case);
        let ended = case.as_ref().is_some_and(is_over);
        if ended {
            *case = None;
        }
        self.show(case.as_ref());
        ended
    }

    fn show(&self, case: Option<&Case>) {
        self.now.store(case.map_or(0, |case| case.why as u8), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
    const fn at(s: u64) -> Option<Published> {
        Some(Published { host: 1, at: Duration::from_secs(s) })
    }

    #[test]
    fn a_loss_ends_with_a_whole_grid_that_was_published_after_it() {
        let suspicion = Suspicion::default();
        assert!(suspicion.raise(Suspect::Lost, at(10)) && !suspicion.raise(Suspect::Lost, at(11)));
        suspicion.update(at(20), 1);
        assert!(!suspicion.settle(Duration::from_secs(1000)) && !suspicion.held(9));
        assert!(!suspicion.whole_grid(at(10)), "a grid of before the second loss");
        assert_eq!(suspicion.get(), Some(Suspect::Lost));
        assert!(suspicion.whole_grid(at(12)));
        assert_eq!(suspicion.get(), None);
    }

    #[test]
    fn a_stop_ends_after_a_while_or_with_something_that_was_published_after_it() {
        let suspicion = Suspicion::default();
        let s = Duration::from_secs;
        suspicion.stopped(s(5), at(100));
        assert_eq!(suspicion.get(), Some(Suspect::Stopped));
        assert!(!suspicion.settle(s(6)) && suspicion.settle(s(9)));
        suspicion.stopped(s(20), at(115));
        suspicion.update(at(114), 3);
        assert!(!suspicion.held(3), "published before the stop");
        suspicion.update(at(116), 5);
        assert!(!suspicion.held(4) && suspicion.held(5));
        suspicion.raise(Suspect::Lost, at(117));
        suspicion.stopped(s(30), at(125));
        assert_eq!(suspicion.get(), Some(Suspect::Lost), "what was lost stays so");
        assert!(!suspicion.settle(s(100)));
    }
}
