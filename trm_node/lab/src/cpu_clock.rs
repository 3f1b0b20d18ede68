//! The time that a thread has had of a CPU: what else the machine does counts for nothing.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use trm_planner::halt::deadline::Clock;

/// `CLOCK_THREAD_CPUTIME_ID` of the thread that reads it.
pub struct CpuClock;

impl Clock for CpuClock {
    fn now(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
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
