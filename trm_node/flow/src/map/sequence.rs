//! The numbers that publishers give their messages: a gap is a loss.

use std::collections::hash_map::Entry;

use crate::map::by_publisher::ByPublisher;

/// The last number of each publisher of a topic.
#[derive(Default)]
pub struct Sequences(ByPublisher<u64>);

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// It follows the one before.
    Next,
    /// It is the publisher's first one here; so many came before.
    First(u64),
    /// So many were lost between.
    Gap(u64),
    /// It has come before.
    Again,
}

impl Sequences {
    /// Takes a publisher's number, which counts from 1.
    pub fn take(&mut self, publisher: [u8; 16], number: u64) -> Sequence {
        let mut known = match self.0.entry(publisher) {
            Entry::Occupied(known) => known,
            Entry::Vacant(place) => {
                place.insert(number);
                return Sequence::First(number.saturating_sub(1));
            }
        };
        let last = known.get_mut();
        let step = number.checked_sub(*last);
        *last = number.max(*last);
        match step {
            None | Some(0) => Sequence::Again,
            Some(1) => Sequence::Next,
            Some(step) => Sequence::Gap(step - 1),
        }
    }

    /// How many publishers have been heard.
    #[must_use]
    pub fn publishers(&self) -> usize {
        self.0.count()
    }

    /// The last number of a publisher.
    #[must_use]
    pub fn last(&self, publisher: &[u8; 16]) -> Option<u64> {
        self.0.get(publisher).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_for_each_publisher_apart() {
        let mut sequences = Sequences::default();
        let (a, b) = ([1; 16], [2; 16]);
        assert_eq!(sequences.take(a, 5), Sequence::First(4));
        assert_eq!(sequences.take(b, 1), Sequence::First(0));
        assert_eq!(sequences.take(a, 6), Sequence::Next);
        assert_eq!(sequences.take(b, 4), Sequence::Gap(2));
        assert_eq!(sequences.take(b, 4), Sequence::Again);
        assert_eq!(sequences.take(a, 7), Sequence::Next);
    }
}
