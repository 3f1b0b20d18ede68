//! Calls of Linux that the standard library has no words for. Whoever may call them, what they mean stands in
//! [`crate::realtime`].
#![expect(unsafe_code, reason = "calls of the C library")]

use std::io;
use std::mem::{size_of, zeroed};
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// The time of `CLOCK_MONOTONIC`.
pub fn monotonic() -> Duration {
    let mut time = timespec(Duration::ZERO);
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Sleeps while the word has this value, at the longest until [`monotonic`] shows a time. It may end sooner.
pub fn sleep_while(word: &AtomicU32, value: u32, until: Option<Duration>) {
    let until = until.map(timespec);
    let until = until.as_ref().map_or(ptr::null(), ptr::from_ref);
    // This one of the futex calls takes an absolute time.
    let call = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
    let none = ptr::null::<u32>();
    // SAFETY: the word and the time live until the call returns.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), call, value, until, none, libc::FUTEX_BITSET_MATCH_ANY) };
}

/// Wakes the thread that sleeps on the word.
pub fn wake(word: &AtomicU32) {
    // SAFETY: the kernel looks up who waits at this address, and doesn't touch it.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec { tv_sec: time.as_secs() as libc::time_t, tv_nsec: time.subsec_nanos().into() }
}

/// Keeps all memory that is in use, now or later, from being swapped out. What was never touched stays unreal.
pub fn lock_memory() -> io::Result<()> {
    // SAFETY: takes no memory of ours.
    checked(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) })
}

/// How many bytes may be locked; `None` without a limit.
pub fn lock_limit() -> Option<u64> {
    // SAFETY: an all-zero rlimit is one, and the call writes one.
    let limit = unsafe {
        let mut limit: libc::rlimit = zeroed();
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit);
        limit.rlim_cur
    };
    (limit != libc::RLIM_INFINITY).then_some(limit)
}

/// Asks the kernel to read in pages of a mapping.
pub fn populate(start: usize, end: usize) {
    // SAFETY: only reads what is mapped; an error for what isn't.
    unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_POPULATE_READ) };
}

/// Gives this thread a real-time priority: it runs before all threads of lower ones, until it sleeps.
pub fn set_fifo(priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: reads the parameters; 0 is this thread.
    checked(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) })
}

/// This thread's real-time priority; `None` when it has none.
pub fn fifo() -> Option<i32> {
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: writes the parameters.
    let policy = unsafe {
        libc::sched_getparam(0, &raw mut parameters);
        libc::sched_getscheduler(0)
    };
    (policy == libc::SCHED_FIFO).then_some(parameters.sched_priority)
}

/// Keeps this thread on one CPU.
pub fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: an all-zero set is an empty one, which `CPU_SET` and the call stay within.
    checked(unsafe {
        let mut set: libc::cpu_set_t = zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    })
}

/// Ends this thread's timed sleeps when they are due. Without it ordinary threads sleep 50 µs longer.
pub fn wake_in_time() {
    // SAFETY: takes no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
}

/// Buffers of at least so many bytes go back to the system as soon as they are freed. Left alone, glibc raises the bound
/// to the size of the largest one that was freed: grids and guidance would then stay in its heaps for good.
#[cfg(target_env = "gnu")]
const BIG: libc::c_int = 1 << 20;
/// So much free memory at the end of a heap is kept, for what is freed and needed again all the time.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 4 << 20;

/// Lets the C library give memory back that was freed. A refusal leaves its own bounds, which are only wasteful.
pub fn return_big_buffers() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets two numbers.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, BIG);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_at_its_time_or_when_it_is_woken_and_never_begins_when_the_word_is_another() {
        let word = AtomicU32::new(0);
        let until = monotonic() + Duration::from_millis(5);
        while monotonic() < until {
            sleep_while(&word, 0, Some(until));
        }
        sleep_while(&word, 1, None);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| sleep_while(&word, 0, None));
            while !sleeper.is_finished() {
                wake(&word);
                std::thread::yield_now();
            }
        });
    }
}
