//! Messages that are known to have been published, and haven't come.
//!
//! After a message that was lost on the way the middleware holds back all later ones of its publisher until that one is
//! repeated: with Fast DDS for up to some tenths of a second after a burst. A scout, a subscription beside the first one that
//! asks for best effort, hears them at once, and tells their numbers.

use std::time::Duration;

use crate::map::message::{Published, is_before};
use crate::map::sequence::Sequences;
use crate::map::suspicion::REPEATED_WITHIN;

/// A message that was sighted so long ago and hasn't come is held back. Until then it may just wait for its turn.
pub const HELD_BACK: Duration = Duration::from_millis(20);
/// So many publishers are watched at once.
const PUBLISHERS: usize = 256;

/// What was sighted of each publisher and hasn't come.
#[derive(Default)]
pub struct Sightings(Vec<Sighted>);

struct Sighted {
    publisher: [u8; 16],
    /// The newest message that was sighted.
    newest: u64,
    published: Option<Published>,
    /// One of those that haven't come, and since when that is known.
    missing: (u64, Duration),
}

/// What has been missing of a publisher for too long.
#[derive(Debug, PartialEq, Eq)]
pub struct Overdue {
    /// When the newest of it was published, as far as that is known.
    pub published: Option<Published>,
    /// So many messages won't be repeated any more.
    pub lost: u64,
}

impl Sightings {
    /// A message was sighted.
    pub fn see(&mut self, publisher: [u8; 16], number: u64, published: Option<Published>, now: Duration) {
        if let Some(known) = self.0.iter_mut().find(|known| known.publisher == publisher) {
            if number > known.newest {
                (known.newest, known.published) = (number, published);
            }
        } else if self.0.len() < PUBLISHERS {
            self.0.push(Sighted { publisher, newest: number, published, missing: (number, now) });
        }
    }

    /// A whole grid has come that was published then: what was published before it doesn't matter any more.
    pub fn forget_before(&mut self, grid: Option<Published>) {
        self.0.retain(|sighted| is_before(sighted.published, grid) != Some(true));
    }

    /// Looks at what has come meanwhile, and says what has been missing for too long. Of a publisher of whom nothing has ever
    /// come nothing is expected: its messages may not be for this node.
    pub fn settle(&mut self, come: &Sequences, now: Duration) -> Vec<Overdue> {
        let mut overdue = Vec::new();
        self.0.retain_mut(|sighted| {
            let Some(last) = come.last(&sighted.publisher).filter(|last| *last < sighted.newest) else { return false };
            if last >= sighted.missing.0 {
                sighted.missing = (sighted.newest, now);
            }
            let missing = now.saturating_sub(sighted.missing.1);
            let is_lost = missing >= REPEATED_WITHIN;
            if missing >= HELD_BACK {
                let lost = if is_lost { sighted.newest - last } else { 0 };
                overdue.push(Overdue { published: sighted.published, lost });
            }
            !is_lost
        });
        overdue
    }

    /// Whether nothing that was sighted is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 16] = [1; 16];
    const B: [u8; 16] = [2; 16];

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
    const fn at(time: u64) -> Option<Published> {
        Some(Published { host: 1, era: 0, at: ms(time) })
    }

    #[test]
    fn what_does_not_come_is_overdue_until_it_has_come_and_lost_when_it_is_not_repeated() {
        let (mut sightings, mut come) = (Sightings::default(), Sequences::default());
        come.take(A, 1);
        sightings.see(A, 5, at(5), ms(0));
        sightings.see(B, 9, at(9), ms(0));
        assert_eq!(sightings.settle(&come, ms(19)), [], "it may come yet, and from B nothing ever came");
        assert_eq!(sightings.settle(&come, ms(20)), [Overdue { published: at(5), lost: 0 }]);
        sightings.see(A, 7, at(7), ms(25));
        (2..=5).for_each(|number| assert_ne!(come.take(A, number), crate::map::sequence::Sequence::Again));
        assert_eq!(sightings.settle(&come, ms(30)), [], "what was missing has come, of the rest nothing was known");
        assert_eq!(sightings.settle(&come, ms(50)), [Overdue { published: at(7), lost: 0 }]);
        let late = ms(30) + REPEATED_WITHIN;
        assert_eq!(sightings.settle(&come, late), [Overdue { published: at(7), lost: 2 }]);
        assert!(sightings.is_empty() && sightings.settle(&come, late).is_empty());
        sightings.see(A, 8, at(8), late);
        come.take(A, 8);
        assert_eq!(sightings.settle(&come, late + ms(100)), []);
        assert!(sightings.is_empty());
    }

    #[test]
    fn a_whole_grid_makes_up_for_what_was_published_before_it() {
        let (mut sightings, mut come) = (Sightings::default(), Sequences::default());
        come.take(A, 1);
        come.take(B, 1);
        sightings.see(A, 5, at(5), ms(0));
        sightings.see(B, 6, at(7), ms(0));
        sightings.forget_before(at(6));
        assert_eq!(sightings.settle(&come, ms(20)), [Overdue { published: at(7), lost: 0 }]);
        sightings.forget_before(at(8));
        assert!(sightings.is_empty());
    }
}
