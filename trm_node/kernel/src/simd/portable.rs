//! Four lanes in portable Rust, for which the compiler chooses the instructions: SSE2 on `x86_64`.

use crate::simd::vector::Simd;

/// Vectors that are arrays.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Whether the processor multiplies and adds in one instruction. Where it doesn't, `mul_add` is a slow library
/// function.
const HAS_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

#[inline(always)]
fn each_lane(f: impl Fn(usize) -> f32) -> [f32; 4] {
    std::array::from_fn(f)
}

impl Simd for Portable {
    const LANES: usize = 4;
    type Vector = [f32; 4];

    #[inline(always)]
    unsafe fn set(value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> [f32; 4] {
        unsafe { [from.read_unaligned(); 4] }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, values: [f32; 4]) {
        unsafe { to.cast::<[f32; 4]>().write_unaligned(values) }
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    unsafe fn div(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| a[lane] / b[lane])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| if HAS_FMA { a[lane].mul_add(b[lane], c[lane]) } else { a[lane] * b[lane] + c[lane] })
    }
    #[inline(always)]
    unsafe fn clamp(a: [f32; 4], low: [f32; 4], high: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| {
            let least = if a[lane] < low[lane] { low[lane] } else { a[lane] };
            if least > high[lane] { high[lane] } else { least }
        })
    }
    #[inline(always)]
    unsafe fn scale(a: [f32; 4], n: [f32; 4]) -> [f32; 4] {
        each_lane(|lane| f32::from_bits(a[lane].to_bits().wrapping_add(n[lane].to_bits() << 23)))
    }
    #[inline(always)]
    unsafe fn sum(a: [f32; 4]) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }
    #[inline(always)]
    unsafe fn differ(a: [f32; 4], b: [f32; 4], threshold: [f32; 4]) -> bool {
        (0..4).fold(false, |differ, lane| {
            // Written so that NaN differs from everything.
            let near = (a[lane] - b[lane]).abs() <= threshold[lane];
            differ || !near
        })
    }
}
