//! The figures of a run of the control loop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trm_planner::Source;
use trm_planner::halt::policy::StopReason;
use trm_planner::stats::Statistics;

use crate::bench::kind_figures::{KindFigures, by_kind};
use crate::bench::latencies::Latencies;
use crate::bench::microseconds::{from_us, to_us};
use crate::bench::miss::{Miss, miss};
use crate::bench::process_counts::ProcessCounts;
use crate::bench::run_header::RunHeader;
use crate::bench::tick::Tick;
use crate::bench::timeline::{TimelineSlot, timeline};
use crate::machine::telemetry::readings::Readings;
use crate::statistics::Sorted;

/// Quantiles of the time left before the deadline, in microseconds; negative where the deadline was missed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Margins {
    /// The least.
    pub min: f64,
    /// One tick in a thousand had less. The others are named in the same way.
    pub p001: f64,
    pub p01: f64,
    pub p10: f64,
    pub p50: f64,
}

/// Ticks that missed their deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Misses {
    /// Answered after the deadline, but within the period and 50 ms.
    pub late: u64,
    /// Answered later than that.
    pub too_late: u64,
    /// Not answered at all: skipped because the previous tick took too long.
    pub lost: u64,
}

impl Margins {
    fn of(ticks: &[Tick]) -> Self {
        let sorted = Sorted::new(ticks.iter().map(|tick| tick.margin_us));
        let at = |share| sorted.quantile(share).unwrap_or_default();
        Self { min: at(0.0), p001: at(0.001), p01: at(0.01), p10: at(0.1), p50: at(0.5) }
    }
}

impl Misses {
    fn count(ticks: &[Tick], setup: &RunHeader, lost: u64) -> Self {
        let mut misses = Self { lost, ..Self::default() };
        for tick in ticks {
            match miss(tick.total_us, setup.deadline_ms, setup.rate_hz) {
                Some(Miss::Late) => misses.late += 1,
                Some(Miss::TooLate) => misses.too_late += 1,
                None => {}
            }
        }
        misses
    }

    /// All ticks that missed their deadline.
    pub const fn all(self) -> u64 {
        self.late + self.too_late + self.lost
    }
}

/// Context switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// A thread gave up its core to wait.
    pub voluntary: u64,
    /// Another thread took the core.
    pub involuntary: u64,
}

/// A run. What wasn't measured is `None`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoopRun {
    /// How the run was made.
    #[serde(flatten)]
    pub setup: RunHeader,
    /// Ticks that were answered.
    pub ticks: u64,
    /// Times from request to path.
    pub latency_us: Latencies,
    /// Times left before the deadline.
    pub margin_us: Margins,
    /// Times of each stage.
    pub stages_us: BTreeMap<String, Latencies>,
    /// How late the loop woke up.
    pub wake_us: Latencies,
    /// Waking and publishing together: all but planning.
    pub overhead_us: Latencies,
    /// Ticks that missed their deadline.
    pub misses: Misses,
    /// How many paths came from each source.
    pub source: BTreeMap<String, u64>,
    /// How many recursions stopped for each reason.
    pub stops: BTreeMap<String, u64>,
    /// How many plans took each number of supervision steps.
    pub steps: BTreeMap<u16, u64>,
    /// How many plans had each result.
    pub results: BTreeMap<String, u64>,
    /// Figures by what had changed since the previous plan.
    pub kinds: BTreeMap<String, KindFigures>,
    /// Times from request to path, in microseconds, and how many ticks took each.
    pub histogram: Vec<(f64, u64)>,
    /// The run, stretch by stretch.
    pub timeline: Vec<TimelineSlot>,
    /// Page faults of the planning thread during plans.
    pub page_faults: Option<u64>,
    /// Calls of the allocator by the planning thread during plans.
    pub allocations: Option<u64>,
    /// Context switches of the planning thread during plans.
    pub plan_switches: Option<Switches>,
    /// Context switches of the whole process over the run.
    pub context_switches: Option<Switches>,
    /// Page faults of the whole process over the run.
    pub process_page_faults: Option<u64>,
    /// Mean CPU load of the process; 100 is one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory at the end, in units of 10^6 bytes.
    pub rss_mb: Option<f64>,
    /// Resident memory at most, in the same units.
    pub rss_peak_mb: Option<f64>,
    /// Energy of the whole machine, divided by the plans, in millijoules.
    pub energy_mj_per_plan: Option<f64>,
    /// The machine's sensors.
    pub sensors: Option<Readings>,
    /// Times from the request's stamp to the path's arrival, over DDS.
    pub dds_round_trip_us: Option<Latencies>,
    /// Paths that failed the recording program's own check.
    pub violations: Option<u64>,
}

