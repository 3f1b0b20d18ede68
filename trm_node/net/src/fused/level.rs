//! The instruction sets that the kernel is built for, and how work gets onto one of them.

use super::simd::{Portable, Simd};

/// One instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// What the compiler makes of it.
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

/// Something written in [`Simd`]'s operations.
pub(super) trait Work {
    /// What comes out.
    type Output;

    /// Does it. `VECTORS` and `ROWS` are the block of sums that fits the registers: vectors side by side beside six
    /// factors, and factors beside two vectors.
    ///
    /// # Safety
    /// The instruction set is there.
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn on_avx512<W: Work>(work: W) -> W::Output {
    // Safety: the caller knows that the features are there.
    unsafe { work.run::<super::simd::Avx512, 4, 8>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn on_avx2<W: Work>(work: W) -> W::Output {
    // Safety: the caller knows that the features are there.
    unsafe { work.run::<super::simd::Avx2, 2, 4>() }
}

impl Level {
    /// All that this processor can run, the fastest first.
    pub fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                levels.push(Self::Avx512);
            }
            if avx2 {
                levels.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        levels.push(Self::Portable);
        levels
    }

    /// The name that [`crate::backend::by_name`] knows it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
        }
    }

    /// Runs some work on this instruction set. The level is one of [`Level::all`].
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            // Safety: the portable operations need nothing of the processor.
            Self::Portable => unsafe { work.run::<Portable, 2, 4>() },
            // Safety: `Level::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { on_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { on_avx512(work) },
            // Safety: every aarch64 processor has NEON, and this crate is built with it.
            #[cfg(target_arch = "aarch64")]
            Self::Neon => unsafe { work.run::<super::simd::Neon, 4, 8>() },
        }
    }
}
