//! What a thread costs the machine beside time: page faults, allocations, context switches.
#![expect(unsafe_code, reason = "an allocator is unsafe to implement, and getrusage is a foreign function")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What is smaller is written at once by whoever asked for it.
const SMALL: usize = 512;
/// So much of a piece of memory is made real. What is larger is room for rare cases, and is used from its beginning.
const REAL: usize = 1 << 19;
const PAGE: usize = 4096;

thread_local! {
    // Constant and without a destructor: it may be used inside the allocator, at any time of a thread's life.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, but that it counts its calls by thread, and that the memory it gives is real: no plan is the
/// first to touch a page and has to wait for it. A binary makes it its `#[global_allocator]`; without that,
/// [`Usage::allocations`] stays 0.
#[derive(Debug)]
pub struct CountingAllocator;

fn count() {
    CALLS.set(CALLS.get().wrapping_add(1));
}

/// Writes a zero into each page of what is new in a piece of memory.
///
/// # Safety
/// There are `size` bytes, and those from `old` on hold nothing but zeros, if anything.
unsafe fn touch(memory: *mut u8, old: usize, size: usize) {
    if memory.is_null() || size < SMALL {
        return;
    }
    let end = size.min(REAL);
    for at in (old..end).step_by(PAGE).chain((old < end).then(|| end - 1)) {
        // SAFETY: within the memory, and what it holds isn't changed.
        unsafe { memory.add(at).write_volatile(0) };
    }
}

// SAFETY: everything is the system allocator's own; what it gives is only written where it holds nothing or zeros.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises, and new memory of that size; so below.
        unsafe {
            let memory = System.alloc(layout);
            touch(memory, 0, layout.size());
            memory
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe {
            let memory = System.alloc_zeroed(layout);
            touch(memory, 0, layout.size());
            memory
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe {
            let memory = System.realloc(memory, layout, size);
            touch(memory, layout.size(), size);
            memory
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Counts since the thread or the process began. Linux counts all of them per thread (getrusage(2), `RUSAGE_THREAD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Page faults, with and without reading from a disk.
    pub page_faults: u64,
    /// Calls of the allocator, for memory or to give it back, where the binary's is [`CountingAllocator`]. Always of the
    /// calling thread.
    pub allocations: u64,
    /// How often it waited.
    pub voluntary_switches: u64,
    /// How often another thread took its core.
    pub involuntary_switches: u64,
    /// Time on a core, in microseconds.
    pub cpu_us: u64,
}

impl Usage {
    /// Nothing.
    pub const NONE: Self =
        Self { page_faults: 0, allocations: 0, voluntary_switches: 0, involuntary_switches: 0, cpu_us: 0 };

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
            allocations: CALLS.get(),
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

    /// Both together.
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
    use super::*;

    #[test]
    fn new_pages_and_waits_are_counted() {
        let size = 64 * PAGE;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // An allocator could give memory that was used before.
        // SAFETY: new memory, anywhere.
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), size, access, kind, -1, 0) };
        assert_ne!(mapped, libc::MAP_FAILED);
        let before = Usage::of_this_thread();
        for at in (0..size).step_by(PAGE) {
            // SAFETY: within that memory.
            unsafe { mapped.cast::<u8>().add(at).write_volatile(1) };
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
        let usage = Usage::of_this_thread().since(before);
        assert!(usage.page_faults > 0 && usage.voluntary_switches > 0, "{usage:?}");
        assert!(Usage::of_process().page_faults >= usage.page_faults);
        // SAFETY: nobody looks at it any more.
        assert_eq!(unsafe { libc::munmap(mapped, size) }, 0);
    }

    #[test]
    fn the_allocator_counts_what_this_thread_asks_for_and_gives_back() {
        let layout = Layout::new::<[u64; 8]>();
        let before = Usage::of_this_thread();
        // SAFETY: the layout isn't empty, and what is allocated is given back with the size that it has by then.
        unsafe {
            let at = CountingAllocator.alloc_zeroed(layout);
            assert_eq!(*at, 0);
            let at = CountingAllocator.realloc(at, layout, 128);
            CountingAllocator.dealloc(at, Layout::from_size_align(128, layout.align()).unwrap());
        }
        assert_eq!(Usage::of_this_thread().since(before).allocations, 3);
        let other = std::thread::spawn(|| Usage::of_this_thread().allocations).join().unwrap();
        assert_eq!(other, 0, "each thread has its own");
    }

    #[test]
    fn what_is_allocated_is_real_and_what_it_held_stays() {
        let layout = |pages: usize| Layout::from_size_align(pages * PAGE, 64).unwrap();
        // Writes one byte into each of these pages: how many faults that took, and whether all held this before.
        let write = |at: *mut u8, pages: std::ops::Range<usize>, held: u8, value: u8| {
            let before = Usage::of_this_thread();
            // SAFETY: within the memory.
            let all = pages.into_iter().all(|page| unsafe { at.add(page * PAGE).replace(value) } == held);
            (Usage::of_this_thread().since(before).page_faults, all)
        };
        // SAFETY: as above.
        unsafe {
            let at = CountingAllocator.alloc_zeroed(layout(80));
            let (faults, zero) = write(at, 0..80, 0, 7);
            assert!(faults < 10 && zero, "{faults}, not one for each page");
            let at = CountingAllocator.realloc(at, layout(80), 120 * PAGE);
            assert!((0..80).all(|page| at.add(page * PAGE).read() == 7));
            let (faults, zero) = write(at, 80..120, 0, 8);
            assert!(faults < 10 && zero, "{faults}, not one for each page");
            CountingAllocator.dealloc(at, layout(120));
        }
    }
}
