//! Figures of ticks by what had changed since the previous plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bench::latencies::Latencies;
use crate::bench::tick::Tick;
use crate::bench::tick_kind::TickKind;

/// Figures of all ticks of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindFigures {
    /// Number of ticks.
    pub n: u64,
    /// Times from request to path.
    #[serde(flatten)]
    pub times: Latencies,
    /// Mean share of the net's work that wasn't skipped; `None` if it wasn't counted.
    pub share: Option<f64>,
    /// Mean number of applications of the net.
    pub applications: f64,
    /// Share of ticks that kept their path without a thought, as nothing had changed for the model.
    #[serde(default)]
    pub kept: f64,
    /// Times of the others; `None` if there are none.
    #[serde(default)]
    pub thought: Option<Latencies>,
    /// Share of ticks whose path is the [model's](Tick::is_of_model).
    pub model: f64,
}

/// The figures of each kind of tick. Ticks of unknown kind don't count.
pub fn by_kind(ticks: &[Tick]) -> BTreeMap<String, KindFigures> {
    let of = |kind: TickKind| {
        let of_kind = || ticks.iter().filter(move |tick| tick.kind == Some(kind));
        let n = of_kind().count();
        let mean = |sum: f64, n: usize| sum / n.max(1) as f64;
        let shares: Vec<f64> = of_kind().filter_map(|tick| tick.share).collect();
        let thought = || of_kind().filter(|tick| !tick.is_kept());
        let found = KindFigures {
            n: n as u64,
            times: Latencies::of_us(of_kind().map(|tick| tick.total_us)),
            share: (!shares.is_empty()).then(|| mean(shares.iter().sum(), shares.len())),
            applications: mean(of_kind().map(|tick| f64::from(tick.applications)).sum(), n),
            kept: mean((n - thought().count()) as f64, n),
            thought: thought().next().map(|_| Latencies::of_us(thought().map(|tick| tick.total_us))),
            model: mean(of_kind().filter(|tick| tick.is_of_model()).count() as f64, n),
        };
        (n > 0).then(|| (kind.name().to_owned(), found))
    };
    TickKind::ALL.into_iter().filter_map(of).collect()
}
