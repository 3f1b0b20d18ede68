//! The model's part of a plan: one window, recursion until the policy stops it, the best verified path of cells.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::best::Best;
use super::beyond::Beyond;
use super::report::{GuidanceKind, Report};
use crate::config::Config;
use crate::error::LoadError;
use crate::grid::costmap::Costmap;
use crate::grid::guidance::Guidance;
use crate::grid::occupancy::Geometry;
use crate::grid::travel::Travel;
use crate::grid::window::Window;
use crate::halt::deadline::Clock;
use crate::halt::policy::{Answer, Policy, Progress, StopReason};
use crate::halt::predictor::Predictor;
use crate::model::backend::Backend;
use crate::model::bundle::Bundle;
use crate::model::encode::{GoalCells, Scales, encode};
use crate::model::recursion::{Advanced, Recursion};
use crate::model::turn::Turn;
use crate::path::decode::{Decoder, Field};
use crate::path::routes::Routes;
use crate::path::verify::{Rules, check};
use crate::units::{Cell, Pose};

/// What is planned, all in cells of the costmap.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub costmap: &'a Costmap,
    pub guidance: Option<&'a Guidance>,
    pub rules: Rules,
    pub travel: Travel,
    /// Number of cells from the robot's own to `from`, both included.
    pub departed: usize,
    /// The first free cell, where planning begins.
    pub from: Cell,
    pub goal: Cell,
    pub cancel: Option<&'a AtomicBool>,
    /// The pose to lead to.
    pub goal_pose: Pose,
    /// The ways beyond the window that are known; none where they are about to change.
    pub routes: Option<&'a Routes>,
}

impl Job<'_> {
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}

/// What a warm state belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Warm {
    window: Window,
    geometry: Geometry,
    goal: Cell,
}

/// The model on windows of one size, with all its scratch.
pub(super) struct Model {
    backend: Box<dyn Backend>,
    recursion: Recursion,
    decoder: Decoder,
    scales: Scales,
    warm_start: bool,
    warm_change_limit: f64,
    warm: Option<Warm>,
    /// Supervision steps since the last verified path: a carried state that never leads to one is given up.
    fruitless: usize,
    max_steps: usize,
    /// Cells of the window that can't be entered, now and in the plan before, `[size, size]`.
    blocked: Vec<bool>,
    blocked_before: Vec<bool>,
    /// What crossing each cell adds to a move's length, `[size, size]`.
    extra: Vec<f32>,
    goals: GoalCells,
    /// `[5, size, size]`.
    input: Vec<f32>,
    /// `[9, size, size]`.
    logits: Vec<f32>,
    /// How the window lies before the model, and what the model sees and says of it when it is turned.
    turn: Turn,
    turned_input: Vec<f32>,
    turned_logits: Vec<f32>,
    /// Below this change of the answer, an answer without a verified path is stuck.
    stuck: Option<f32>,
    /// Cells of the present answer's path inside the window.
    inside: Vec<Cell>,
    /// From the way out of the window on.
    beyond: Beyond,
    net_time: Predictor,
    decode_time: Predictor,
}

impl Model {
    pub fn new(config: &Config, bundle: &Bundle, mut backend: Box<dyn Backend>) -> Self {
        backend.skip(Some(config.skip_threshold as f32));
        let shape = backend.shape();
        let cells = shape.size * shape.size;
        Self {
            recursion: Recursion::new(bundle, shape),
            decoder: Decoder::new(cells, config.max_expansions as usize),
            scales: bundle.manifest.encoding.scales,
            warm_start: config.warm_start,
            warm_change_limit: config.warm_change_limit,
            warm: None,
            fruitless: 0,
            max_steps: config.max_steps as usize,
            blocked: vec![false; cells],
            blocked_before: vec![false; cells],
            extra: vec![0.0; cells],
            goals: GoalCells::new(shape.size),
            input: vec![0.0; shape.input()],
            logits: vec![0.0; shape.field()],
            turn: Turn::NONE,
            turned_input: vec![0.0; shape.input()],
            turned_logits: vec![0.0; shape.field()],
            stuck: config.turn_when_stuck.then_some(config.settled_threshold as f32),
            inside: Vec::with_capacity(cells),
            beyond: Beyond::default(),
            net_time: Predictor::new(config.time_quantile),
            decode_time: Predictor::new(config.time_quantile),
            backend,
        }
    }

