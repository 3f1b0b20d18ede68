//! What the real-time loop costs: page faults, calls of the allocator, context switches.

use crate::usage::Usage;

/// After so many plans, everything that a plan needs has been used once.
pub const WARM_UP: u32 = 20;

/// Takes a reading before and after each plan, and adds up the cost of the whole loop.
#[derive(Debug, Default)]
pub struct Meter {
    before_plan: Usage,
    after_plan: Usage,
    total: Usage,
    /// Plans since the last call of [`Self::warm_up`], up to [`WARM_UP`].
    warm_up_plans: u32,
}

impl Meter {
    /// The next plans will use something for the first time. The total leaves them out.
    pub const fn warm_up(&mut self) {
        self.warm_up_plans = 0;
    }

    /// Call before a plan, with the thread's usage.
    pub const fn begin(&mut self, now: Usage) {
        self.before_plan = now;
    }

    /// Call after a plan, with the thread's usage. Returns the cost of the plan.
    pub fn end(&mut self, now: Usage) -> Usage {
        if self.warm_up_plans < WARM_UP {
            self.warm_up_plans += 1;
        } else {
            self.total = self.total.plus(now.since(self.after_plan));
        }
        self.after_plan = now;
        now.since(self.before_plan)
    }

    /// The cost of the loop, both of the plans and of what happened between them. Plans during warm-up are left out.
    #[must_use]
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
