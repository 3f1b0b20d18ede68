//! Calibration of the q head: its probability against how often the answer is right.

use serde::Serialize;

use super::trace::Trace;
use crate::statistics::share;

/// Number of ranges of probability.
const BINS: usize = 10;
/// The q head is trained to predict whether at least this share of the cells is right.
const RIGHT: f64 = 0.99;

/// One range of probability, over all queries and steps.
#[derive(Debug, Serialize)]
pub struct CalibrationBin {
    /// Least probability.
    pub low: f64,
    /// Upper limit of the probability.
    pub high: f64,
    /// Number of answers.
    pub n: usize,
    /// Their mean probability.
    pub q: Option<f64>,
    /// Share of answers with a verified path and at least 99 % of the cells right.
    pub right: Option<f64>,
    /// Share of answers with a verified path.
    pub verified: Option<f64>,
}

/// The calibration of the q head.
#[derive(Debug, Serialize)]
pub struct Calibration {
    /// From the least probability.
    pub bins: Vec<CalibrationBin>,
    /// Mean distance between probability and share of right answers.
    pub expected_error: Option<f64>,
}

/// Of each answer at the end of a step: its probability, whether it has a verified path, and whether it is right.
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
    /// The calibration over all answers at the end of a step.
    pub fn of(traces: &[Trace]) -> Self {
        let all: Vec<_> = answers(traces).collect();
        let bins: Vec<CalibrationBin> = (0..BINS)
            .map(|bin| {
                let members: Vec<_> =
                    all.iter().filter(|(q, ..)| ((q * BINS as f64) as usize).min(BINS - 1) == bin).collect();
                let n = members.len();
                CalibrationBin {
                    low: bin as f64 / BINS as f64,
                    high: (bin + 1) as f64 / BINS as f64,
                    n,
                    q: (n > 0).then(|| members.iter().map(|(q, ..)| q).sum::<f64>() / n as f64),
                    right: share(members.iter().filter(|(.., right)| *right).count(), n),
                    verified: share(members.iter().filter(|(_, verified, _)| *verified).count(), n),
                }
            })
            .collect();
        let error = |bin: &CalibrationBin| Some(bin.n as f64 * (bin.q? - bin.right?).abs());
        let expected_error = (!all.is_empty()).then(|| bins.iter().filter_map(error).sum::<f64>() / all.len() as f64);
        Self { bins, expected_error }
    }
}
