//! What all simulations so far came to, in a file.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::counts_file;
use crate::simulate::seed::Verdict;

/// Sums over seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tally {
    /// The first seed that wasn't simulated.
    pub next_seed: u64,
    /// How many were.
    pub seeds: u64,
    /// Simulated hours.
    pub hours: f64,
    /// Plans.
    pub plans: u64,
    /// Published paths.
    pub paths: u64,
    /// Seeds in which something didn't hold, and what.
    pub violations: Vec<(u64, String)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { next_seed: 1, seeds: 0, hours: 0.0, plans: 0, paths: 0, violations: Vec::new() }
    }
}

impl Tally {
    /// Reads a file; a new tally when there is none.
    ///
    /// # Errors
    /// When it is no tally.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("--tally {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("--tally {}", file.display()))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, file: &Path) -> anyhow::Result<()> {
        counts_file::replace(file, self).with_context(|| format!("--tally {}", file.display()))
    }

    /// Adds a seed.
    pub fn add(&mut self, seed: u64, verdict: &Verdict) {
        self.next_seed = self.next_seed.max(seed.saturating_add(1));
        self.seeds += 1;
        self.hours += verdict.time as f64 / 3.6e12;
        self.plans += verdict.plans[0];
        self.paths += verdict.plans[1];
        self.violations.extend(verdict.violation.clone().map(|what| (seed, what)));
    }

    /// What was added since an earlier state.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            next_seed: self.next_seed,
            seeds: self.seeds - before.seeds,
            hours: self.hours - before.hours,
            plans: self.plans - before.plans,
            paths: self.paths - before.paths,
            violations: self.violations[before.violations.len()..].to_vec(),
        }
    }

    /// In words, after so many seconds of real time.
    #[must_use]
    pub fn summary(&self, seconds: f64) -> String {
        let rate = self.seeds as f64 / seconds.max(1e-3);
        format!(
            "{} seeds ({rate:.1} a second), {:.2} simulated hours, {} plans, {} paths, {} violations",
            self.seeds,
            self.hours,
            self.plans,
            self.paths,
            self.violations.len()
        )
    }
}
