//! The few operations on 64 cost-to-go values that the field is computed with.
//!
//! A set of instructions is a value that can only be made where the processor has them, so its operations are safe to call.
//! They must be inlined into a function that has the instructions switched on.

/// Values that one operation works on.
pub(crate) const LANES: usize = 64;
/// The value of states from which there is no known way.
pub(crate) const UNREACHED: u16 = u16::MAX;

/// Operations on 64 neighbouring values; a bit of a mask is a lane. All panic if the 64 values aren't all inside.
pub(crate) trait Lanes: Copy {
    /// `values[to] = min(values[to], values[from] + cost)` in the lanes of the mask. The lanes that have changed.
    fn relax(self, values: &mut [u16], to: usize, from: usize, cost: u16, mask: u64) -> u64;
    /// The lanes of the mask where `values[to] = values[from] + cost`, and isn't [`UNREACHED`].
    fn tight(self, values: &[u16], to: usize, from: usize, cost: u16, mask: u64) -> u64;
    /// The lanes whose value is less than a threshold.
    fn below(self, values: &[u16], at: usize, threshold: u16) -> u64;
    /// The least value of the lanes of the mask; [`UNREACHED`] if there are none.
    fn least(self, values: &[u16], at: usize, mask: u64) -> u16;
}

/// Work that is compiled for each instruction set.
pub(crate) trait Job {
    /// Its result.
    type Output;
    /// Does it.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Panics if the 64 values from `at` on aren't all inside.
#[inline(always)]
pub(crate) fn check(values: &[u16], at: usize) {
    assert!(values.len() >= LANES && at <= values.len() - LANES, "64 values from {at} on of {}", values.len());
}
