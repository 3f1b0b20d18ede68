//! Long work that can be interrupted.

use crate::error::Interrupted;

/// Cells of work between two questions. A cell takes nanoseconds, so these take some ten microseconds.
pub(super) const STRIDE: usize = 4096;

/// Counts cells of work, and asks whether to go on after each [`STRIDE`] of them.
pub(super) struct Pace<'a> {
    go_on: &'a mut dyn FnMut() -> bool,
    /// Cells since the last question.
    done: usize,
}

impl<'a> Pace<'a> {
    /// Work that `go_on` may interrupt.
    pub fn new(go_on: &'a mut dyn FnMut() -> bool) -> Self {
        Self { go_on, done: 0 }
    }

    /// Counts `cells` of work as done.
    ///
    /// # Errors
    /// [`Interrupted`] if the work must stop.
    pub fn spend(&mut self, cells: usize) -> Result<(), Interrupted> {
        self.done += cells;
        if self.done < STRIDE {
            return Ok(());
        }
        self.done = 0;
        if (self.go_on)() { Ok(()) } else { Err(Interrupted) }
    }
}
