//! Trials in which an obstacle appears ahead on the path of a robot that drives, where an exhaustive search on the raw map
//! finds a way around it. How soon is there a path that is free of it?

use std::fmt::Write as _;
use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;
use trm_grid::units::Point;
use trm_planner::Source;

use crate::drive::course::Course;
use crate::drive::figures::Spread;
use crate::drive::policy::Policy;
use crate::drive::polyline::{length, nearest, point_at};
use crate::drive::raster::Raster;
use crate::drive::run::{End, Run};
use crate::lent::Lent;
use crate::statistics::{share, wilson};
use crate::worlds::random::Random;

/// Half of the obstacle's side, in metres.
const HALF_SIDE: (f64, f64) = (0.1, 0.3);
/// How far ahead on the path it appears, and how much path is left behind it, in metres.
const AHEAD: (f64, f64) = (1.0, 2.5);
const BEHIND: f64 = 1.0;
/// It doesn't come nearer to the robot, to its goal or to people, in metres.
const ROOM: f64 = 0.7;
/// The robot is at least this fast, in m/s, when it comes.
const LEAST_SPEED: f64 = 0.3;
/// So many errands are tried for each trial.
const TRIES: usize = 20;
/// The path that is free of it is waited for so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Two periods of the planner.
const IN_TIME_MS: f64 = 100.0;

/// What came of a trial.
struct Closed {
    /// From its arrival to a path that is free of it, in milliseconds; `None` if none came.
    after_ms: Option<f64>,
    source: Source,
    is_warm: bool,
    has_reached: bool,
    touched: usize,
    by_plan: usize,
}

/// The figures of all trials.
#[derive(Debug, Clone, Serialize)]
pub struct ClosingFigures {
    pub trials: usize,
    /// Trials for which no errand had a place for an obstacle.
    pub without_a_place: usize,
    /// A path that is free of the obstacle within two periods of 50 ms.
    pub in_time: usize,
    pub in_time_share: Option<f64>,
    pub in_time_ci95: [f64; 2],
    pub after_ms: Spread,
    pub never: usize,
    pub from_model_cold: usize,
    pub from_model_warm: usize,
    pub from_previous: usize,
    pub from_fallback: usize,
    pub goals_reached: usize,
    pub contacts: usize,
    pub contacts_by_plan: usize,
}

/// Plays so many trials.
///
/// # Errors
/// When the model can't be run.
pub fn play(course: &Course, trials: usize) -> anyhow::Result<ClosingFigures> {
    let trial = |graphs: &mut anyhow::Result<Lent>, number: usize| {
        let graphs = graphs.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        for attempt in 0..TRIES {
            let (run, mut random) = course.begin(number + attempt * trials, Policy::Node, graphs, true)?;
            if let Some(closed) = close(run, &mut random) {
                return Ok(Some(closed));
            }
        }
        Ok(None)
    };
    let closed = (0..trials).into_par_iter().map_init(|| course.graphs(), trial);
    let closed: Vec<Option<Closed>> = closed.collect::<anyhow::Result<_>>()?;
    Ok(ClosingFigures::of(&closed))
}

/// Drives until an obstacle can appear, and on to the goal. `None` if there was no place for one.
fn close(mut run: Run, random: &mut Random) -> Option<Closed> {
    let (ahead, half) = (random.number(AHEAD.0, AHEAD.1), random.number(HALF_SIDE.0, HALF_SIDE.1));
    let cells = loop {
        if run.ended().is_some() {
            return None;
        }
        run.step();
        if let Some(cells) = place(&mut run, ahead, half) {
            break cells;
        }
    };
    let came = run.now();
    run.put(&cells);
    let (mut after_ms, mut answer) = (None, (Source::None, false));
    while run.ended().is_none() && run.now() < came + PATIENCE && after_ms.is_none() {
        run.step();
        if run.judge.valid_plan().is_some()
            && let Some(heard) = run.heard().filter(|heard| heard.due > came)
        {
            after_ms = Some(heard.due.saturating_sub(came).as_secs_f64() * 1e3);
            answer = (heard.source, heard.is_warm);
        }
    }
    let outcome = run.finish();
    let contacts = &outcome.seen.contacts;
    Some(Closed {
        after_ms,
        source: answer.0,
        is_warm: answer.1,
        has_reached: outcome.end == End::Reached,
        touched: contacts.len(),
        by_plan: contacts.iter().filter(|contact| contact.by_plan).count(),
    })
}

