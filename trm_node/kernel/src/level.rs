//! The instruction sets that the kernel is built for, and how work gets onto one of them.

#[cfg(target_arch = "aarch64")]
use crate::simd::neon::Neon;
use crate::simd::portable::Portable;
use crate::simd::vector::Simd;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86::{Avx2, Avx512};

/// An instruction set that this processor has.
// The field is private: a level for instructions that the processor lacks can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Instructions);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    /// Whatever the compiler chooses.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// A computation written in [`Simd`]'s operations.
pub(crate) trait Work {
    /// Its result.
    type Output;

    /// Runs it. `VECTORS` and `ROWS` say how large a block of sums fits the registers: that many vectors side by side
    /// for six factors, and that many factors for two vectors.
    ///
    /// # Safety
    /// The processor has the instruction set of `S`.
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn run_on_avx512<W: Work>(work: W) -> W::Output {
    // Safety: the caller knows that the processor has the features.
    unsafe { work.run::<Avx512, 4, 8>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_on_avx2<W: Work>(work: W) -> W::Output {
    // Safety: the caller knows that the processor has the features.
    unsafe { work.run::<Avx2, 2, 4>() }
}

impl Level {
    /// All instruction sets that this processor has, the fastest first. The last one is portable Rust.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
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

    /// Runs a computation on this instruction set.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            // Safety: the portable operations need nothing of the processor.
            Instructions::Portable => unsafe { work.run::<Portable, 2, 4>() },
            // Safety: only `available` makes this level, where it has found the features.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { run_on_avx2(work) },
            // Safety: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { run_on_avx512(work) },
            // Safety: every aarch64 processor has NEON, and this crate is compiled for it.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => unsafe { work.run::<Neon, 4, 8>() },
        }
    }
}
