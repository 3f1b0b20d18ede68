//! What a thread costs the machine besides time: page faults, allocations, context switches.
#![expect(unsafe_code, reason = "getrusage is a foreign function")]

use crate::allocator;

/// Counts since the thread or the process began. Linux keeps all of them per thread (getrusage(2), `RUSAGE_THREAD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Page faults, with and without reading from a disk.
    pub page_faults: u64,
    /// Calls of the allocator, to allocate or to free, if the binary uses
    /// [`CountingAllocator`](allocator::CountingAllocator). Always those of the calling thread alone.
    pub allocations: u64,
    /// How often it gave up its core to wait.
    pub voluntary_switches: u64,
    /// How often another thread took its core.
    pub involuntary_switches: u64,
    /// Time on a core, in microseconds.
    pub cpu_us: u64,
}

impl Usage {
    /// Nothing used.
    pub const NONE: Self =
        Self { page_faults: 0, allocations: 0, voluntary_switches: 0, involuntary_switches: 0, cpu_us: 0 };

    /// What the calling thread has used. Doesn't allocate.
    #[must_use]
    pub fn of_this_thread() -> Self {
        Self::of(libc::RUSAGE_THREAD)
    }

    /// What all threads of the process have used, including those that have ended.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(libc::RUSAGE_SELF)
    }

    fn of(who: libc::c_int) -> Self {
        // SAFETY: rusage consists of integers, for which zero is a valid value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: getrusage writes to `usage` only. It fails only for an unknown `who`, and then leaves the zeros.
        unsafe { libc::getrusage(who, &raw mut usage) };
        let us = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        Self {
            page_faults: usage.ru_minflt as u64 + usage.ru_majflt as u64,
            allocations: allocator::calls_of_this_thread(),
            voluntary_switches: usage.ru_nvcsw as u64,
            involuntary_switches: usage.ru_nivcsw as u64,
            cpu_us: us(usage.ru_utime) + us(usage.ru_stime),
        }
    }

    /// The difference to an earlier reading of the same thread.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            page_faults: self.page_faults.saturating_sub(earlier.page_faults),
            allocations: self.allocations.wrapping_sub(earlier.allocations),
            voluntary_switches: self.voluntary_switches.saturating_sub(earlier.voluntary_switches),
            involuntary_switches: self.involuntary_switches.saturating_sub(earlier.involuntary_switches),
            cpu_us: self.cpu_us.saturating_sub(earlier.cpu_us),
        }
    }

    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            page_faults: self.page_faults + other.page_faults,
            allocations: self.allocations + other.allocations,
            voluntary_switches: self.voluntary_switches + other.voluntary_switches,
            involuntary_switches: self.involuntary_switches + other.involuntary_switches,
            cpu_us: self.cpu_us + other.cpu_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    use super::*;
    use crate::memory::PAGE_SIZE;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no getrusage")]
    fn new_pages_and_waits_are_counted() {
        let size = 64 * PAGE_SIZE;
        // An allocator might hand out memory that was used before.
        // SAFETY: a new mapping, wherever there is room.
        let mapped = unsafe {
            mmap_anonymous(std::ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).unwrap()
        };
        let before = Usage::of_this_thread();
        for offset in (0..size).step_by(PAGE_SIZE) {
            // SAFETY: within the mapping.
            unsafe { mapped.cast::<u8>().add(offset).write_volatile(1) };
        }
        std::thread::sleep(Duration::from_millis(1));
        let usage = Usage::of_this_thread().since(before);
        assert!(usage.page_faults > 0 && usage.voluntary_switches > 0, "{usage:?}");
        assert!(Usage::of_process().page_faults >= usage.page_faults);
        // SAFETY: nothing refers to the mapping any more.
        assert_eq!(unsafe { munmap(mapped, size) }, Ok(()));
    }
}
