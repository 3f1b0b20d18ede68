//! NEON, which every aarch64 processor has.
#![expect(
    unsafe_code,
    reason = "vector instructions, and loads and stores whose bounds are checked once for 64 values"
)]

use std::arch::aarch64::{
    uint16x8_t, vaddvq_u16, vandq_u16, vceqq_u16, vcltq_u16, vdupq_n_u16, vld1q_u16, vminq_u16, vminvq_u16, vornq_u16,
    vqaddq_u16, vst1q_u16, vtstq_u16,
};

use crate::simd::lanes::{LANES, Lanes, UNREACHED, check};

/// NEON.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) const fn of_this_processor() -> Self {
        Self(())
    }
}

/// The bits of eight lanes.
const BITS: [u16; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// All bits of the lanes of a mask.
#[inline(always)]
fn spread(mask: u64) -> uint16x8_t {
    // SAFETY: the load is of eight values.
    unsafe { vtstq_u16(vdupq_n_u16(mask as u8 as u16), vld1q_u16(BITS.as_ptr())) }
}

/// The mask of lanes with all or no bits set.
#[inline(always)]
fn gather(lanes: uint16x8_t) -> u64 {
    // SAFETY: the load is of eight values.
    u64::from(unsafe { vaddvq_u16(vandq_u16(lanes, vld1q_u16(BITS.as_ptr()))) })
}

// SAFETY, in all of the following: `check` says that the 64 values from each place on are inside.
impl Lanes for Neon {
    #[inline(always)]
    fn relax(self, values: &mut [u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        check(values, to);
        check(values, from);
        let mut changed = 0;
        for at in (0..LANES).step_by(8) {
            if (mask >> at) as u8 == 0 {
                continue;
            }
            // SAFETY: see above.
            unsafe {
                let old = vld1q_u16(values.as_ptr().add(to + at));
                let new = vqaddq_u16(vld1q_u16(values.as_ptr().add(from + at)), vdupq_n_u16(cost));
                let new = vornq_u16(new, spread(mask >> at));
                let less = gather(vcltq_u16(new, old));
                if less != 0 {
                    vst1q_u16(values.as_mut_ptr().add(to + at), vminq_u16(old, new));
                    changed |= less << at;
                }
            }
        }
        changed
    }

    #[inline(always)]
    fn tight(self, values: &[u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        check(values, to);
        check(values, from);
        let mut tight = 0;
        for at in (0..LANES).step_by(8) {
            // SAFETY: see above.
            unsafe {
                let old = vld1q_u16(values.as_ptr().add(to + at));
                let new = vqaddq_u16(vld1q_u16(values.as_ptr().add(from + at)), vdupq_n_u16(cost));
                let reached = vcltq_u16(old, vdupq_n_u16(UNREACHED));
                tight |= gather(vandq_u16(vceqq_u16(old, new), reached)) << at;
            }
        }
        tight & mask
    }

    #[inline(always)]
    fn below(self, values: &[u16], at: usize, threshold: u16) -> u64 {
        check(values, at);
        let mut below = 0;
        for part in (0..LANES).step_by(8) {
            // SAFETY: see above.
            let lanes = unsafe { vcltq_u16(vld1q_u16(values.as_ptr().add(at + part)), vdupq_n_u16(threshold)) };
            below |= gather(lanes) << part;
        }
        below
    }

    #[inline(always)]
    fn least(self, values: &[u16], at: usize, mask: u64) -> u16 {
        check(values, at);
        // SAFETY: see above.
        unsafe {
            let mut least = vdupq_n_u16(UNREACHED);
            for part in (0..LANES).step_by(8) {
                let values = vld1q_u16(values.as_ptr().add(at + part));
                least = vminq_u16(least, vornq_u16(values, spread(mask >> part)));
            }
            vminvq_u16(least)
        }
    }
}
