//! When and where a thread runs: real-time priority, CPU affinity, timer slack.
#![expect(unsafe_code, reason = "rustix has no sched_setscheduler")]

use std::io;
use std::num::NonZeroU64;

use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

use crate::refusal::Refusal;

/// A thread by its number; 0 is the calling one.
pub const THIS_THREAD: libc::pid_t = 0;

/// Gives a thread the policy `SCHED_FIFO` with a priority from 1 to 99: until it sleeps, it runs before all threads of a
/// lower priority.
pub fn set_fifo_priority(thread: libc::pid_t, priority: i32) -> Result<(), Refusal> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: reads the parameters.
    if unsafe { libc::sched_setscheduler(thread, libc::SCHED_FIFO, &raw const parameters) } == 0 {
        Ok(())
    } else {
        Err(Refusal::Priority { priority, cause: io::Error::last_os_error().to_string() })
    }
}

/// This thread's priority under `SCHED_FIFO`; `None` under another policy.
pub fn fifo_priority() -> Option<i32> {
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: writes the parameters. Thread 0 is the calling one.
    let policy = unsafe {
        libc::sched_getparam(0, &raw mut parameters);
        libc::sched_getscheduler(0)
    };
    (policy == libc::SCHED_FIFO).then_some(parameters.sched_priority)
}

/// The threads of this process, with their names; none where /proc can't be read.
pub fn threads() -> impl Iterator<Item = (libc::pid_t, String)> {
    let folders = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    folders.filter_map(|folder| {
        let name = std::fs::read_to_string(folder.path().join("comm")).ok()?;
        Some((folder.file_name().to_str()?.parse().ok()?, name.trim_end().to_owned()))
    })
}

/// Keeps this thread on one CPU.
pub fn pin_to_cpu(cpu: usize) -> Result<(), Refusal> {
    let refusal = |error: rustix::io::Errno| Refusal::Cpu { cpu, cause: error.to_string() };
    if cpu >= CpuSet::MAX_CPU {
        return Err(refusal(rustix::io::Errno::INVAL));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).map_err(refusal)
}

/// Ends this thread's timed sleeps when they are due. By default ordinary threads may sleep 50 µs longer.
pub fn reduce_timer_slack() {
    // In nanoseconds; 0 would mean the default. Never refused for the calling thread.
    let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
}