/// The cells of an obstacle that can appear now: it blocks the path, leaves room, and there is a way around it.
fn place(run: &mut Run, ahead: f64, half: f64) -> Option<Vec<usize>> {
    let path = run.judge.valid_plan().filter(|_| run.body.speed >= LEAST_SPEED)?.to_vec();
    let robot = run.body.pose.point();
    let at = nearest(&path, robot).0 + ahead;
    let centre = point_at(&path, at).filter(|_| at + BEHIND <= length(&path))?;
    let mut others = run.world.people.places().chain([robot, run.goal()]);
    if others.any(|other| other.distance(centre) < ROOM + half) {
        return None;
    }
    let raster = run.site().raster;
    let cells = square(raster, centre, half);
    let goal = run.goal();
    let is_fit = run.judge.book.with(&cells, |book| book.blocks(&path) && book.leads(robot, goal));
    is_fit.then_some(cells)
}

/// The cells whose centre is in a square.
fn square(raster: Raster, centre: Point, half: f64) -> Vec<usize> {
    let is_in = |at: &usize| {
        let cell = raster.centre(*at);
        (cell.x - centre.x).abs() <= half && (cell.y - centre.y).abs() <= half
    };
    let near = raster.offsets(2.0 * half);
    raster.at(centre).into_iter().flat_map(|at| raster.around(at, &near).collect::<Vec<_>>()).filter(is_in).collect()
}

impl ClosingFigures {
    fn of(all: &[Option<Closed>]) -> Self {
        let closed = || all.iter().flatten();
        let count = |is: &dyn Fn(&Closed) -> bool| closed().filter(|closed| is(closed)).count();
        let trials = closed().count();
        let in_time = count(&|closed| closed.after_ms.is_some_and(|after| after <= IN_TIME_MS));
        Self {
            trials,
            without_a_place: all.len() - trials,
            in_time,
            in_time_share: share(in_time, trials),
            in_time_ci95: wilson(in_time, trials),
            after_ms: Spread::of(closed().filter_map(|closed| closed.after_ms)),
            never: count(&|closed| closed.after_ms.is_none()),
            from_model_cold: count(&|closed| closed.source == Source::Model && !closed.is_warm),
            from_model_warm: count(&|closed| closed.source == Source::Model && closed.is_warm),
            from_previous: count(&|closed| closed.source == Source::Previous),
            from_fallback: count(&|closed| closed.source == Source::Fallback),
            goals_reached: count(&|closed| closed.has_reached),
            contacts: closed().map(|closed| closed.touched).sum(),
            contacts_by_plan: closed().map(|closed| closed.by_plan).sum(),
        }
    }

    /// Whether something was touched because of a plan.
    pub const fn has_fault(&self) -> bool {
        self.contacts_by_plan > 0
    }

    /// As lines for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "trials {} ({} without a place)", self.trials, self.without_a_place);
        let [low, high] = self.in_time_ci95;
        let _ = writeln!(
            text,
            "a path free of the obstacle within two periods: {} ({:.4}, 95 % interval {low:.4}–{high:.4}), never {}",
            self.in_time,
            self.in_time_share.unwrap_or_default(),
            self.never,
        );
        let Spread { p50, p99, max, .. } = self.after_ms;
        let _ = writeln!(text, "after p50 {p50:.1}, p99 {p99:.1}, at most {max:.1} ms of simulated time");
        let _ = writeln!(
            text,
            "from the model warm {}, cold {}, the fallback {}, the previous path {}",
            self.from_model_warm, self.from_model_cold, self.from_fallback, self.from_previous,
        );
        let _ = writeln!(
            text,
            "goals reached {}, contacts {}, because of a plan {}",
            self.goals_reached, self.contacts, self.contacts_by_plan,
        );
        text
    }
}
