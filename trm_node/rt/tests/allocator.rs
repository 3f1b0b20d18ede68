//! The counting allocator, as a thread sees it through its own usage.
#![expect(unsafe_code, reason = "calls the allocator itself")]

use std::alloc::{GlobalAlloc, Layout};
use std::ops::Range;

use trm_rt::allocator::CountingAllocator;
use trm_rt::usage::Usage;

const PAGE_SIZE: usize = 4096;

#[test]
#[cfg_attr(miri, ignore = "Miri has no getrusage")]
fn the_allocator_counts_what_this_thread_asks_for_and_gives_back() {
    let layout = Layout::new::<[u64; 8]>();
    let before = Usage::of_this_thread();
    // SAFETY: the layout isn't empty, and the block is freed with the size that it has by then.
    unsafe {
        let block = CountingAllocator.alloc_zeroed(layout);
        assert_eq!(*block, 0);
        let block = CountingAllocator.realloc(block, layout, 128);
        CountingAllocator.dealloc(block, Layout::from_size_align(128, layout.align()).unwrap());
    }
    assert_eq!(Usage::of_this_thread().since(before).allocations, 3);
    let other = std::thread::spawn(|| Usage::of_this_thread().allocations).join().unwrap();
    assert_eq!(other, 0, "each thread has its own");
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no getrusage")]
fn allocated_pages_are_present_and_keep_what_they_held() {
    let layout = |pages: usize| Layout::from_size_align(pages * PAGE_SIZE, 64).unwrap();
    // Writes one byte into each of these pages: how many faults that took, and whether all held `held` before.
    let write = |block: *mut u8, pages: Range<usize>, held: u8, value: u8| {
        let before = Usage::of_this_thread();
        // SAFETY: within the block.
        let all = pages.into_iter().all(|page| unsafe { block.add(page * PAGE_SIZE).replace(value) } == held);
        (Usage::of_this_thread().since(before).page_faults, all)
    };
    // SAFETY: as above.
    unsafe {
        let block = CountingAllocator.alloc_zeroed(layout(80));
        let (faults, zero) = write(block, 0..80, 0, 7);
        assert!(faults < 10 && zero, "{faults}, not one for each page");
        let block = CountingAllocator.realloc(block, layout(80), 120 * PAGE_SIZE);
        assert!((0..80).all(|page| block.add(page * PAGE_SIZE).read() == 7));
        let (faults, zero) = write(block, 80..120, 0, 8);
        assert!(faults < 10 && zero, "{faults}, not one for each page");
        CountingAllocator.dealloc(block, layout(120));
    }
}
