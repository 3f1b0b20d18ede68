//! What came out of many worlds.

use std::collections::BTreeMap;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// Violations that are kept in full; more are only counted.
const KEPT: usize = 20;

/// Counts of worlds and plans, and the faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub worlds: u64,
    pub plans: u64,
    /// Plans by what came out: a path and its source, or Nav2's name of the reason.
    pub outcomes: BTreeMap<String, u64>,
    pub faults: u64,
    /// The first of them.
    pub violations: Vec<Violation>,
}

/// A broken law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The world.
    pub index: u64,
    pub what: String,
}

impl Tally {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &str) {
        self.plans += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Notes a fault of a world.
    pub fn fault(&mut self, index: u64, what: String) {
        self.faults += 1;
        if self.violations.len() < KEPT {
            self.violations.push(Violation { index, what });
        }
    }

    /// Adds the counts of other worlds.
    pub fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.plans += other.plans;
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.faults += other.faults;
        self.violations.extend(other.violations);
        self.violations.truncate(KEPT);
    }

    /// The counts as text.
    pub fn table(&self) -> String {
        let mut lines = vec![format!("{} worlds, {} plans, {} faults", self.worlds, self.plans, self.faults)];
        lines.extend(self.outcomes.iter().map(|(outcome, count)| format!("  {count:>9} {outcome}")));
        lines.join("\n")
    }

    /// The faults, each with the command that replays it, which needs these flags.
    pub fn faults(&self, flags: &str) -> String {
        let line = |v: &Violation| format!("\n{}\n  trm worlds {flags} --index {}", v.what, v.index);
        format!("{} faults{}", self.faults, self.violations.iter().map(line).collect::<String>())
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut all, tally| {
            all.add(tally);
            all
        })
    }
}
