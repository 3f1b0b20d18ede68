//! Whether the q head knows: its probability against how often it is right.

use serde::Serialize;

use super::trace::Trace;
use crate::statistics::share;

/// Ranges of probability that are looked at apart.
const BINS: usize = 10;
/// The q head is trained to say whether at least this share of the cells is right.
const RIGHT: f64 = 0.99;

/// One range of probability, over all queries and steps.
#[derive(Debug, Serialize)]
pub struct Bin {
    pub low: f64,
    pub high: f64,
    pub n: usize,
    /// Mean probability.
    pub q: Option<f64>,
    /// Share of answers with a verified path and at least 99 % of the cells right.
    pub right: Option<f64>,
    /// Share of answers with a verified path.
    pub verified: Option<f64>,
}

/// The bins, and how far probability and share are apart on average.
#[derive(Debug, Serialize)]
pub struct Calibration {
    pub bins: Vec<Bin>,
    pub expected_error: Option<f64>,
}

/// Probability, verified, and right, of each answer at a step's end.
fn answers(traces: &[Trace]) -> impl Iterator<Item = (f64, bool, bool)> {
    traces.iter().flat_map(|trace| {
        trace.cells.iter().enumerate().map(|(step, cells)| {
            let answer = trace.answers[(step + 1) * trace.answers_a_step() - 1];
            let verified = answer.cost.is_some();
            (answer.q, verified, verified && cells.right as f64 >= RIGHT * trace.counted as f64)
        })
    })
}

impl Calibration {
    /// Of all answers at the end of a step.
    pub fn of(traces: &[Trace]) -> Self {
        let all: Vec<_> = answers(traces).collect();
        let bins: Vec<Bin> = (0..BINS)
            .map(|bin| {
                let members: Vec<_> =
                    all.iter().filter(|(q, ..)| ((q * BINS as f64) as usize).min(BINS - 1) == bin).collect();
                let n = members.len();
                Bin {
                    low: bin as f64 / BINS as f64,
                    high: (bin + 1) as f64 / BINS as f64,
                    n,
                    q: (n > 0).then(|| members.iter().map(|(q, ..)| q).sum::<f64>() / n as f64),
                    right: share(members.iter().filter(|(.., right)| *right).count(), n),
                    verified: share(members.iter().filter(|(_, verified, _)| *verified).count(), n),
                }
            })
            .collect();
        let error = |bin: &Bin| Some(bin.n as f64 * (bin.q? - bin.right?).abs());
        let expected_error = (!all.is_empty()).then(|| bins.iter().filter_map(error).sum::<f64>() / all.len() as f64);
        Self { bins, expected_error }
    }
}
