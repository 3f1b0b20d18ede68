//! Memory that is there before it is needed: locking, prefaulting of code and stack, and what the C library keeps.
#![expect(unsafe_code, reason = "madvise and mallopt")]

use std::path::Path;
use std::{env, fs, hint};

use rustix::mm::{Advice, MlockAllFlags, madvise, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};

use crate::refusal::Refusal;

/// The size of a page in bytes, or a divisor of it on machines with larger ones.
pub(crate) const PAGE_SIZE: usize = 4096;

/// So many bytes of the stack are prefaulted.
const STACK_SIZE: usize = 512 * 1024;

/// Keeps all memory that the process uses, now or later, from being swapped out. Pages that were never used stay
/// absent.
pub(crate) fn lock_all() -> Result<(), Refusal> {
    if let Some(limit) = getrlimit(Resource::Memlock).current.filter(|_| !may_exceed_lock_limit()) {
        // Below such a limit locking may succeed, and allocations then fail later.
        return Err(Refusal::MemoryLock { cause: format!("RLIMIT_MEMLOCK is {} kB", limit / 1024) });
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(|error| Refusal::MemoryLock { cause: error.to_string() })
}

fn may_exceed_lock_limit() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK))
}

/// Reads in the code of the program and of the C library, so that no later call of it takes a page fault.
pub(crate) fn prefault_code() {
    let program = env::current_exe().unwrap_or_default();
    for line in fs::read_to_string("/proc/self/maps").unwrap_or_default().lines() {
        if let Some((start, end)) = code_addresses(line, &program) {
            // SAFETY: only reads in pages that are mapped; otherwise it is an error, which is harmless.
            let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxPopulateRead) };
        }
    }
}

/// Start and end of the mapping in a line of `/proc/self/maps`, if it is code of the program or of the C library.
fn code_addresses(line: &str, program: &Path) -> Option<(usize, usize)> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let is_code = words.next()?.contains('x');
    let file = Path::new(words.nth(3)?);
    let is_wanted = file == program || ["libc.so.6", "libm.so.6"].iter().any(|name| file.ends_with(name));
    let address = |text| usize::from_str_radix(text, 16).ok();
    if is_code && is_wanted { Some((address(start)?, address(end)?)) } else { None }
}

/// Writes to each page of the part of this thread's stack that the next calls will use.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the array is there to use the stack")]
pub(crate) fn prefault_stack() {
    let mut stack = [0_u8; STACK_SIZE];
    for page in stack.chunks_mut(PAGE_SIZE) {
        page[0] = hint::black_box(1);
    }
    hint::black_box(&mut stack);
}

/// Makes the C library return large freed buffers to the system at once.
///
/// Left alone, glibc raises the size from which it does so to that of the largest buffer freed so far, and then keeps
/// the memory of all of them in its heaps for good. Call this first in `main`. A failure doesn't matter: with its own
/// limits glibc only wastes memory. Does nothing with another C library.
pub fn return_big_buffers() {
    #[cfg(all(target_env = "gnu", not(miri)))]
    {
        /// Buffers of at least so many bytes are returned as soon as they are freed.
        const RETURN_FROM: libc::c_int = 1 << 20;
        /// So many free bytes at the end of a heap are kept, for what is freed and allocated again all the time.
        const KEEP_FREE: libc::c_int = 4 << 20;
        // SAFETY: sets two numbers.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, RETURN_FROM);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP_FREE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_s_code_is_found_among_the_mappings() {
        let program = Path::new("/opt/ros/lib/trm_node/trm_node");
        let code = "5581c0a2e000-5581c1570000 r-xp 0039a000 fe:00 8918 /opt/ros/lib/trm_node/trm_node";
        assert_eq!(code_addresses(code, program), Some((0x5581_c0a2_e000, 0x5581_c157_0000)));
        let data = "5581c0a2e000-5581c1570000 rw-p 0039a000 fe:00 8918 /opt/ros/lib/trm_node/trm_node";
        assert_eq!(code_addresses(data, program), None);
        let libc = "7f0000000000-7f0000001000 r-xp 00026000 fe:00 3 /usr/lib/x86_64-linux-gnu/libc.so.6";
        assert_eq!(code_addresses(libc, program), Some((0x7f00_0000_0000, 0x7f00_0000_1000)));
        assert_eq!(code_addresses("7ffc8a5f2000-7ffc8a5f4000 r-xp 00000000 00:00 0 [vdso]", program), None);
        assert_eq!(code_addresses("7ffc8a5f2000-7ffc8a5f4000 r-xp 00000000 00:00 0", program), None);
    }
}
