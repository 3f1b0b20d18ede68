//! Stop policies, compared with an oracle that sees all answers.

use std::collections::BTreeMap;

use serde::Serialize;
use trm_config::Config;
use trm_grid::guidance::TIE;

use super::trace::Trace;
use crate::statistics::{Sorted, share};

/// The oracle stops at the first answer whose path costs at most this much more than the best of all, as a share.
const NEARLY: f64 = 0.005;
/// The q head is sure above this.
const SURE: f64 = 0.9;
/// Changes below which an answer counts as settled, in addition to the parameter's.
const CHANGES: [f64; 3] = [0.05, 0.1, 0.2];
/// Fixed numbers of steps.
const FIXED: [usize; 4] = [2, 4, 8, 16];

/// The place of the answer at which a policy stops; `None` when it never does.
type Stop = Box<dyn Fn(&Trace) -> Option<usize>>;

/// How a stop policy did on the queries that are solved by any answer.
#[derive(Debug, Serialize)]
pub struct Regret {
    /// Share of queries with a path when it stopped.
    pub solved: Option<f64>,
    /// Mean number of steps until it stopped.
    pub steps: Option<f64>,
    /// Mean number of steps more than the oracle; negative when it stopped before.
    pub extra_steps: Option<f64>,
    /// Its 95 % quantile.
    pub extra_steps_p95: Option<f64>,
    /// Mean cost of its path over that of the best of all answers, minus 1.
    pub extra_cost: Option<f64>,
    /// Its 95 % quantile.
    pub extra_cost_p95: Option<f64>,
}

/// The name of the node's own policy.
const DEFAULT: &str = "confirmed_and_known_or_settled";

/// The regret of each policy by name.
pub fn regrets(traces: &[Trace], config: &Config) -> BTreeMap<String, Regret> {
    let settled = config.planner.settled_threshold;
    let mut policies: Vec<(String, Stop)> = vec![
        ("oracle".to_owned(), Box::new(oracle)),
        ("first_verified".to_owned(), Box::new(Trace::first_verified)),
        ("confirmed".to_owned(), first(|s| s.confirmed > 0)),
        ("known".to_owned(), first(|s| s.known)),
        (DEFAULT.to_owned(), first(move |s| (s.confirmed > 0 && s.known) || s.change < settled)),
        ("confirmed_twice_and_known".to_owned(), first(|s| s.confirmed > 1 && s.known)),
        ("confirmed_twice".to_owned(), first(|s| s.confirmed > 1)),
        ("same_cost".to_owned(), first(|s| s.same)),
        ("settled".to_owned(), first(move |s| s.change < settled)),
    ];
    for threshold in CHANGES {
        policies.push((format!("settled_{threshold}"), first(move |s| s.change < threshold)));
    }
    policies.push(("confident".to_owned(), first(|s| s.q > SURE)));
    for steps in FIXED {
        policies.push((format!("fixed_{steps}"), Box::new(move |t| Some(steps * t.answers_a_step() - 1))));
    }
    policies.into_iter().map(|(name, stop)| (name, Regret::of(traces, &*stop))).collect()
}

/// What a policy knows at an answer, once there is a verified path.
struct AnswerState {
    /// How many answers in a row, up to this one, have a verified path that is no cheaper than the best before.
    confirmed: usize,
    /// This answer and the one before have verified paths of the same cost.
    same: bool,
    /// The field knows the whole of the path.
    known: bool,
    /// Root mean square of the answer's change.
    change: f64,
    /// What the q head says, as a probability.
    q: f64,
}

/// A policy that stops at the first answer at which there is a verified path and `stops` agrees.
fn first(stops: impl Fn(&AnswerState) -> bool + 'static) -> Stop {
    Box::new(move |trace| {
        let (mut best, mut before, mut confirmed) = (None::<f64>, None::<f64>, 0);
        for (at, answer) in trace.answers.iter().enumerate() {
            let tie = f64::from(TIE);
            let confirms = best.zip(answer.cost).is_some_and(|(best, cost)| cost >= best - tie);
            confirmed = if confirms { confirmed + 1 } else { 0 };
            let same = before.zip(answer.cost).is_some_and(|(before, cost)| (before - cost).abs() < tie);
            best = [best, answer.cost].into_iter().flatten().min_by(f64::total_cmp);
            before = answer.cost;
            if best.is_some()
                && stops(&AnswerState { confirmed, same, known: answer.known, change: answer.change, q: answer.q })
            {
                return Some(at);
            }
        }
        None
    })
}

