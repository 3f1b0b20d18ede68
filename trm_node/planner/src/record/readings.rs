//! The readings of a clock in a plan, kept and given again.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::epoch::{Epoch, Epochs};
use crate::halt::deadline::Clock;

/// Readings in the order in which they were taken, and before which of them the plan was cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// In nanoseconds.
    pub times: Vec<u64>,
    /// The number of the first reading at which the plan's epoch was over; `None` if it never was.
    pub cancelled_at: Option<usize>,
    /// There was no room for some.
    pub is_full: bool,
}

impl Readings {
    /// Room for so many. More are lost, and that is noted.
    #[must_use]
    pub fn with_room(count: usize) -> Self {
        // Written to, so that its pages are there before the first reading.
        let mut times = vec![1; count];
        times.clear();
        Self { times, ..Self::default() }
    }

    /// Forgets them. Their memory stays.
    pub fn clear(&mut self) {
        self.times.clear();
        (self.cancelled_at, self.is_full) = (None, false);
    }
}

/// A clock whose readings are kept. The planner asks [its own epoch](Self::epoch) whether it is cancelled, which is
/// over from a reading of the clock on: so a cancellation, too, falls on a reading.
pub struct KeptClock<'a> {
    clock: &'a dyn Clock,
    outer: Option<Epoch<'a>>,
    epochs: Epochs,
    number: u64,
    readings: RefCell<&'a mut Readings>,
}

impl<'a> KeptClock<'a> {
    /// Keeps the readings of a clock for a plan of an epoch.
    pub fn new(clock: &'a dyn Clock, epoch: Option<Epoch<'a>>, readings: &'a mut Readings) -> Self {
        readings.clear();
        let epochs = Epochs::default();
        let number = epochs.begin();
        Self { clock, outer: epoch, epochs, number, readings: RefCell::new(readings) }
    }

    /// The epoch for the plan.
    #[must_use]
    pub const fn epoch(&self) -> Epoch<'_> {
        Epoch::new(&self.epochs, self.number)
    }
}

impl Clock for KeptClock<'_> {
    fn now(&self) -> Duration {
        let now = self.clock.now();
        let readings = &mut **self.readings.borrow_mut();
        if readings.cancelled_at.is_none() && self.outer.is_some_and(|epoch| epoch.is_over()) {
            readings.cancelled_at = Some(readings.times.len());
            self.epochs.begin();
        }
        if readings.times.len() < readings.times.capacity() {
            readings.times.push(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        } else {
            readings.is_full = true;
        }
        now
    }
}

/// Gives kept readings again, one after the other, and the last one for ever.
pub struct GivenClock<'a> {
    readings: &'a Readings,
    epochs: Epochs,
    number: u64,
    given: Cell<usize>,
}

impl<'a> GivenClock<'a> {
    /// From the first reading on.
    #[must_use]
    pub fn new(readings: &'a Readings) -> Self {
        let epochs = Epochs::default();
        let number = epochs.begin();
        Self { readings, epochs, number, given: Cell::new(0) }
    }

    /// The epoch for the plan, which is over where it was before.
    #[must_use]
    pub const fn epoch(&self) -> Epoch<'_> {
        Epoch::new(&self.epochs, self.number)
    }

    /// How many readings were taken. All of them and no more, where the same was done again.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given.get()
    }
}

impl Clock for GivenClock<'_> {
    fn now(&self) -> Duration {
        let at = self.given.replace(self.given.get() + 1);
        if self.readings.cancelled_at == Some(at) {
            self.epochs.begin();
        }
        let time = self.readings.times.get(at).or(self.readings.times.last());
        Duration::from_nanos(time.copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(Cell<u64>);

    impl Clock for Counting {
        fn now(&self) -> Duration {
            Duration::from_nanos(self.0.replace(self.0.get() + 7))
        }
    }

    #[test]
    fn readings_and_the_cancellation_among_them_come_again() {
        let (clock, epochs) = (Counting(Cell::new(3)), Epochs::default());
        let epoch = Epoch::new(&epochs, epochs.begin());
        let mut readings = Readings::with_room(8);
        let kept = KeptClock::new(&clock, Some(epoch), &mut readings);
        let seen: Vec<_> = (0..5)
            .map(|at| {
                if at == 3 {
                    epochs.begin();
                    assert!(!kept.epoch().is_over(), "until the clock is read");
                }
                (kept.now(), kept.epoch().is_over())
            })
            .collect();
        assert_eq!((readings.times.len(), readings.cancelled_at, readings.is_full), (5, Some(3), false));
        let given = GivenClock::new(&readings);
        let again: Vec<_> = (0..5).map(|_| (given.now(), given.epoch().is_over())).collect();
        assert_eq!((again, given.given()), (seen, 5));
    }

    #[test]
    fn readings_without_room_are_told() {
        let mut readings = Readings::with_room(2);
        let clock = Counting(Cell::new(0));
        let kept = KeptClock::new(&clock, None, &mut readings);
        let seen: Vec<_> = (0..3).map(|_| kept.now().as_nanos()).collect();
        assert_eq!(seen, [0, 7, 14]);
        assert!(readings.is_full && readings.times == [0, 7]);
    }
}
