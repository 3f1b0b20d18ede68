//! Epochs: which requests are still current, how far the robot still has to go, and whether there is newer guidance.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use trm_grid::units::Cell;

/// Counts epochs. A new epoch begins with every event that makes earlier requests obsolete: a new goal, a pause, the
/// end. The thread that causes the event begins the epoch first, and then sends its number to the threads that work.
/// They cancel work of an epoch that is over.
///
/// ```
/// use trm_planner::epoch::{Epoch, Epochs};
///
/// let epochs = Epochs::default();
/// let first = epochs.begin();
/// let epoch = Epoch::new(&epochs, first);
/// assert!(!epoch.is_over());
///
/// // A new goal cancels the plan for the first one.
/// let second = epochs.begin();
/// assert!(epoch.is_over() && !epochs.is_over(second));
///
/// // The robot reaches the second goal.
/// epochs.finish(second);
/// assert!(epochs.is_finished(second));
/// ```
#[derive(Debug, Default)]
pub struct Epochs {
    /// The number of the current epoch; 0 before the first.
    latest: AtomicU64,
    /// The greatest number of a finished epoch; 0 if there is none.
    finished: AtomicU64,
    /// What the robot's way to the goal cost last, as the bits of an `f32`; 0 while that isn't known.
    to_go: AtomicU32,
    /// The column and the row from where that was.
    robot: [AtomicI32; 2],
    /// The number of the newest guidance over headings that was delivered; 0 before the first.
    told: AtomicU64,
}

/// What a robot's way to the goal costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToGo {
    /// From this cell.
    pub from: Cell,
    /// In cells.
    pub cost: f32,
}

impl Epochs {
    /// Begins an epoch and returns its number, 1 for the first.
    pub fn begin(&self) -> u64 {
        self.to_go.store(0, Ordering::Relaxed);
        self.latest.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Notes what the way from the robot to the goal costs.
    pub fn note_to_go(&self, to_go: ToGo) {
        self.robot[0].store(to_go.from.col, Ordering::Relaxed);
        self.robot[1].store(to_go.from.row, Ordering::Relaxed);
        self.to_go.store(to_go.cost.to_bits(), Ordering::Relaxed);
    }

    /// What the way from the robot to the goal cost when that was noted last. What is farther from the goal matters less.
    #[must_use]
    pub fn to_go(&self) -> Option<ToGo> {
        let cost = f32::from_bits(self.to_go.load(Ordering::Relaxed));
        let [col, row] = [0, 1].map(|at: usize| self.robot[at].load(Ordering::Relaxed));
        (cost > 0.0).then(|| ToGo { from: Cell::new(col, row), cost })
    }

    /// Guidance over headings of this number was delivered. Numbers grow.
    pub fn tell(&self, number: u64) {
        self.told.fetch_max(number, Ordering::SeqCst);
    }

    /// The number of the newest guidance over headings that was delivered; 0 before the first.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// Whether an epoch is not the current one any more.
    #[must_use]
    pub fn is_over(&self, epoch: u64) -> bool {
        self.latest.load(Ordering::SeqCst) != epoch
    }

    /// Notes that the goal of an epoch is reached. No more work is needed for it or for earlier ones.
    pub fn finish(&self, epoch: u64) {
        self.finished.fetch_max(epoch, Ordering::SeqCst);
    }

    /// Whether the goal of an epoch, or of a later one, is reached.
    #[must_use]
    pub fn is_finished(&self, epoch: u64) -> bool {
        self.finished.load(Ordering::SeqCst) >= epoch
    }
}

/// The epoch that a request belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Epoch<'a> {
    epochs: &'a Epochs,
    number: u64,
    /// Guidance over headings that is newer than this one ends it.
    known: Option<u64>,
}

impl<'a> Epoch<'a> {
    /// The epoch with this number.
    #[must_use]
    pub const fn new(epochs: &'a Epochs, number: u64) -> Self {
        Self { epochs, number, known: None }
    }

    /// The same, which is over as soon as guidance over headings is delivered that is newer than that of this number, too.
    #[must_use]
    pub const fn until_newer(self, known: u64) -> Self {
        Self { known: Some(known), ..self }
    }

    /// Whether it is not the current epoch any more, or there is newer guidance.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.epochs.is_over(self.number) || self.known.is_some_and(|known| self.epochs.told() > known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_over_once_the_next_begins_and_finished_once_a_later_one_is() {
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

    #[test]
    fn newer_guidance_ends_work_that_can_wait_for_it() {
        let epochs = Epochs::default();
        let epoch = Epoch::new(&epochs, epochs.begin());
        epochs.tell(3);
        assert!(!epoch.is_over() && !epoch.until_newer(3).is_over() && epoch.until_newer(2).is_over());
        epochs.tell(4);
        assert!(epoch.until_newer(3).is_over() && !epoch.until_newer(epochs.told()).is_over());
    }
}
