//! How the C library keeps memory that was freed.
#![expect(unsafe_code, reason = "glibc's setting of its allocator")]

/// Buffers of at least so many bytes go back to the system as soon as they are freed. Left alone, glibc raises the bound
/// to the size of the largest one that was freed: grids and guidance would then stay in its heaps for good.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BIG: std::ffi::c_int = 1 << 20;
/// So much free memory at the end of a heap is kept, for what is freed and needed again all the time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: std::ffi::c_int = 4 << 20;

/// Sets the bounds; where there is no glibc, nothing.
pub fn return_big_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Of malloc.h.
        const M_TRIM_THRESHOLD: std::ffi::c_int = -1;
        const M_MMAP_THRESHOLD: std::ffi::c_int = -3;
        unsafe extern "C" {
            safe fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
        }
        // A refusal leaves glibc's own bounds, which are only wasteful.
        mallopt(M_MMAP_THRESHOLD, BIG);
        mallopt(M_TRIM_THRESHOLD, KEPT);
    }
}
