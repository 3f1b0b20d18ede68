//! Portable Rust.

use crate::simd::lanes::{LANES, Lanes, UNREACHED, check};

/// What the compiler makes of loops.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// The lanes of a mask.
#[inline(always)]
fn lanes(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lane
    })
}

impl Lanes for Portable {
    #[inline(always)]
    fn relax(self, values: &mut [u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        let mut changed = 0;
        for lane in lanes(mask) {
            let value = values[from + lane].saturating_add(cost);
            if value < values[to + lane] {
                values[to + lane] = value;
                changed |= 1 << lane;
            }
        }
        changed
    }
    #[inline(always)]
    fn tight(self, values: &[u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        let is_tight = |lane: &usize| {
            let value = values[to + lane];
            value != UNREACHED && value == values[from + lane].saturating_add(cost)
        };
        lanes(mask).filter(is_tight).fold(0, |tight, lane| tight | 1 << lane)
    }
    #[inline(always)]
    fn below(self, values: &[u16], at: usize, threshold: u16) -> u64 {
        check(values, at);
        let below = |(lane, value): (usize, &u16)| u64::from(*value < threshold) << lane;
        values[at..at + LANES].iter().enumerate().map(below).fold(0, |all, lane| all | lane)
    }
    #[inline(always)]
    fn least(self, values: &[u16], at: usize, mask: u64) -> u16 {
        lanes(mask).map(|lane| values[at + lane]).fold(UNREACHED, u16::min)
    }
}
