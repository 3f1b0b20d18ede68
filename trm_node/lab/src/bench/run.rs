//! What a run of many ticks came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trm_planner::Source;
use trm_planner::stats::{Statistics, Times};

use super::recording::Header;
use super::tick::{Kind, Miss, Tick, miss, time, us};
use crate::machine::telemetry::readings::Readings;
use crate::statistics::Sorted;

/// Points of the timeline.
const SLOTS: usize = 400;

/// Quantiles of times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Latencies {
    pub p50: f64,
    #[serde(default)]
    pub p90: f64,
    pub p99: f64,
    #[serde(default)]
    pub p999: f64,
    pub max: f64,
}

impl Latencies {
    /// Of all times; zeros when there is none.
    pub fn of(times: &Times) -> Self {
        let at = |quantile| us(times.quantile(quantile).min(times.max()));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: us(times.max()) }
    }

    /// Each quantile with its name.
    pub const fn all(&self) -> [(&'static str, f64); 5] {
        [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("p99.9", self.p999), ("max", self.max)]
    }
}

/// Time left before the deadline, in microseconds; negative where it was missed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Margins {
    pub min: f64,
    /// One tick in a thousand had less.
    pub p001: f64,
    pub p01: f64,
    pub p10: f64,
    pub p50: f64,
}

/// Ticks without a path in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Misses {
    /// After the deadline, within the period or 50 ms.
    pub late: u64,
    pub too_late: u64,
    /// No answer at all: the tick was skipped because the one before took too long.
    pub lost: u64,
}

impl Misses {
    pub const fn all(self) -> u64 {
        self.late + self.too_late + self.lost
    }
}

/// Ticks of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfKind {
    pub n: u64,
    #[serde(flatten)]
    pub times: Latencies,
    /// Mean share of the net's work that was not skipped; absent where nobody counted.
    pub share: Option<f64>,
    /// Mean number of applications of the net.
    pub applications: f64,
    /// Share of paths that were the model's.
    pub model: f64,
}

/// A stretch of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Seconds since the run's beginning.
    pub at_s: f64,
    pub p50_us: f64,
    pub max_us: f64,
    pub misses: u64,
}

/// What is counted beside the ticks.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub lost: u64,
    pub cpu_percent: Option<f64>,
    pub rss_mb: Option<f64>,
    pub rss_peak_mb: Option<f64>,
    pub voluntary_switches: Option<u64>,
    pub involuntary_switches: Option<u64>,
    pub page_faults: Option<u64>,
    pub energy_mj: Option<f64>,
    pub dds_round_trip_us: Option<Latencies>,
    pub violations: Option<u64>,
    pub sensors: Option<Readings>,
}

/// How often a thread was off its core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    pub voluntary: u64,
    pub involuntary: u64,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    #[serde(flatten)]
    pub setup: Header,
    pub ticks: u64,
    pub latency_us: Latencies,
    pub margin_us: Margins,
    pub stages_us: BTreeMap<String, Latencies>,
    /// How late the loop woke up.
    pub wake_us: Latencies,
    /// What publishing costs besides planning: waking, and from the planner's return to the end of publishing.
    pub overhead_us: Latencies,
    pub misses: Misses,
    pub source: BTreeMap<String, u64>,
    pub stops: BTreeMap<String, u64>,
    /// How many plans had so many supervision steps.
    pub steps: BTreeMap<u16, u64>,
    pub results: BTreeMap<String, u64>,
    pub kinds: BTreeMap<String, OfKind>,
    /// Times from request to path, in microseconds, and how often each was seen.
    pub histogram: Vec<(f64, u64)>,
    pub timeline: Vec<Slot>,
    /// Sums over the planning thread, within plans.
    pub page_faults: Option<u64>,
    pub allocations: Option<u64>,
    pub plan_switches: Option<Switches>,
    /// Of the whole process, over the run.
    pub context_switches: Option<Switches>,
    pub process_page_faults: Option<u64>,
    pub cpu_percent: Option<f64>,
    pub rss_mb: Option<f64>,
    pub rss_peak_mb: Option<f64>,
    pub energy_mj_per_plan: Option<f64>,
    pub sensors: Option<Readings>,
    pub dds_round_trip_us: Option<Latencies>,
    pub violations: Option<u64>,
}

/// The quantile of what is to be seen of a share: the sum where anybody counted.
fn sum(ticks: &[Tick], of: impl Fn(&Tick) -> Option<u64>) -> Option<u64> {
    ticks.iter().filter_map(of).reduce(|a, b| a + b)
}

