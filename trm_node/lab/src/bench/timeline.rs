//! A run, stretch by stretch.

use serde::{Deserialize, Serialize};

use crate::bench::miss::miss;
use crate::bench::run_header::RunHeader;
use crate::bench::tick::Tick;
use crate::statistics::Sorted;

/// Stretches of a timeline at most.
const SLOTS: usize = 400;

/// A stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimelineSlot {
    /// Seconds since the start of the run.
    pub at_s: f64,
    /// Median time from request to path.
    pub p50_us: f64,
    /// Longest time from request to path.
    pub max_us: f64,
    /// Ticks that missed their deadline.
    pub misses: u64,
}

/// Divides a run into at most [`SLOTS`] stretches of equal length.
pub fn timeline(ticks: &[Tick], setup: &RunHeader) -> Vec<TimelineSlot> {
    let length = ticks.len().div_ceil(SLOTS).max(1);
    let slot = |(number, ticks): (usize, &[Tick])| {
        let total = Sorted::new(ticks.iter().map(|tick| tick.total_us));
        let missed = |tick: &&Tick| miss(tick.total_us, setup.deadline_ms, setup.rate_hz).is_some();
        TimelineSlot {
            at_s: (number * length) as f64 / setup.rate_hz,
            p50_us: total.quantile(0.5).unwrap_or_default(),
            max_us: total.quantile(1.0).unwrap_or_default(),
            misses: ticks.iter().filter(missed).count() as u64,
        }
    };
    ticks.chunks(length).enumerate().map(slot).collect()
}
