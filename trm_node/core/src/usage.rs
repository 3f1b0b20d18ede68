//! What a thread costs the machine beside time: page faults, allocations, context switches.
#![expect(unsafe_code, reason = "an allocator is unsafe to implement, and getrusage is a foreign function")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constant and without a destructor: it may be used inside the allocator, at any time of a thread's life.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts the allocations of each thread. A binary makes it its `#[global_allocator]`; without
/// that, [`Usage::allocations`] stays 0.
#[derive(Debug)]
pub struct CountingAllocator;

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get().wrapping_add(1)));
}

// SAFETY: everything is handed to the system's allocator as it came; counting allocates nothing and doesn't unwind.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Counts since the thread or the process began. Linux counts all of them per thread (getrusage(2), `RUSAGE_THREAD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Page faults, with and without reading from a disk.
    pub page_faults: u64,
    /// Calls of the allocator for memory, where the binary's is [`CountingAllocator`]. Always of the calling thread.
    pub allocations: u64,
    /// How often it waited.
    pub voluntary_switches: u64,
    /// How often another thread took its core.
    pub involuntary_switches: u64,
    /// Time on a core, in microseconds.
    pub cpu_us: u64,
}

impl Usage {
    /// Of the calling thread. Allocates nothing.
    #[must_use]
    pub fn of_this_thread() -> Self {
        Self::of(libc::RUSAGE_THREAD)
    }

    /// Of all threads of the process, those that have ended included.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(libc::RUSAGE_SELF)
    }

    fn of(who: libc::c_int) -> Self {
        // SAFETY: the structure is made of numbers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is what getrusage writes to. It fails only for an unknown `who`, and leaves zeros then.
        unsafe { libc::getrusage(who, &raw mut usage) };
        let us = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        Self {
            page_faults: usage.ru_minflt as u64 + usage.ru_majflt as u64,
            allocations: ALLOCATIONS.with(Cell::get),
            voluntary_switches: usage.ru_nvcsw as u64,
            involuntary_switches: usage.ru_nivcsw as u64,
            cpu_us: us(usage.ru_utime) + us(usage.ru_stime),
        }
    }

    /// What came on top of an earlier reading of the same thread.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_pages_and_waits_are_counted() {
        let before = Usage::of_this_thread();
        let pages = vec![1_u8; 16 << 20];
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(pages.iter().all(|byte| *byte == 1));
        let usage = Usage::of_this_thread().since(before);
        assert!(usage.page_faults > 0 && usage.voluntary_switches > 0, "{usage:?}");
        assert!(Usage::of_process().page_faults >= usage.page_faults);
    }

    #[test]
    fn the_allocator_counts_what_this_thread_asks_for() {
        let layout = Layout::new::<[u64; 8]>();
        let before = Usage::of_this_thread();
        // SAFETY: the layout isn't empty, and what is allocated is given back with the size that it has by then.
        unsafe {
            let at = CountingAllocator.alloc_zeroed(layout);
            assert_eq!(*at, 0);
            let at = CountingAllocator.realloc(at, layout, 128);
            CountingAllocator.dealloc(at, Layout::from_size_align(128, layout.align()).unwrap());
        }
        assert_eq!(Usage::of_this_thread().since(before).allocations, 2);
        let other = std::thread::spawn(|| Usage::of_this_thread().allocations).join().unwrap();
        assert_eq!(other, 0, "each thread has its own");
    }
}
