//! The figures of all drives of a policy, and how they differ from those of the node as shipped.

use serde::Serialize;
use trm_planner::Source;

use crate::drive::cause::Cause;
use crate::drive::jerk::Jerks;
use crate::drive::policy::Policy;
use crate::drive::run::{End, Outcome};
use crate::statistics::Sorted;
use crate::worlds::random::Random;

/// So often the trials are drawn again for an interval.
const RESAMPLES: usize = 2000;

/// A policy's figures.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyFigures {
    pub policy: Policy,
    pub goals: Goals,
    pub driven_m: f64,
    pub drive_s: f64,
    pub contacts: Contacts,
    pub stops: Stops,
    /// Of the speed along the path, in m/s³.
    pub jerk_along: Spread,
    /// Of the turn rate, in rad/s³.
    pub jerk_turn: Spread,
    pub jerk_causes: Vec<CauseShare>,
    pub path_change_m: Spread,
    pub clearance: Clearance,
    pub seconds_to_goal: Spread,
    pub sides: Sides,
    pub plans: PlanFigures,
    /// Seconds in which it moved without a path that held.
    pub without_path_s: f64,
}

/// How errands ended.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Goals {
    pub reached: usize,
    pub refused: usize,
    pub missed: usize,
}

/// What was touched.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Contacts {
    pub wall: usize,
    /// Of a robot that moved.
    pub person: usize,
    /// Somebody walked into a robot that stood.
    pub while_standing: usize,
    /// Of all: those of a plan that crossed what had been published.
    pub by_plan: usize,
    /// Plans that crossed what had been published, touched or not.
    pub crossing_plans: usize,
}

/// Stops longer than 0.2 s with nobody in the way.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Stops {
    /// There was a way.
    pub unexplained: usize,
    /// Of these, those with a path that held.
    pub with_a_path: usize,
    pub longest_s: f64,
    /// There was none.
    pub blocked: usize,
}

/// What part of the jerk has a cause.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CauseShare {
    pub cause: Cause,
    /// Of the time in which the robot drove, and of the sums of the squares of both jerks.
    pub time: f64,
    pub along: f64,
    pub turn: f64,
}

/// How near things were, in metres from the hull.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Clearance {
    pub nearest_wall: f64,
    pub nearest_person: f64,
    /// Over the time, of what is nearest, at most 1 m.
    pub mean: f64,
}

/// Changes of the side on which obstacles are passed.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Sides {
    pub all: usize,
    pub way_was_blocked: usize,
    pub cheaper: usize,
    pub for_little: usize,
    pub per_100_m: f64,
    pub for_little_per_100_m: f64,
}

/// What plans there were.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PlanFigures {
    pub count: usize,
    pub model: usize,
    pub model_warm: usize,
    pub previous: usize,
    pub fallback: usize,
    pub none: usize,
    pub late: usize,
    /// Of simulated time.
    pub total_ms: Spread,
}

/// How numbers are spread.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Spread {
    pub n: usize,
    pub mean: f64,
    pub rms: f64,
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

impl Spread {
    /// That of some numbers.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let sorted = Sorted::new(numbers);
        let quantile = |share| sorted.quantile(share).unwrap_or_default();
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(quantile);
        let mean = sorted.mean().unwrap_or_default();
        let numbers = sorted.into_numbers();
        let squares: f64 = numbers.iter().map(|number| number * number).sum();
        Self { n: numbers.len(), mean, rms: (squares / numbers.len().max(1) as f64).sqrt(), p50, p99, max }
    }
}