/// The policy that knows the best of all answers.
fn oracle(trace: &Trace) -> Option<usize> {
    let best = trace.best(trace.answers.len())?;
    trace.answers.iter().position(|answer| answer.cost.is_some_and(|cost| cost <= best * (1.0 + NEARLY)))
}

impl Regret {
    /// Measures a policy. One that never stops runs to the end.
    fn of(traces: &[Trace], stop: &dyn Fn(&Trace) -> Option<usize>) -> Self {
        let (mut n, mut steps, mut extra_steps, mut extra_cost) = (0, Vec::new(), Vec::new(), Vec::new());
        for trace in traces {
            let end = trace.answers.len();
            let (Some(oracle), Some(best)) = (oracle(trace), trace.best(end)) else { continue };
            n += 1;
            let stopped = stop(trace).unwrap_or(end - 1).min(end - 1);
            let a_step = trace.answers_a_step() as f64;
            steps.push((stopped + 1) as f64 / a_step);
            extra_steps.push((stopped as f64 - oracle as f64) / a_step);
            extra_cost.extend(trace.best(stopped + 1).map(|cost| cost / best - 1.0));
        }
        let solved = share(extra_cost.len(), n);
        let [steps, extra_steps, extra_cost] =
            [steps, extra_steps, extra_cost].map(|numbers| Sorted::new(numbers.into_iter()));
        Self {
            solved,
            steps: steps.mean(),
            extra_steps: extra_steps.mean(),
            extra_steps_p95: extra_steps.quantile(0.95),
            extra_cost: extra_cost.mean(),
            extra_cost_p95: extra_cost.quantile(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eval::model_probe::ProbeAnswer;
    use crate::eval::trace::StepCells;

    /// One answer a step; a cost of 0 is no path.
    fn trace(costs: &[f64]) -> Trace {
        let answer = |cost: &f64| ProbeAnswer {
            cost: (*cost > 0.0).then_some(*cost),
            q: if *cost > 0.0 && *cost < 10.1 { 0.95 } else { 0.2 },
            change: 1.0,
            elapsed: Duration::ZERO,
            known: false,
            beside: None,
        };
        let cells = vec![StepCells::default(); costs.len()];
        Trace { optimum: 10.0, without_the_model: None, answers: costs.iter().map(answer).collect(), cells, counted: 1 }
    }

    #[test]
    fn each_policy_is_measured_from_the_oracles_stop() {
        let traces = [trace(&[0.0, 12.0, 0.0, 12.0, 10.04, 10.0, 10.0, 10.0]), trace(&[0.0; 8])];
        let regrets = regrets(&traces, &Config::default());
        let of = |name: &str| {
            let r = &regrets[name];
            (r.solved.unwrap(), r.steps.unwrap(), r.extra_steps.unwrap(), r.extra_cost.map(|c| (c * 1e6).round() / 1e6))
        };
        assert_eq!(of("oracle"), (1.0, 5.0, 0.0, Some(0.004)));
        assert_eq!(of("first_verified"), (1.0, 2.0, -3.0, Some(0.2)));
        assert_eq!(of("confirmed"), (1.0, 4.0, -1.0, Some(0.2)));
        assert_eq!(of("confirmed_twice"), (1.0, 8.0, 3.0, Some(0.0)), "what is better counts as no confirmation");
        assert_eq!(of("same_cost"), (1.0, 7.0, 2.0, Some(0.0)), "the answer before had no path at first");
        assert_eq!(of("settled"), (1.0, 8.0, 3.0, Some(0.0)), "it never settles");
        assert_eq!(of("confident"), (1.0, 5.0, 0.0, Some(0.004)));
        assert_eq!(of("fixed_16"), (1.0, 8.0, 3.0, Some(0.0)));
        let traces = [trace(&[0.0, 0.0, 0.0, 0.0, 0.0, 10.0])];
        let fixed = &super::regrets(&traces, &Config::default())["fixed_4"];
        assert_eq!((fixed.solved, fixed.extra_steps, fixed.extra_cost), (Some(0.0), Some(-2.0), None));
    }
}
