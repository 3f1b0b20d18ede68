//! Which requests are still wanted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what makes earlier requests useless: another goal, a pause, the end. Whoever causes that begins an epoch, and then
/// sends its number to those that work. Work of an epoch that is over is given up.
#[derive(Debug, Default)]
pub struct Epochs {
    latest: AtomicU64,
    finished: AtomicU64,
}

impl Epochs {
    /// Begins an epoch and gives its number: 1 for the first.
    pub fn begin(&self) -> u64 {
        self.latest.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Whether a later epoch has begun.
    #[must_use]
    pub fn is_over(&self, epoch: u64) -> bool {
        self.latest.load(Ordering::SeqCst) != epoch
    }

    /// The goal of an epoch is reached: nothing more is to be done for it, nor for those before.
    pub fn finish(&self, epoch: u64) {
        self.finished.fetch_max(epoch, Ordering::SeqCst);
    }

    /// Whether the goal of an epoch is reached.
    #[must_use]
    pub fn is_finished(&self, epoch: u64) -> bool {
        self.finished.load(Ordering::SeqCst) >= epoch
    }
}

/// An epoch that a request belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Epoch<'a> {
    epochs: &'a Epochs,
    number: u64,
}

impl<'a> Epoch<'a> {
    /// The epoch of this number.
    #[must_use]
    pub const fn new(epochs: &'a Epochs, number: u64) -> Self {
        Self { epochs, number }
    }

    /// Whether a later one has begun.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.epochs.is_over(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_over_when_the_next_one_begins_and_finished_once_a_later_one_is() {
        let epochs = Epochs::default();
        let first = epochs.begin();
        let epoch = Epoch::new(&epochs, first);
        assert!(!epoch.is_over() && !epochs.is_finished(first));
        let second = epochs.begin();
        assert!(epoch.is_over() && !epochs.is_over(second));
        epochs.finish(second);
        epochs.finish(first);
        assert!(epochs.is_finished(first) && epochs.is_finished(second) && !epochs.is_finished(second + 1));
    }
}