impl PolicyFigures {
    /// The figures of these drives.
    pub fn of(policy: Policy, outcomes: &[Outcome]) -> Self {
        let sum = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>();
        let ends = |end: End| outcomes.iter().filter(|outcome| outcome.end == end).count();
        let driven_m = sum(|outcome| outcome.seen.driven);
        let drive_s = sum(|outcome| outcome.seen.seconds);
        let reached = outcomes.iter().filter(|outcome| outcome.end == End::Reached);
        let nearest = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).fold(f64::INFINITY, f64::min);
        Self {
            policy,
            goals: Goals { reached: ends(End::Reached), refused: ends(End::Refused), missed: ends(End::Missed) },
            driven_m,
            drive_s,
            contacts: contacts(outcomes),
            stops: stops(outcomes),
            jerk_along: Spread::of(outcomes.iter().flat_map(|outcome| outcome.jerks.along.iter().copied())),
            jerk_turn: Spread::of(outcomes.iter().flat_map(|outcome| outcome.jerks.turn.iter().copied())),
            jerk_causes: causes(outcomes),
            path_change_m: Spread::of(outcomes.iter().flat_map(|outcome| outcome.seen.changes.iter().copied())),
            clearance: Clearance {
                nearest_wall: nearest(|outcome| outcome.seen.nearest_wall),
                nearest_person: nearest(|outcome| outcome.seen.nearest_person),
                mean: sum(|outcome| outcome.seen.clearance) / drive_s.max(1e-9),
            },
            seconds_to_goal: Spread::of(reached.map(|outcome| outcome.seen.seconds)),
            sides: sides(outcomes, driven_m),
            plans: plans(outcomes),
            without_path_s: sum(|outcome| outcome.seen.without_path),
        }
    }
}

fn causes(outcomes: &[Outcome]) -> Vec<CauseShare> {
    let sum = |is: &dyn Fn(Cause) -> bool| {
        let mut sums = [0.0; 3];
        for Jerks { along, turn, causes } in outcomes.iter().map(|outcome| &outcome.jerks) {
            for ((along, turn), _) in along.iter().zip(turn).zip(causes).filter(|(_, cause)| is(**cause)) {
                sums = [sums[0] + 1.0, along.mul_add(*along, sums[1]), turn.mul_add(*turn, sums[2])];
            }
        }
        sums
    };
    let all = sum(&|_| true).map(|sum| sum.max(f64::MIN_POSITIVE));
    let share = |cause: Cause| {
        let of = sum(&|other| other == cause);
        CauseShare { cause, time: of[0] / all[0], along: of[1] / all[1], turn: of[2] / all[2] }
    };
    Cause::ALL.into_iter().map(share).collect()
}

fn contacts(outcomes: &[Outcome]) -> Contacts {
    let all = || outcomes.iter().flat_map(|outcome| &outcome.seen.contacts);
    Contacts {
        wall: all().filter(|contact| contact.is_wall).count(),
        person: all().filter(|contact| !contact.is_wall && contact.moves).count(),
        while_standing: all().filter(|contact| !contact.is_wall && !contact.moves).count(),
        by_plan: all().filter(|contact| contact.by_plan).count(),
        crossing_plans: outcomes.iter().map(|outcome| outcome.seen.crossing).sum(),
    }
}

fn stops(outcomes: &[Outcome]) -> Stops {
    let all = || outcomes.iter().flat_map(|outcome| &outcome.seen.stops);
    let unexplained = || all().filter(|stop| stop.has_way);
    Stops {
        unexplained: unexplained().count(),
        with_a_path: unexplained().filter(|stop| stop.has_path).count(),
        longest_s: unexplained().map(|stop| stop.seconds).fold(0.0, f64::max),
        blocked: all().filter(|stop| !stop.has_way).count(),
    }
}

fn sides(outcomes: &[Outcome], driven: f64) -> Sides {
    let all = || outcomes.iter().flat_map(|outcome| &outcome.seen.sides);
    let (count, forced) = (all().count(), all().filter(|change| change.forced).count());
    let for_little = all().filter(|change| change.is_for_little()).count();
    let per_100_m = |count: usize| 100.0 * count as f64 / driven.max(1e-9);
    Sides {
        all: count,
        way_was_blocked: forced,
        cheaper: count - forced - for_little,
        for_little,
        per_100_m: per_100_m(count),
        for_little_per_100_m: per_100_m(for_little),
    }
}

fn plans(outcomes: &[Outcome]) -> PlanFigures {
    let sum = |of: &dyn Fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let from = |source: Source| sum(&|outcome| outcome.plans.sources[source.index()]);
    PlanFigures {
        count: sum(&|outcome| outcome.plans.count),
        model: from(Source::Model),
        model_warm: sum(&|outcome| outcome.plans.warm),
        previous: from(Source::Previous),
        fallback: from(Source::Fallback),
        none: from(Source::None),
        late: sum(&|outcome| outcome.plans.late),
        total_ms: Spread::of(outcomes.iter().flat_map(|outcome| outcome.plans.total_ms.iter().copied())),
    }
}

