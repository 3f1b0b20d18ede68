//! What the planner thread costs: page faults, calls of the allocator, context switches.

use trm_core::usage::Usage;

/// Plans until everything that a plan needs has been used once.
pub const WARM_UP: u32 = 20;

/// Reads the counts around each plan, and adds up those of the whole loop.
#[derive(Default)]
pub struct Meter {
    began: Usage,
    ended: Usage,
    total: Usage,
    warm: u32,
}

impl Meter {
    /// Something is new that the next plans see for the first time: the total leaves them out.
    pub const fn warm_up(&mut self) {
        self.warm = 0;
    }

    /// Before a plan.
    pub const fn begin(&mut self, now: Usage) {
        self.began = now;
    }

    /// After a plan: what it cost.
    pub fn end(&mut self, now: Usage) -> Usage {
        if self.warm < WARM_UP {
            self.warm += 1;
        } else {
            self.total = self.total.plus(now.since(self.ended));
        }
        self.ended = now;
        now.since(self.began)
    }

    /// What the loop has cost, plans and all between them, the plans of warming up left out.
    pub const fn total(&self) -> Usage {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_holds_what_happens_between_plans_and_leaves_out_the_warm_up() {
        let at = |allocations| Usage { allocations, ..Usage::default() };
        let mut meter = Meter::default();
        for plan in 0..u64::from(WARM_UP) {
            meter.begin(at(10 * plan));
            assert_eq!(meter.end(at(10 * plan + 4)).allocations, 4);
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
