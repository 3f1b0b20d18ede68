//! The few vector operations that the kernel is written in, for each instruction set that it knows.
//!
//! The methods must be inlined into a function that has the instruction set switched on: [`super::level`] has one for each.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(super) use neon::Neon;
pub(super) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// Vectors of one instruction set.
///
/// # Safety
/// All methods: the instruction set is there, and what is pointed to can be read or written, a whole vector of it where a
/// vector is loaded or stored.
pub(super) trait Simd: Copy {
    /// Values of a vector, at most 16 and a power of two.
    const LANES: usize;
    /// A vector.
    type Vector: Copy;

    /// One value in all lanes.
    unsafe fn set(value: f32) -> Self::Vector;
    /// The value at `from` in all lanes.
    unsafe fn splat(from: *const f32) -> Self::Vector;
    /// The values at `from`.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// Writes the values to `to`.
    unsafe fn store(to: *mut f32, values: Self::Vector);
    /// `a + b` in each lane.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b` in each lane.
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a · b` in each lane.
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a / b` in each lane.
    unsafe fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a · b + c` in each lane.
    unsafe fn fma(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `a` within `low` and `high` in each lane.
    unsafe fn clamp(a: Self::Vector, low: Self::Vector, high: Self::Vector) -> Self::Vector;
    /// `a · 2^n` in each lane, where the lowest bits of `n` hold a whole number.
    unsafe fn scale(a: Self::Vector, n: Self::Vector) -> Self::Vector;
    /// The sum of all lanes.
    unsafe fn sum(a: Self::Vector) -> f32;
    /// Whether any lane of `a` and `b` is farther apart than `threshold`, or one of them is no number.
    unsafe fn differ(a: Self::Vector, b: Self::Vector, threshold: Self::Vector) -> bool;
}