/// What is compared: a name, its unit, and a figure as the quotient of two sums over drives.
struct Measure {
    name: &'static str,
    /// What one drive adds above and below the line.
    of: fn(&Outcome) -> (f64, f64),
    is_root: bool,
}

const MEASURES: [Measure; 8] = [
    Measure { name: "jerk along the path, RMS, m/s³", of: |outcome| squares(&outcome.jerks.along), is_root: true },
    Measure { name: "jerk of the turn rate, RMS, rad/s³", of: |outcome| squares(&outcome.jerks.turn), is_root: true },
    Measure { name: "seconds to the goal", of: |outcome| (outcome.seen.seconds, 1.0), is_root: false },
    Measure { name: "metres driven to the goal", of: |outcome| (outcome.seen.driven, 1.0), is_root: false },
    Measure { name: "path change, m", of: |outcome| mean(&outcome.seen.changes), is_root: false },
    Measure { name: "mean clearance, m", of: |outcome| (outcome.seen.clearance, outcome.seen.seconds), is_root: false },
    Measure {
        name: "sides changed in 100 m",
        of: |outcome| (100.0 * outcome.seen.sides.len() as f64, outcome.seen.driven),
        is_root: false,
    },
    Measure {
        name: "unexplained stops a goal",
        of: |outcome| (outcome.seen.stops.iter().filter(|stop| stop.has_way).count() as f64, 1.0),
        is_root: false,
    },
];

fn squares(numbers: &[f64]) -> (f64, f64) {
    (numbers.iter().map(|number| number * number).sum(), numbers.len() as f64)
}

fn mean(numbers: &[f64]) -> (f64, f64) {
    (numbers.iter().sum(), numbers.len() as f64)
}

/// How a policy differs from the node as shipped, over the errands that both have done.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub policy: Policy,
    pub measure: &'static str,
    /// Errands that both have done.
    pub pairs: usize,
    pub node: f64,
    pub other: f64,
    /// The other's less the node's, and its 95 % interval by bootstrap over errands.
    pub difference: [f64; 3],
    /// The node's over the other's, and its 95 % interval; `None` where the other's is 0 in some draws.
    pub ratio: Option<[f64; 3]>,
}

/// Compares a policy with the node on the same errands.
pub fn compare(policy: Policy, node: &[Outcome], other: &[Outcome], seed: u64) -> Vec<Comparison> {
    let is_done = |(node, other): &(&Outcome, &Outcome)| node.end == End::Reached && other.end == End::Reached;
    let pairs: Vec<(&Outcome, &Outcome)> = node.iter().zip(other).filter(is_done).collect();
    MEASURES.iter().map(|measure| measure.compare(policy, &pairs, seed)).collect()
}

impl Measure {
    fn compare(&self, policy: Policy, pairs: &[(&Outcome, &Outcome)], seed: u64) -> Comparison {
        let parts: Vec<[(f64, f64); 2]> =
            pairs.iter().map(|(node, other)| [(self.of)(node), (self.of)(other)]).collect();
        let figures = |chosen: &mut dyn Iterator<Item = usize>| {
            let mut sums = [(0.0, 0.0); 2];
            for at in chosen {
                for (sum, part) in sums.iter_mut().zip(parts[at]) {
                    *sum = (sum.0 + part.0, sum.1 + part.1);
                }
            }
            sums.map(|(above, below)| if below > 0.0 { above / below } else { 0.0 })
                .map(|figure| if self.is_root { figure.sqrt() } else { figure })
        };
        let [node, other] = figures(&mut (0..parts.len()));
        let mut random = Random::new(seed);
        let count = parts.len();
        let drawn: Vec<[f64; 2]> = (0..if count == 0 { 0 } else { RESAMPLES })
            .map(|_| figures(&mut (0..count).map(|_| random.below(count))))
            .collect();
        let interval = |middle: f64, of: &dyn Fn(&[f64; 2]) -> f64| {
            let sorted = Sorted::new(drawn.iter().map(of));
            [middle, sorted.quantile(0.025).unwrap_or(middle), sorted.quantile(0.975).unwrap_or(middle)]
        };
        let can_divide = other > 0.0 && drawn.iter().all(|[_, other]| *other > 0.0);
        Comparison {
            policy,
            measure: self.name,
            pairs: count,
            node,
            other,
            difference: interval(other - node, &|[node, other]| other - node),
            ratio: can_divide.then(|| interval(node / other, &|[node, other]| node / other)),
        }
    }
}
