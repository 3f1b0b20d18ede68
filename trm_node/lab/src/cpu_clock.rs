//! The time that a thread has had of a CPU: what else the machine does counts for nothing.

use std::time::Duration;

use trm_planner::halt::deadline::Clock;
use trm_rt::clock::thread_cpu_time;

/// `CLOCK_THREAD_CPUTIME_ID` of the thread that reads it.
pub struct CpuClock;

impl Clock for CpuClock {
    fn now(&self) -> Duration {
        thread_cpu_time()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_with_work_and_stands_while_the_thread_sleeps() {
        let began = CpuClock.now();
        let mut sum = 0_u64;
        while CpuClock.now() == began {
            sum = std::hint::black_box(sum + 1);
        }
        let before = CpuClock.now();
        std::thread::sleep(Duration::from_millis(100));
        assert!(CpuClock.now().saturating_sub(before) < Duration::from_millis(50));
    }
}
