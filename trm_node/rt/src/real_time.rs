//! The start of a real-time thread, in the order of `ros2_control`: memory, thread, CPU, priority.
//!
//! None of it is needed for correct results, so a refusal ends nothing. It is returned for the caller to report.
//!
//! ```
//! use trm_rt::real_time::{Wanted, enter_thread, prepare_process};
//!
//! let wanted = Wanted { priority: Some(50), cpu: None, lock_memory: false };
//! prepare_process(&wanted)?;
//! std::thread::spawn(move || {
//!     let granted = enter_thread(&wanted);
//!     for refusal in &granted.refusals {
//!         eprintln!("{refusal}: {}", refusal.hint());
//!     }
//! });
//! # Ok::<(), trm_rt::refusal::Refusal>(())
//! ```

use crate::refusal::Refusal;
use crate::{memory, scheduling};

/// What a real-time thread and its process ask of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The priority under `SCHED_FIFO`, 1 to 99; `None` leaves the thread's policy as it is.
    pub priority: Option<i32>,
    /// The one CPU to run on, counted from 0; `None` for any.
    pub cpu: Option<usize>,
    /// Whether all memory of the process is kept from being swapped out.
    pub lock_memory: bool,
}

/// What the system granted a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The priority under `SCHED_FIFO`; `None` for an ordinary thread.
    pub priority: Option<i32>,
    /// The one CPU that it runs on; `None` for any that the process may use.
    pub cpu: Option<usize>,
    /// What was wanted and refused.
    pub refusals: Vec<Refusal>,
}

impl Granted {
    /// Linux's name for the thread's policy.
    #[must_use]
    pub const fn policy(&self) -> &'static str {
        if self.priority.is_some() { "SCHED_FIFO" } else { "SCHED_OTHER" }
    }
}

/// Prefaults the program's code, and locks the memory of the process if that is wanted. Call it before the threads
/// start.
///
/// # Errors
/// [`Refusal::MemoryLock`] when memory should be locked and may not be.
pub fn prepare_process(wanted: &Wanted) -> Result<(), Refusal> {
    memory::prefault_code();
    if wanted.lock_memory { memory::lock_all() } else { Ok(()) }
}

/// Makes the calling thread the real-time thread that is wanted, as far as the system grants it. Also prefaults its
/// stack and reduces its timer slack.
#[must_use]
pub fn enter_thread(wanted: &Wanted) -> Granted {
    memory::prefault_stack();
    scheduling::reduce_timer_slack();
    let mut refusals = Vec::new();
    let mut is_granted = |answer: Result<(), Refusal>| answer.map_err(|refusal| refusals.push(refusal)).is_ok();
    let cpu = wanted.cpu.filter(|&cpu| is_granted(scheduling::pin_to_cpu(cpu)));
    if let Some(priority) = wanted.priority {
        is_granted(scheduling::set_fifo_priority(scheduling::THIS_THREAD, priority));
    }
    Granted { priority: scheduling::fifo_priority(), cpu, refusals }
}

/// Makes the calling thread a helper of a thread that was granted this: it runs when that one doesn't, and before all
/// threads of lower priorities.
pub fn enter_thread_below(granted: &Granted) {
    scheduling::reduce_timer_slack();
    if let Some(priority) = granted.priority {
        // Who was granted a priority is granted all lower ones.
        let _ = scheduling::set_fifo_priority(scheduling::THIS_THREAD, (priority - 1).max(1));
    }
}

