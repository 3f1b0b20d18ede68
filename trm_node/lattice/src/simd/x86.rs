//! AVX2 and AVX-512.
#![expect(
    unsafe_code,
    reason = "vector instructions, and loads and stores whose bounds are checked once for 64 values"
)]

use std::arch::x86_64::{
    __m256i, __m512i, _mm_extract_epi16, _mm_min_epu16, _mm_minpos_epu16, _mm256_adds_epu16, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_cmpeq_epi16, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_max_epu16,
    _mm256_min_epu16, _mm256_movemask_epi8, _mm256_or_si256, _mm256_packs_epi16, _mm256_set1_epi16, _mm256_setr_epi16,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_xor_si256, _mm512_adds_epu16, _mm512_castsi512_si256,
    _mm512_cmplt_epu16_mask, _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_cmpeq_epu16_mask,
    _mm512_mask_cmplt_epu16_mask, _mm512_mask_min_epu16, _mm512_mask_storeu_epi16, _mm512_set1_epi16,
};

use crate::simd::lanes::{Job, LANES, Lanes, UNREACHED, check};

/// AVX-512. Only made where the processor has it.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

/// AVX2. Only made where the processor has it.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,popcnt")]
pub(crate) fn run_on_avx512<J: Job>(job: J) -> J::Output {
    job.run(Avx512(()))
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(crate) fn run_on_avx2<J: Job>(job: J) -> J::Output {
    job.run(Avx2(()))
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn least_of(values: __m256i) -> u16 {
    // SAFETY: the caller's.
    unsafe {
        let eight = _mm_min_epu16(_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
        _mm_extract_epi16::<0>(_mm_minpos_epu16(eight)) as u16
    }
}

// SAFETY, in all of the following: the type says that the processor has the instructions, and `check` that the 64 values
// from each place on are inside.
impl Lanes for Avx512 {
    #[inline(always)]
    fn relax(self, values: &mut [u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        check(values, to);
        check(values, from);
        let mut changed = 0;
        // SAFETY: see above.
        unsafe {
            let cost = _mm512_set1_epi16(cost as i16);
            for at in [0, 32] {
                let part = (mask >> at) as u32;
                if part != 0 {
                    let place = values.as_mut_ptr().add(to + at);
                    let old: __m512i = _mm512_loadu_si512(place.cast());
                    let from = _mm512_loadu_si512(values.as_ptr().add(from + at).cast());
                    let new = _mm512_adds_epu16(from, cost);
                    let less = _mm512_mask_cmplt_epu16_mask(part, new, old);
                    if less != 0 {
                        _mm512_mask_storeu_epi16(place.cast(), less, new);
                        changed |= u64::from(less) << at;
                    }
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
        // SAFETY: see above.
        unsafe {
            let cost = _mm512_set1_epi16(cost as i16);
            for at in [0, 32] {
                let old = _mm512_loadu_si512(values.as_ptr().add(to + at).cast());
                let new = _mm512_adds_epu16(_mm512_loadu_si512(values.as_ptr().add(from + at).cast()), cost);
                let reached = _mm512_mask_cmplt_epu16_mask((mask >> at) as u32, old, _mm512_set1_epi16(-1));
                tight |= u64::from(_mm512_mask_cmpeq_epu16_mask(reached, old, new)) << at;
            }
        }
        tight
    }

    #[inline(always)]
    fn below(self, values: &[u16], at: usize, threshold: u16) -> u64 {
        check(values, at);
        // SAFETY: see above.
        unsafe {
            let threshold = _mm512_set1_epi16(threshold as i16);
            let low = _mm512_loadu_si512(values.as_ptr().add(at).cast());
            let high = _mm512_loadu_si512(values.as_ptr().add(at + 32).cast());
            u64::from(_mm512_cmplt_epu16_mask(low, threshold))
                | u64::from(_mm512_cmplt_epu16_mask(high, threshold)) << 32
        }
    }

    #[inline(always)]
    fn least(self, values: &[u16], at: usize, mask: u64) -> u16 {
        check(values, at);
        // SAFETY: see above.
        unsafe {
            let mut least = _mm512_set1_epi16(-1);
            for half in [0, 32] {
                let values = _mm512_loadu_si512(values.as_ptr().add(at + half).cast());
                least = _mm512_mask_min_epu16(least, (mask >> half) as u32, least, values);
            }
            let (low, high) = (_mm512_castsi512_si256(least), _mm512_extracti64x4_epi64::<1>(least));
            least_of(_mm256_min_epu16(low, high))
        }
    }
}

/// All bits of the lanes of a mask.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn spread(mask: u64) -> __m256i {
    // SAFETY: the caller's.
    unsafe {
        let bits = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
        _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16(mask as u16 as i16), bits), bits)
    }
}

/// The mask of the lanes whose bits are all set, of lanes with all or none.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn gather(lanes: __m256i) -> u64 {
    // SAFETY: the caller's.
    let bytes = unsafe { _mm256_movemask_epi8(_mm256_packs_epi16(lanes, _mm256_setzero_si256())) } as u32;
    u64::from(bytes & 0xff | bytes >> 8 & 0xff00)
}

/// The lanes where a ≥ b.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn at_least(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_cmpeq_epi16(_mm256_max_epu16(a, b), a) }
}

/// The values with [`UNREACHED`] in the lanes outside of a mask.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn only(values: __m256i, mask: u64) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_or_si256(values, _mm256_xor_si256(spread(mask), _mm256_set1_epi16(UNREACHED as i16))) }
}

// SAFETY, in all of the following: as for AVX-512.
impl Lanes for Avx2 {
    #[inline(always)]
    fn relax(self, values: &mut [u16], to: usize, from: usize, cost: u16, mask: u64) -> u64 {
        check(values, to);
        check(values, from);
        let mut changed = 0;
        for at in (0..LANES).step_by(16) {
            if (mask >> at) as u16 == 0 {
                continue;
            }
            // SAFETY: see above.
            unsafe {
                let place = values.as_mut_ptr().add(to + at);
                let old = _mm256_loadu_si256(place.cast());
                let from = _mm256_loadu_si256(values.as_ptr().add(from + at).cast());
                let new = only(_mm256_adds_epu16(from, _mm256_set1_epi16(cost as i16)), mask >> at);
                let less = !gather(at_least(new, old)) & 0xffff;
                if less != 0 {
                    _mm256_storeu_si256(place.cast(), _mm256_min_epu16(old, new));
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
        for at in (0..LANES).step_by(16) {
            // SAFETY: see above.
            unsafe {
                let old = _mm256_loadu_si256(values.as_ptr().add(to + at).cast());
                let from = _mm256_loadu_si256(values.as_ptr().add(from + at).cast());
                let new = _mm256_adds_epu16(from, _mm256_set1_epi16(cost as i16));
                let unreached = _mm256_cmpeq_epi16(old, _mm256_set1_epi16(UNREACHED as i16));
                tight |= (gather(_mm256_cmpeq_epi16(old, new)) & !gather(unreached)) << at;
            }
        }
        tight & mask
    }

    #[inline(always)]
    fn below(self, values: &[u16], at: usize, threshold: u16) -> u64 {
        check(values, at);
        let mut below = 0;
        for part in (0..LANES).step_by(16) {
            // SAFETY: see above.
            unsafe {
                let values = _mm256_loadu_si256(values.as_ptr().add(at + part).cast());
                let not = gather(at_least(values, _mm256_set1_epi16(threshold as i16)));
                below |= (!not & 0xffff) << part;
            }
        }
        below
    }

    #[inline(always)]
    fn least(self, values: &[u16], at: usize, mask: u64) -> u16 {
        check(values, at);
        // SAFETY: see above.
        unsafe {
            let mut least = _mm256_set1_epi16(UNREACHED as i16);
            for part in (0..LANES).step_by(16) {
                let values = _mm256_loadu_si256(values.as_ptr().add(at + part).cast());
                least = _mm256_min_epu16(least, only(values, mask >> part));
            }
            least_of(least)
        }
    }
}