    /// Runs every graph a few times, so that the first plan neither allocates what later ones reuse nor guesses at times.
    pub fn warm_up(&mut self, clock: &dyn Clock) -> Result<(), LoadError> {
        for _ in 0..3 {
            self.recursion.cold(self.backend.as_mut());
            self.recursion.look(self.backend.as_mut(), &self.input)?;
            while !self.recursion.step_is_whole() || self.recursion.applications() == 0 {
                let began = clock.now();
                self.recursion.advance(self.backend.as_mut())?;
                self.net_time.record(clock.now().saturating_sub(began));
            }
            let began = clock.now();
            self.recursion.decode(self.backend.as_mut(), &mut self.logits)?;
            self.decode_time.record(clock.now().saturating_sub(began));
        }
        Ok(())
    }

    /// Makes room for paths of `cells` cells.
    pub fn reserve(&mut self, cells: usize) {
        self.beyond.reserve(cells);
    }

    /// The next plan starts cold.
    pub fn reset(&mut self) {
        self.warm = None;
        self.fruitless = 0;
    }

    /// Recursion until the policy stops it. `None` when no path of this window can lead to the goal.
    pub fn run(
        &mut self,
        job: &Job,
        policy: &Policy,
        clock: &dyn Clock,
        best: &mut Best,
        report: &mut Report,
    ) -> Option<StopReason> {
        let began = clock.now();
        let shape = self.backend.shape();
        let window = Window::around(job.from, job.costmap.geometry(), shape.size, self.backend.stride());
        std::mem::swap(&mut self.blocked, &mut self.blocked_before);
        window.blocked(job.costmap, job.travel.allow_unknown, &mut self.blocked);
        window.extra(job.costmap, job.travel, &mut self.extra);
        self.goals.find(&window, job.costmap, job.guidance, job.goal);
        report.warm = self.begin(Warm { window, geometry: *job.costmap.geometry(), goal: job.goal });
        if self.goals.count == 0 {
            return None;
        }
        encode(&self.blocked, &self.extra, &self.goals, self.scales, &mut self.input);
        self.beyond.forget();
        self.turn = Turn::NONE;
        let looked = self.recursion.look(self.backend.as_mut(), &self.input);
        report.stages.encode = clock.now().saturating_sub(began);

        let stop = looked.and_then(|()| self.recurse(job, window, policy, clock, best, report));
        report.applications = self.recursion.applications() as u16;
        report.steps = self.recursion.steps() as u16;
        report.share = self.recursion.work() / self.recursion.applications().max(1) as f32;
        report.inference_failed = stop.is_err();
        if stop == Ok(StopReason::Deadline) && report.applications == 0 {
            // One slow moment must not switch the model off for good.
            self.net_time.fade();
            self.decode_time.fade();
        }
        self.fruitless = if best.cells.is_empty() { self.fruitless + self.recursion.steps() } else { 0 };
        if self.fruitless >= self.max_steps {
            self.fruitless = 0;
        } else if stop.is_ok() && self.turn == Turn::NONE && self.recursion.is_finite() {
            self.warm = Some(Warm { window, geometry: *job.costmap.geometry(), goal: job.goal });
        }
        if !best.cells.is_empty() && best.guided {
            report.guidance = GuidanceKind::Classical;
        }
        stop.ok()
    }

    fn recurse(
        &mut self,
        job: &Job,
        window: Window,
        policy: &Policy,
        clock: &dyn Clock,
        best: &mut Best,
        report: &mut Report,
    ) -> Result<StopReason, LoadError> {
        if report.warm {
            // The carried answer may do; it is confirmed or bettered below.
            self.offer(job, window, clock, best, report)?;
        }
        loop {
            if job.is_cancelled() {
                return Ok(StopReason::Cancelled);
            }
            let progress = Progress {
                steps: self.recursion.steps(),
                step_is_whole: self.recursion.step_is_whole(),
                verified: !best.cells.is_empty(),
            };
            let predicted = self.net_time.predicted().saturating_add(self.decode_time.predicted());
            if let Some(stop) = policy.before(progress, predicted, clock) {
                return Ok(stop);
            }
            let began = clock.now();
            let advanced = self.recursion.advance(self.backend.as_mut())?;
            let time = clock.now().saturating_sub(began);
            self.net_time.record(whole(time, self.recursion.share()));
            report.stages.recurse += time;
            if advanced == Advanced::Answer {
                let answer = self.offer(job, window, clock, best, report)?;
                if let Some(stop) = policy.after(answer) {
                    return Ok(stop);
                }
                if !answer.verified
                    && self.recursion.step_is_whole()
                    && self.stuck.is_some_and(|stuck| answer.change < stuck)
                {
                    self.turn_window()?;
                }
            }
        }
    }

    /// Starts over on the window turned another way.
    fn turn_window(&mut self) -> Result<(), LoadError> {
        self.turn = self.turn.next();
        self.turn.input(self.backend.shape().size, &self.input, &mut self.turned_input);
        self.recursion.anew(self.backend.as_mut());
        self.recursion.look(self.backend.as_mut(), &self.turned_input)
    }