fn times(values: impl Iterator<Item = f64>) -> Times {
    let mut times = Times::new();
    values.for_each(|value| times.record(time(value)));
    times
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

impl Run {
    /// Counts the ticks of a run.
    pub fn new(setup: Header, ticks: &[Tick], counts: Counts) -> Self {
        let mut statistics = Statistics::new();
        let mut misses = Misses { lost: counts.lost, ..Misses::default() };
        for tick in ticks {
            let miss = miss(tick.total_us, setup.deadline_ms, setup.rate_hz);
            match miss {
                Some(Miss::Late) => misses.late += 1,
                Some(Miss::TooLate) => misses.too_late += 1,
                None => {}
            }
            statistics.record(&tick.report(), time(tick.total_us), miss.is_some());
        }
        let mut stages_us: BTreeMap<String, Latencies> =
            statistics.stages().map(|(name, times)| (name.to_owned(), Latencies::of(times))).collect();
        stages_us.remove("total");
        stages_us.insert("publish".to_owned(), Latencies::of(&times(ticks.iter().map(|tick| tick.stages_us.publish))));
        let switches = |voluntary: Option<u64>, involuntary: Option<u64>| {
            let (voluntary, involuntary) = voluntary.zip(involuntary)?;
            Some(Switches { voluntary, involuntary })
        };
        let margins = Sorted::new(ticks.iter().map(|tick| tick.margin_us));
        let margin = |share| margins.quantile(share).unwrap_or_default();
        let histogram = statistics.latencies().iter().map(|(time, n)| (us(time), n)).collect();
        Self {
            ticks: statistics.plans(),
            latency_us: Latencies::of(statistics.latencies()),
            margin_us: Margins {
                min: margin(0.0),
                p001: margin(0.001),
                p01: margin(0.01),
                p10: margin(0.1),
                p50: margin(0.5),
            },
            stages_us,
            wake_us: Latencies::of(&times(ticks.iter().map(|tick| tick.wake_us))),
            overhead_us: Latencies::of(&times(ticks.iter().map(|tick| tick.wake_us + tick.stages_us.publish))),
            misses,
            source: statistics.sources().map(|(name, n)| (name.to_owned(), n)).collect(),
            stops: count(ticks.iter().map(|tick| tick.stop.clone().into_owned())),
            steps: count(ticks.iter().map(|tick| tick.steps)),
            results: count(ticks.iter().map(|tick| tick.result.clone().into_owned())),
            kinds: kinds(ticks),
            histogram,
            timeline: timeline(ticks, &setup),
            page_faults: sum(ticks, |tick| tick.page_faults),
            allocations: sum(ticks, |tick| tick.allocations),
            plan_switches: switches(
                sum(ticks, |tick| tick.voluntary_switches),
                sum(ticks, |tick| tick.involuntary_switches),
            ),
            context_switches: switches(counts.voluntary_switches, counts.involuntary_switches),
            process_page_faults: counts.page_faults,
            cpu_percent: counts.cpu_percent,
            rss_mb: counts.rss_mb,
            rss_peak_mb: counts.rss_peak_mb,
            energy_mj_per_plan: counts.energy_mj.map(|energy| energy / ticks.len().max(1) as f64),
            sensors: counts.sensors,
            dds_round_trip_us: counts.dds_round_trip_us,
            violations: counts.violations,
            setup,
        }
    }

    /// Share of the published paths that are the model's own; `None` without any.
    pub fn model_share(&self) -> Option<f64> {
        let of = |source: Source| self.source.get(source.name()).copied().unwrap_or_default();
        let published = self.ticks - of(Source::None).min(self.ticks);
        (published > 0).then(|| of(Source::Model) as f64 / published as f64)
    }

    /// How many ticks there should have been an answer to.
    pub const fn due(&self) -> u64 {
        self.ticks + self.misses.lost
    }
}

/// Ticks by what had changed, where that is known.
pub fn kinds(ticks: &[Tick]) -> BTreeMap<String, OfKind> {
    let of = |kind: Kind| {
        let of_kind = || ticks.iter().filter(move |tick| tick.kind == Some(kind));
        let n = of_kind().count();
        let mean = |sum: f64, n: usize| sum / n.max(1) as f64;
        let shares: Vec<f64> = of_kind().filter_map(|tick| tick.share).collect();
        let found = OfKind {
            n: n as u64,
            times: Latencies::of(&times(of_kind().map(|tick| tick.total_us))),
            share: (!shares.is_empty()).then(|| mean(shares.iter().sum(), shares.len())),
            applications: mean(of_kind().map(|tick| f64::from(tick.applications)).sum(), n),
            model: mean(of_kind().filter(|tick| tick.source == Source::Model.name()).count() as f64, n),
        };
        (n > 0).then(|| (kind.name().to_owned(), found))
    };
    Kind::ALL.into_iter().filter_map(of).collect()
}

/// The run in at most [`SLOTS`] stretches.
fn timeline(ticks: &[Tick], setup: &Header) -> Vec<Slot> {
    let long = ticks.len().div_ceil(SLOTS).max(1);
    let slot = |(number, ticks): (usize, &[Tick])| {
        let total = Sorted::new(ticks.iter().map(|tick| tick.total_us));
        let missed = |tick: &&Tick| miss(tick.total_us, setup.deadline_ms, setup.rate_hz).is_some();
        Slot {
            at_s: (number * long) as f64 / setup.rate_hz,
            p50_us: total.quantile(0.5).unwrap_or_default(),
            max_us: total.quantile(1.0).unwrap_or_default(),
            misses: ticks.iter().filter(missed).count() as u64,
        }
    };
    ticks.chunks(long).enumerate().map(slot).collect()
}
