//! The vector operations that every instruction set provides.

/// The vectors of one instruction set.
///
/// The methods must be inlined into a function that has the instruction set switched on; `crate::level` has one for
/// each.
///
/// # Safety
/// For all methods: the processor has the instruction set, and pointers point to memory that may be read or written, a
/// whole vector of it where a vector is loaded or stored. Pointers need no alignment.
pub(crate) trait Simd: Copy {
    /// Lanes of a vector: a power of two, at most 16.
    const LANES: usize;
    /// A vector of `LANES` values.
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
    /// `a` limited to the range from `low` to `high` in each lane.
    unsafe fn clamp(a: Self::Vector, low: Self::Vector, high: Self::Vector) -> Self::Vector;
    /// `a · 2^n` in each lane, where n is the whole number in the lowest bits of `n`'s lane.
    unsafe fn scale(a: Self::Vector, n: Self::Vector) -> Self::Vector;
    /// The sum of all lanes.
    unsafe fn sum(a: Self::Vector) -> f32;
    /// Whether `a` and `b` differ by more than `threshold` in any lane, or hold a NaN.
    unsafe fn differ(a: Self::Vector, b: Self::Vector, threshold: Self::Vector) -> bool;
}
