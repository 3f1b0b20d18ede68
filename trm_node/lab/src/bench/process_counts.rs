//! What a run cost the process: the last line of a recording, and what the loop counts of itself.

use serde::Deserialize;

use crate::bench::latencies::Latencies;
use crate::machine::telemetry::readings::Readings;

/// What is known of the whole process over a run.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ProcessCounts {
    /// Ticks without an answer.
    pub lost: u64,
    /// Mean CPU load; 100 is one core.
    #[serde(default)]
    pub cpu_percent: Option<f64>,
    /// Resident memory at the end, in units of 10^6 bytes.
    #[serde(default)]
    pub rss_mb: Option<f64>,
    /// Resident memory at most, in the same units.
    #[serde(default)]
    pub rss_peak_mb: Option<f64>,
    /// How often a thread gave up its core to wait.
    #[serde(default)]
    pub voluntary_switches: Option<u64>,
    /// How often a thread lost its core to another one.
    #[serde(default)]
    pub involuntary_switches: Option<u64>,
    /// Page faults of all threads.
    #[serde(default)]
    pub page_faults: Option<u64>,
    /// Energy that the machine used, in millijoules.
    #[serde(default)]
    pub energy_mj: Option<f64>,
    /// The machine's sensors.
    #[serde(default)]
    pub sensors: Option<Readings>,
    /// Times from the request's stamp to the path's arrival.
    #[serde(default)]
    pub dds_round_trip_us: Option<Latencies>,
    /// Paths that failed the recording program's own check.
    #[serde(default)]
    pub violations: Option<u64>,
}