    /// Writes the present answer's field into `logits`; returns the logit of the q head.
    fn decode(&mut self) -> Result<f32, LoadError> {
        if self.turn == Turn::NONE {
            return self.recursion.decode(self.backend.as_mut(), &mut self.logits);
        }
        let q = self.recursion.decode(self.backend.as_mut(), &mut self.turned_logits)?;
        self.turn.field_back(self.backend.shape().size, &self.turned_logits, &mut self.logits);
        Ok(q)
    }

    /// Decodes the present answer and takes its path when it passes the check and is the cheapest so far.
    fn offer(
        &mut self,
        job: &Job,
        window: Window,
        clock: &dyn Clock,
        best: &mut Best,
        report: &mut Report,
    ) -> Result<Answer, LoadError> {
        let began = clock.now();
        let q = self.decode()?;
        let field = Field { window, blocked: &self.blocked, goals: &self.goals, logits: &self.logits };
        let found = self.decoder.find(&field, job.from, &mut self.inside)
            && self.inside.last().is_some_and(|exit| self.beyond.lead_on(job, *exit));
        report.expansions += self.decoder.expansions();
        let decoded = clock.now();
        let cells = || self.inside.iter().chain(self.beyond.cells());
        let passes = found && check(job.costmap, job.rules, cells().map(|cell| (cell.col as f64, cell.row as f64)));
        let had_one = !best.cells.is_empty();
        let count = self.inside.len() + self.beyond.cells().len();
        let better = passes && best.take(self.beyond.cost(job, &self.inside), count, cells(), self.beyond.tail());
        if better {
            best.guided = !self.beyond.cells().is_empty();
        }
        if better && !had_one {
            report.first_verified = Some(self.recursion.applications() as u16);
        }
        let ended = clock.now();
        self.decode_time.record(ended.saturating_sub(began));
        report.stages.decode += decoded.saturating_sub(began);
        report.stages.verify += ended.saturating_sub(decoded);
        Ok(Answer {
            verified: !best.cells.is_empty(),
            confirmed: passes && had_one && !better && self.decoder.is_known(),
            change: self.recursion.change(),
            q,
        })
    }

    /// Takes over the state of the plan before, moved with the window, or begins cold. Says whether it is warm.
    fn begin(&mut self, now: Warm) -> bool {
        let before = self.warm.take().filter(|before| {
            self.warm_start && before.geometry == now.geometry && before.goal == now.goal && self.is_alike(before, &now)
        });
        let Some(before) = before else {
            self.recursion.cold(self.backend.as_mut());
            return false;
        };
        let (patch, from, to) = (self.backend.shape().patch as i32, before.window.corner(), now.window.corner());
        if from != to {
            self.recursion.shift(self.backend.as_mut(), (to.col - from.col) / patch, (to.row - from.row) / patch);
        }
        self.recursion.restart();
        true
    }

    /// Whether few enough cells of the window are new or changed.
    fn is_alike(&self, before: &Warm, now: &Warm) -> bool {
        let size = now.window.size() as i32;
        let mut changed = 0_usize;
        for row in 0..size {
            for col in 0..size {
                let local = Cell::new(col, row);
                let old = before.window.local(now.window.global(local)).and_then(|old| now.window.index(old));
                let new = now.window.index(local);
                let same = old.zip(new).is_some_and(|(old, new)| self.blocked_before[old] == self.blocked[new]);
                changed += usize::from(!same);
            }
        }
        changed as f64 <= self.warm_change_limit * self.blocked.len() as f64
    }
}

/// What an application takes that skips everything, as a share of one that skips nothing: less than it does in truth, so
/// that the time of a whole one is rather expected too long.
const LEAST_WORK: f32 = 0.05;

/// How long an application would have taken that had skipped nothing: only that may be expected of the next one.
fn whole(time: Duration, share: f32) -> Duration {
    time.div_f32(LEAST_WORK + (1.0 - LEAST_WORK) * share.clamp(0.0, 1.0))
}

/// Time kept for the fallback before it has ever run, as a share of the time to the deadline.
pub(super) const UNSEEN_FALLBACK: f64 = 0.25;
/// The most that is kept for it.
pub(super) const MOST_FALLBACK: f64 = 0.5;

/// How much of the time `left` is kept for the fallback while there is no verified path.
pub(super) fn kept_for_fallback(past: &Predictor, left: Duration) -> Duration {
    past.predicted_or(left.mul_f64(UNSEEN_FALLBACK)).min(left.mul_f64(MOST_FALLBACK))
}