fn sum(ticks: &[Tick], of: impl Fn(&Tick) -> Option<u64>) -> Option<u64> {
    ticks.iter().filter_map(of).reduce(|a, b| a + b)
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

impl LoopRun {
    /// Sums up the ticks of a run.
    pub fn new(setup: RunHeader, ticks: &[Tick], process: ProcessCounts) -> Self {
        let mut statistics = Statistics::new();
        for tick in ticks {
            let missed = miss(tick.total_us, setup.deadline_ms, setup.rate_hz).is_some();
            statistics.record(&tick.report(), from_us(tick.total_us), missed);
        }
        let mut stages_us: BTreeMap<String, Latencies> =
            statistics.stages().map(|(name, times)| (name.to_owned(), Latencies::of(times))).collect();
        stages_us.remove("total");
        stages_us.insert("publish".to_owned(), Latencies::of_us(ticks.iter().map(|tick| tick.stages_us.publish)));
        let switches = |voluntary: Option<u64>, involuntary: Option<u64>| {
            let (voluntary, involuntary) = voluntary.zip(involuntary)?;
            Some(Switches { voluntary, involuntary })
        };
        let histogram = statistics.latencies().iter().map(|(time, n)| (to_us(time), n)).collect();
        Self {
            ticks: statistics.plans(),
            latency_us: Latencies::of(statistics.latencies()),
            margin_us: Margins::of(ticks),
            stages_us,
            wake_us: Latencies::of_us(ticks.iter().map(|tick| tick.wake_us)),
            overhead_us: Latencies::of_us(ticks.iter().map(|tick| tick.wake_us + tick.stages_us.publish)),
            misses: Misses::count(ticks, &setup, process.lost),
            source: statistics.sources().map(|(name, n)| (name.to_owned(), n)).collect(),
            stops: count(ticks.iter().map(|tick| tick.stop.clone().into_owned())),
            steps: count(ticks.iter().map(|tick| tick.steps)),
            results: count(ticks.iter().map(|tick| tick.result.clone().into_owned())),
            kinds: by_kind(ticks),
            histogram,
            timeline: timeline(ticks, &setup),
            page_faults: sum(ticks, |tick| tick.page_faults),
            allocations: sum(ticks, |tick| tick.allocations),
            plan_switches: switches(
                sum(ticks, |tick| tick.voluntary_switches),
                sum(ticks, |tick| tick.involuntary_switches),
            ),
            context_switches: switches(process.voluntary_switches, process.involuntary_switches),
            process_page_faults: process.page_faults,
            cpu_percent: process.cpu_percent,
            rss_mb: process.rss_mb,
            rss_peak_mb: process.rss_peak_mb,
            energy_mj_per_plan: process.energy_mj.map(|energy| energy / ticks.len().max(1) as f64),
            sensors: process.sensors,
            dds_round_trip_us: process.dds_round_trip_us,
            violations: process.violations,
            setup,
        }
    }

    /// Share of the published paths that are the model's, from this tick or from one since when nothing has changed; `None`
    /// if there are none.
    pub fn model_share(&self) -> Option<f64> {
        let of = |source: Source| self.source.get(source.name()).copied().unwrap_or_default();
        let published = self.ticks - of(Source::None).min(self.ticks);
        let kept = self.stops.get(StopReason::Unchanged.name()).copied().unwrap_or_default();
        (published > 0).then(|| (of(Source::Model) + kept) as f64 / published as f64)
    }

    /// Ticks that were due, whether or not they were answered.
    pub const fn due(&self) -> u64 {
        self.ticks + self.misses.lost
    }
}
