//! The instruction sets that the field is computed with, and how work gets onto one of them.
#![expect(unsafe_code, reason = "functions that have instructions switched on are called where the processor has them")]

use crate::simd::lanes::Job;
#[cfg(target_arch = "aarch64")]
use crate::simd::neon::Neon;
use crate::simd::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86::{run_on_avx2, run_on_avx512};

/// An instruction set that this processor has.
// The field is private: a level for instructions that the processor lacks can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Instructions);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// All instruction sets that this processor has, the fastest first. The last one is portable Rust.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                available.push(Self(Instructions::Avx512));
            }
            if avx2 {
                available.push(Self(Instructions::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        available.push(Self(Instructions::Neon));
        available.push(Self(Instructions::Portable));
        available
    }

    /// Its name: `avx512`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Instructions::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "neon",
        }
    }

    pub(crate) fn run<J: Job>(self, job: J) -> J::Output {
        match self.0 {
            Instructions::Portable => job.run(Portable),
            // SAFETY: only `available` makes this level, where it has found the features.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { run_on_avx2(job) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { run_on_avx512(job) },
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => job.run(Neon::of_this_processor()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::lanes::Lanes;
    use proptest::prelude::*;

    /// Every operation once; the results and the values after it.
    struct All<'a>(&'a [u16], usize, usize, u16, u64);

    impl Job for All<'_> {
        type Output = (u64, u64, u64, u16, Vec<u16>);
        fn run<L: Lanes>(self, lanes: L) -> Self::Output {
            let Self(values, to, from, cost, mask) = self;
            let (tight, below) = (lanes.tight(values, to, from, cost, mask), lanes.below(values, from, cost));
            let least = lanes.least(values, from, mask);
            let mut values = values.to_vec();
            let changed = lanes.relax(&mut values, to, from, cost, mask);
            (tight, below, changed, least, values)
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_same(
            values in proptest::collection::vec(prop_oneof![0..12_u16, 65_530..=65_535_u16], 200),
            to in 0..60_usize, from in 125..=136_usize, cost in prop_oneof![0..12_u16, 65_000..=65_535_u16], mask: u64,
        ) {
            let results: Vec<_> =
                Level::available().iter().map(|level| level.run(All(&values, to, from, cost, mask))).collect();
            prop_assert!(results.iter().all(|result| *result == results[0]));
        }
    }
}