/// Gives threads of this process, chosen by their names, the lowest real-time priority, if the real-time thread was
/// granted one. Returns how many there were. It is for those that hold locks which a real-time thread needs: while an
/// ordinary thread that holds one waits for a CPU, so does the real-time thread (priority inversion).
pub fn raise_threads(granted: &Granted, holds_locks: impl Fn(&str) -> bool) -> usize {
    if granted.priority.is_none() {
        return 0;
    }
    let chosen = scheduling::threads().filter(|(_, name)| holds_locks(name));
    // One that has ended meanwhile is no loss.
    chosen.filter(|(thread, _)| scheduling::set_fifo_priority(*thread, 1).is_ok()).count()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::thread;

    use rustix::thread::{current_timer_slack, sched_getaffinity};

    use super::*;

    #[test]
    fn a_priority_of_none_leaves_the_thread_as_it_is() {
        let before = scheduling::fifo_priority();
        assert_eq!(enter_thread(&Wanted::default()).refusals, []);
        assert_eq!(scheduling::fifo_priority(), before);
    }

    #[test]
    fn a_thread_stays_on_the_cpu_that_it_was_granted() {
        let cpu = (0..1024).find(|&cpu| sched_getaffinity(None).unwrap().is_set(cpu)).unwrap();
        let wanted = Wanted { cpu: Some(cpu), ..Wanted::default() };
        let (granted, set) =
            thread::spawn(move || (enter_thread(&wanted), sched_getaffinity(None).unwrap())).join().unwrap();
        assert_eq!((granted.cpu, granted.refusals), (Some(cpu), vec![]));
        assert!(set.is_set(cpu) && set.count() == 1);
    }

    #[test]
    fn a_cpu_that_is_not_there_is_refused_with_a_cause_and_a_hint() {
        // The largest is more than the system's set has room for.
        for cpu in [1000, usize::MAX] {
            let granted = enter_thread(&Wanted { cpu: Some(cpu), ..Wanted::default() });
            assert_eq!(granted.cpu, None);
            let [refusal] = &granted.refusals[..] else { panic!("{granted:?}") };
            assert_eq!(refusal.to_string(), format!("CPU {cpu} refused (Invalid argument (os error 22))"));
            assert_eq!(refusal.cause(), "Invalid argument (os error 22)");
            assert!(refusal.hint().contains("taskset"));
        }
    }

    #[test]
    fn a_priority_is_either_granted_or_refused() {
        let wanted = Wanted { priority: Some(7), ..Wanted::default() };
        let granted = thread::spawn(move || enter_thread(&wanted)).join().unwrap();
        match &granted.refusals[..] {
            [] => assert_eq!((granted.priority, granted.policy()), (Some(7), "SCHED_FIFO")),
            [Refusal::Priority { priority: 7, .. }] => {
                assert_eq!((granted.priority, granted.policy()), (None, "SCHED_OTHER"));
            }
            refusals => panic!("{refusals:?}"),
        }
        // One below, where there is something below.
        let helper = granted.clone();
        let priority = thread::spawn(move || {
            enter_thread_below(&helper);
            scheduling::fifo_priority()
        });
        assert_eq!(priority.join().unwrap(), granted.priority.map(|priority| priority - 1));
        let named = Arc::new(Barrier::new(2));
        let raised = Arc::clone(&named);
        let holder = thread::Builder::new().name("a lock's holder".to_owned()).spawn(move || {
            // Now it has its name, and then its priority.
            raised.wait();
            raised.wait();
            scheduling::fifo_priority()
        });
        named.wait();
        let count = raise_threads(&granted, |name| name == "a lock's holder");
        named.wait();
        assert_eq!(count, usize::from(granted.priority.is_some()));
        assert_eq!(holder.unwrap().join().unwrap(), granted.priority.map(|_| 1));
        let impossible = enter_thread(&Wanted { priority: Some(100), ..Wanted::default() });
        assert!(matches!(&impossible.refusals[..], [Refusal::Priority { priority: 100, .. }]), "{impossible:?}");
    }

    #[test]
    fn timed_sleeps_end_when_they_are_due() {
        let slack = thread::spawn(|| {
            let _ = enter_thread(&Wanted::default());
            current_timer_slack().unwrap()
        });
        assert_eq!(slack.join().unwrap(), 1);
    }
}
