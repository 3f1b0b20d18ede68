//! The allocator: the system's, but that it counts its calls by thread, which shows that the planner thread makes none,
//! and that the memory it gives is real: no plan is the first to touch a page and has to wait for it.
#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What is smaller is written at once by whoever asked for it.
const SMALL: usize = 512;
/// So much of a piece of memory is made real. What is larger is room for rare cases, and is used from its beginning.
const REAL: usize = 1 << 19;
const PAGE: usize = 4096;

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

thread_local! {
    /// Set up without an allocation, and nothing to drop.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// How often this thread has allocated, reallocated or freed anything.
pub fn of_this_thread() -> u64 {
    CALLS.get()
}

fn count() {
    CALLS.set(CALLS.get() + 1);
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
unsafe impl GlobalAlloc for Allocator {
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
        unsafe {
            let memory = System.alloc_zeroed(layout);
            touch(memory, 0, layout.size());
            memory
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe {
            let memory = System.realloc(memory, layout, size);
            touch(memory, layout.size(), size);
            memory
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        unsafe { System.dealloc(memory, layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_counts_its_own_calls() {
        let before = of_this_thread();
        let boxed = std::hint::black_box(Box::new([0_u8; 64]));
        assert_eq!(of_this_thread(), before + 1);
        drop(boxed);
        assert_eq!(of_this_thread(), before + 2);
        let other = std::thread::spawn(|| {
            let boxes: Vec<_> = (0..1000).map(Box::new).collect();
            (boxes.len(), of_this_thread())
        });
        let (boxes, calls) = other.join().unwrap();
        assert!(calls >= boxes as u64, "{calls}");
        assert!(of_this_thread() < before + 100, "starting a thread takes a few");
    }

    #[test]
    fn what_is_allocated_is_real_and_what_it_held_stays() {
        let mut memory = Vec::<u8>::with_capacity(80 * PAGE);
        let [faults, ..] = crate::system::costs();
        memory.resize(80 * PAGE, 7);
        let [after, ..] = crate::system::costs();
        assert!(after < faults + 10, "not one for each page");
        memory.reserve_exact(40 * PAGE);
        let [faults, ..] = crate::system::costs();
        memory.resize(110 * PAGE, 8);
        let [after, ..] = crate::system::costs();
        assert!(after < faults + 10, "not one for each page");
        assert!(memory[..80 * PAGE].iter().all(|byte| *byte == 7));
        assert!(std::hint::black_box(vec![0_u8; 300 * PAGE]).iter().all(|byte| *byte == 0));
    }
}
