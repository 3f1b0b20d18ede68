//! An allocator that counts its calls and hands out memory whose pages are already present.
#![expect(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::memory::PAGE_SIZE;

/// Smaller requests, in bytes, are left alone: whoever makes one writes to all of it right away.
const PREFAULT_FROM: usize = 512;
/// At most so many bytes of a request are prefaulted. Larger ones reserve room for rare cases, and are filled from the
/// start.
const PREFAULT_LIMIT: usize = 1 << 19;

thread_local! {
    // Constant and without a destructor, so the allocator may use it at any time in a thread's life.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// How often the calling thread has called [`CountingAllocator`].
pub(crate) fn calls_of_this_thread() -> u64 {
    CALLS.get()
}

fn count_call() {
    CALLS.set(CALLS.get().wrapping_add(1));
}

/// The system's allocator, except that it counts its calls per thread and prefaults what it hands out, so that the
/// caller takes no page fault later.
///
/// A binary makes it its global allocator; otherwise [`Usage::allocations`](crate::usage::Usage::allocations) stays 0:
///
/// ```
/// use trm_rt::allocator::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
/// ```
#[derive(Debug)]
pub struct CountingAllocator;

/// Writes a zero into each page of a block from byte `old_size` on.
///
/// # Safety
/// `block` is null, or has `size` bytes that may be written. From `old_size` on they are uninitialised or zero.
unsafe fn prefault(block: *mut u8, old_size: usize, size: usize) {
    if block.is_null() || size < PREFAULT_FROM {
        return;
    }
    let end = size.min(PREFAULT_LIMIT);
    for offset in (old_size..end).step_by(PAGE_SIZE).chain((old_size < end).then(|| end - 1)) {
        // SAFETY: the offset is within the block, and only uninitialised bytes or zeros are overwritten.
        unsafe { block.add(offset).write_volatile(0) };
    }
}

// SAFETY: every block is the system allocator's own. Only bytes without a value, or zeros, are overwritten, with zeros.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_call();
        // SAFETY: the caller keeps the system allocator's contract, which is the same. The new block has this size.
        unsafe {
            let block = System.alloc(layout);
            prefault(block, 0, layout.size());
            block
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_call();
        // SAFETY: as in `alloc`.
        unsafe {
            let block = System.alloc_zeroed(layout);
            prefault(block, 0, layout.size());
            block
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_call();
        // SAFETY: as in `alloc`. What follows the old size is uninitialised.
        unsafe {
            let block = System.realloc(block, layout, size);
            prefault(block, layout.size(), size);
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count_call();
        // SAFETY: the caller keeps the system allocator's contract, which is the same.
        unsafe { System.dealloc(block, layout) };
    }
}
