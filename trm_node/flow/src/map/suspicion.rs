//! Whether the grid may lack something that was published.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::lock::lock;
use crate::map::message::{Published, is_before};
use crate::map::newest::Newest;

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
    /// Updates were published that the middleware holds back, because one before them must be repeated.
    HeldBack = 5,
    /// So many messages waited at once that some may have been dropped after them.
    Flooded = 6,
}

impl Suspect {
    const ALL: [Self; 6] = [Self::Lost, Self::Crowded, Self::Late, Self::Stopped, Self::HeldBack, Self::Flooded];

    /// The reason in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Lost => "messages about the grid were lost on the way",
            Self::Crowded => "more updates of the grid came than could be kept",
            Self::Late => "a whole grid came later than the updates that were published after it",
            Self::Stopped => "the process stood still, and updates of the grid may still be under way",
            Self::HeldBack => "updates of the grid were published that haven't come yet",
            Self::Flooded => {
                "so many updates of the grid came at once that the last ones may have been dropped on the way"
            }
        }
    }
}

/// So many losses are told apart: one for each host that publishes.
const LOSSES: usize = 16;

/// The present suspicion. The planner thread reads it without a lock.
#[derive(Default)]
pub struct Suspicion {
    now: AtomicU8,
    cases: Mutex<Vec<Case>>,
    /// What was ever lost on each host was published before this.
    lost: Mutex<Newest>,
}

#[derive(Clone, Copy)]
struct Case {
    why: Suspect,
    /// A whole grid that was published after this has all that was lost.
    after: Option<Published>,
    /// So many messages had arrived. Where the time doesn't tell, a later whole grid has all that was lost.
    arrived: u64,
    /// It ends by itself at this time.
    until: Option<Duration>,
    /// It ends when the costs hold the message of this number.
    over_with: Option<u64>,
}

impl Case {
    /// Makes this case another one too, if one whole grid can end both. `false` if not.
    fn include(&mut self, other: &Self) -> bool {
        let is_later = is_before(self.after, other.after);
        let is_known = is_later.is_some() || self.after.is_none() && other.after.is_none();
        let is_alike = |other: &Self| (other.until.is_some(), other.why == Suspect::HeldBack);
        let is_joint = is_known && is_alike(self) == is_alike(other);
        if is_joint {
            let after = if is_later == Some(true) { other.after } else { self.after };
            *self = Self { why: self.why, after, arrived: self.arrived.max(other.arrived), ..*other };
        }
        is_joint
    }
}

impl Suspicion {
    /// The reason, while there is one.
    #[must_use]
    pub fn get(&self) -> Option<Suspect> {
        let now = self.now.load(Ordering::Acquire);
        Suspect::ALL.into_iter().find(|why| *why as u8 == now)
    }

    /// Something was lost that had been published before `after`, when so many messages had arrived. `true` when the
    /// grid wasn't suspect before.
    pub fn raise(&self, why: Suspect, after: Option<Published>, arrived: u64) -> bool {
        lock(&self.lost).tell(after);
        self.set(Case { why, after, arrived, until: None, over_with: None })
    }

    /// Whether a whole grid that was published then lacks something that is lost: the time before which that was
    /// published. Another host's grid may have ended the suspicion.
    #[must_use]
    pub fn lost_after(&self, published: Option<Published>) -> Option<Published> {
        lock(&self.lost).after(published)
    }

    /// What was published until `after` may still be under way, because the process stood still or was flooded, when so many
    /// messages had arrived. `true` when the grid wasn't suspect before.
    pub fn doubt(&self, why: Suspect, now: Duration, after: Option<Published>, arrived: u64) -> bool {
        let until = Some(now + REPEATED_WITHIN);
        self.set(Case { why, after, arrived, until, over_with: None })
    }

    /// Updates haven't come that were published until `after`, when so many messages had arrived. `true` when the grid
    /// wasn't suspect before.
    pub fn hold_back(&self, after: Option<Published>, arrived: u64) -> bool {
        self.set(Case { why: Suspect::HeldBack, after, arrived, until: None, over_with: None })
    }

    /// Everything has come that was held back, the last of it with the message of this number.
    pub fn complete(&self, number: u64) {
        if self.now.load(Ordering::Acquire) == 0 {
            return;
        }
        for case in lock(&self.cases).iter_mut().filter(|case| case.why == Suspect::HeldBack) {
            case.over_with.get_or_insert(number);
        }
    }

    fn set(&self, new: Case) -> bool {
        let mut cases = lock(&self.cases);
        let is_news = cases.is_empty();
        if !cases.iter_mut().any(|case| case.include(&new)) {
            if cases.len() == LOSSES {
                // Then only a grid ends them that comes after all of them.
                let arrived = cases.iter().map(|case| case.arrived).fold(new.arrived, u64::max);
                let until = new.until.filter(|_| cases.iter().all(|case| case.until.is_some()));
                cases.clear();
                cases.push(Case { after: None, arrived, until, ..new });
            } else {
                cases.push(new);
            }
        }
        self.show(&cases);
        is_news
    }

    /// A whole grid of this number, which was published then, is in the costs. `true` when that ended the suspicion.
    pub fn whole_grid(&self, number: u64, published: Option<Published>) -> bool {
        self.end_if(|case| !is_before(published, case.after).unwrap_or(number <= case.arrived))
    }

