//! What a real-time loop costs: page faults, calls of the allocator, context switches.

use crate::usage::Usage;

/// After so many cycles of the loop, everything that a cycle needs has been used once.
pub const WARM_UP: u32 = 20;

/// Takes a reading of the thread's usage at the start and the end of each cycle's work, and adds up the cost of the
/// whole loop.
#[derive(Debug, Default)]
pub struct Meter {
    at_start: Usage,
    at_end: Usage,
    total: Usage,
    /// Cycles since the last call of [`Self::warm_up`], counted up to [`WARM_UP`].
    warm_up_cycles: u32,
}

impl Meter {
    /// The next cycles will use something for the first time. The total leaves them out.
    pub const fn warm_up(&mut self) {
        self.warm_up_cycles = 0;
    }

    /// Call before the work of a cycle, with the thread's usage.
    pub const fn begin(&mut self, now: Usage) {
        self.at_start = now;
    }

    /// Call after the work of a cycle, with the thread's usage. Returns what the work cost.
    pub fn end(&mut self, now: Usage) -> Usage {
        if self.warm_up_cycles < WARM_UP {
            self.warm_up_cycles += 1;
        } else {
            self.total = self.total.plus(now.since(self.at_end));
        }
        self.at_end = now;
        now.since(self.at_start)
    }

    /// The cost of the loop: the work of its cycles, and what happened between them. Warm-up is left out.
    #[must_use]
    pub const fn total(&self) -> Usage {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_holds_what_happens_between_cycles_and_leaves_out_the_warm_up() {
        let at = |allocations| Usage { allocations, ..Usage::default() };
        let mut meter = Meter::default();
        for cycle in 0..u64::from(WARM_UP) {
            meter.begin(at(10 * cycle));
            assert_eq!(meter.end(at(10 * cycle + 4)).allocations, 4);
        }
        assert_eq!(meter.total(), Usage::default());
        let last = 10 * u64::from(WARM_UP - 1) + 4;
        meter.begin(at(last + 3));
        assert_eq!(meter.end(at(last + 5)).allocations, 2);
        assert_eq!(meter.total().allocations, 5);
        meter.warm_up();
        meter.begin(at(last + 100));
        meter.end(at(last + 200));
        assert_eq!(meter.total().allocations, 5);
    }
}