    /// A whole grid that was published then has come once more, and had been in the costs. `true` when that ended the
    /// suspicion: what was lost was older.
    pub fn same_grid(&self, published: Option<Published>) -> bool {
        self.end_if(|case| is_before(published, case.after) == Some(false))
    }

    /// An update has come that was published then, the message of this number, of the only publisher, and none of its is
    /// missing: after a stop or a flood, nothing is under way any more.
    pub fn update(&self, published: Option<Published>, number: u64) {
        if self.now.load(Ordering::Acquire) == 0 {
            return;
        }
        for case in lock(&self.cases).iter_mut().filter(|case| case.until.is_some()) {
            if is_before(case.after, published) == Some(true) {
                case.over_with.get_or_insert(number);
            }
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
        let mut cases = lock(&self.cases);
        let was_empty = cases.is_empty();
        cases.retain(|case| !is_over(case));
        self.show(&cases);
        cases.is_empty() && !was_empty
    }

    /// Shows the newest loss, or what else there is.
    fn show(&self, cases: &[Case]) {
        let is_lost = |case: &&Case| case.until.is_none() && case.why != Suspect::HeldBack;
        let shown = cases.iter().rev().find(is_lost).or(cases.last());
        self.now.store(shown.map_or(0, |case| case.why as u8), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
    const fn at(s: u64) -> Option<Published> {
        Some(Published { host: 1, era: 0, at: Duration::from_secs(s) })
    }

    #[test]
    fn a_loss_ends_with_a_whole_grid_that_was_published_after_it() {
        let suspicion = Suspicion::default();
        assert!(suspicion.raise(Suspect::Lost, at(10), 1) && !suspicion.raise(Suspect::Lost, at(11), 2));
        suspicion.update(at(20), 1);
        assert!(!suspicion.settle(Duration::from_secs(1000)) && !suspicion.held(9));
        assert!(!suspicion.whole_grid(3, at(10)), "a grid of before the second loss");
        assert_eq!(suspicion.get(), Some(Suspect::Lost));
        assert!(suspicion.whole_grid(4, at(12)));
        assert_eq!(suspicion.get(), None);
    }

    #[test]
    fn where_no_time_tells_only_a_later_grid_ends_a_loss_and_one_that_comes_again_never() {
        let suspicion = Suspicion::default();
        let other_host = Some(Published { host: 2, era: 0, at: Duration::from_secs(50) });
        assert!(suspicion.raise(Suspect::Lost, at(10), 7));
        assert!(
            !suspicion.whole_grid(7, other_host) && !suspicion.same_grid(other_host) && !suspicion.same_grid(at(9))
        );
        assert!(suspicion.whole_grid(8, other_host));
        assert!(suspicion.raise(Suspect::Lost, at(10), 9) && suspicion.same_grid(at(12)));
    }

    #[test]
    fn of_two_losses_each_needs_its_grid() {
        let suspicion = Suspicion::default();
        let other_host = |s| Some(Published { host: 2, era: 0, at: Duration::from_secs(s) });
        suspicion.raise(Suspect::Lost, at(20), 1);
        assert!(!suspicion.raise(Suspect::Late, at(10), 2) && !suspicion.whole_grid(3, at(15)), "the first was later");
        assert!(!suspicion.raise(Suspect::Lost, other_host(5), 4));
        assert!(!suspicion.same_grid(at(21)), "says nothing of the other host");
        assert_eq!(suspicion.get(), Some(Suspect::Lost));
        assert!(suspicion.same_grid(other_host(5)));
    }

    #[test]
    fn what_is_under_way_is_not_in_another_hosts_grid_that_had_come_before() {
        let other_host = Some(Published { host: 2, era: 0, at: Duration::from_secs(50) });
        for doubt in [
            |suspicion: &Suspicion| suspicion.hold_back(at(10), 7),
            |suspicion: &Suspicion| suspicion.doubt(Suspect::Stopped, Duration::ZERO, at(10), 7),
        ] {
            let suspicion = Suspicion::default();
            assert!(doubt(&suspicion) && !suspicion.whole_grid(7, other_host));
            assert!(suspicion.get().is_some() && suspicion.whole_grid(8, other_host));
        }
    }

    #[test]
    fn a_stop_ends_after_a_while_or_with_something_that_was_published_after_it() {
        let suspicion = Suspicion::default();
        let s = Duration::from_secs;
        suspicion.doubt(Suspect::Stopped, s(5), at(100), 0);
        assert_eq!(suspicion.get(), Some(Suspect::Stopped));
        assert!(!suspicion.settle(s(6)) && suspicion.settle(s(9)));
        suspicion.doubt(Suspect::Stopped, s(20), at(115), 0);
        suspicion.update(at(114), 3);
        assert!(!suspicion.held(3), "published before the stop");
        suspicion.update(at(116), 5);
        assert!(!suspicion.held(4) && suspicion.held(5));
        suspicion.raise(Suspect::Lost, at(117), 5);
        suspicion.doubt(Suspect::Stopped, s(30), at(125), 0);
        assert_eq!(suspicion.get(), Some(Suspect::Lost), "what was lost stays so");
        assert!(!suspicion.settle(s(100)));
    }
}
