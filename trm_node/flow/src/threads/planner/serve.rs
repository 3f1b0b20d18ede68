//! Plans that somebody asks for once. In each round of the thread at most one tick and one request are planned, so neither
//! starves the other.
//!
//! A request waits for current guidance to its goal for half of its time, and is then planned with what there is. What
//! newer guidance, a newer grid or more time may cure isn't the answer yet: it is tried again until the deadline. While
//! there are ticks a request is planned in slices of at most half of a tick's time limit; the model goes on where it was.

use std::time::Duration;

use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;
use trm_planner::epoch::Epoch;
use trm_planner::halt::deadline::Clock;
use trm_planner::{PlanError, Planner, Request};
use trm_rt::usage::Usage;

use super::{PlannerThread, check_map, guidance_times, map_state, until_newer};
use crate::notes;
use crate::plan_record::{Failure, PlanRecord, PlanTimes};
use crate::request::{FIRST, MAX_REQUESTS, PlanRequest};
use crate::threads::planner::requests::{Requests, Waiting, is_current};

/// How often what isn't known yet is looked for again: the robot's pose, a current grid.
const RETRY_PERIOD: Duration = Duration::from_millis(5);

impl PlannerThread {
    /// Takes a request in. It is answered in any case.
    pub(super) fn take_request(&mut self, request: Box<PlanRequest>) {
        let now = self.shared.clock.now();
        let (kind, planner) = (request.kind, request.planner);
        let record = PlanRecord { kind, planner, ..PlanRecord::new(0, request.budget) };
        let mut waiting = Waiting { request, leg: 0, due: now, record };
        waiting.due = self.due(&waiting, now);
        if self.requests.waiting.len() < MAX_REQUESTS {
            self.requests.waiting.push(waiting);
        } else {
            self.answer(waiting, Err(Failure::Backlog));
        }
    }

    /// When a request is to be planned: at once with current guidance, or where guidance can't help; else when half of its
    /// time is over.
    fn due(&self, waiting: &Waiting, now: Duration) -> Duration {
        let is_on_map = |costmap: &Costmap| costmap.geometry().cell_at(waiting.goal().point()).is_some();
        if !self.is_active || !self.costmap.as_deref().is_some_and(is_on_map) {
            return now;
        }
        let planner = self.planners.named.get(waiting.request.planner);
        let guided = planner.and_then(|named| self.requests.guidance_for(waiting, named));
        let is_current =
            guided.zip(self.costmap.as_deref()).is_some_and(|(guided, costmap)| is_current(guided, costmap));
        if is_current { now } else { waiting.half_time(now) }
    }

    /// Plans or answers one request, if one is due.
    pub(super) fn serve(&mut self) {
        let now = self.shared.clock.now();
        let is_due = |waiting: &Waiting| waiting.due <= now || waiting.request.is_cancelled();
        let Some(at) = self.requests.waiting.iter().position(is_due) else { return };
        let mut waiting = self.requests.waiting.remove(at);
        if waiting.request.is_cancelled() {
            return self.answer(waiting, Err(Failure::Plan(PlanError::Cancelled)));
        }
        if !self.is_active {
            return self.answer(waiting, Err(Failure::Inactive));
        }
        let failure = match self.try_leg(&mut waiting) {
            Ok(()) if waiting.leg + 1 == waiting.request.goals.len() => return self.complete(waiting),
            Ok(()) => {
                waiting.leg += 1;
                waiting.due = self.due(&waiting, self.shared.clock.now());
                return self.requests.waiting.insert(at, waiting);
            }
            // Cancelled by nobody: newer guidance has ended it, and it goes on with that.
            Err(Failure::Plan(PlanError::Cancelled)) if !waiting.request.is_cancelled() => {
                self.known = self.known.max(waiting.request.epochs.told());
                Failure::Plan(PlanError::TimedOut { applications: 0 })
            }
            Err(failure) => failure,
        };
        let now = self.shared.clock.now();
        match self.next_try(&waiting, failure, now) {
            Some(due) if now < waiting.last_try() => {
                waiting.due = due.min(waiting.last_try());
                // The others that are due come first.
                self.requests.waiting.push(waiting);
            }
            _ => self.answer(waiting, Err(failure)),
        }
    }

    /// All legs are planned. Costs and parameters may have changed since the first one was: a path of several legs is
    /// checked as a whole, and planned again if it isn't safe any more.
    fn complete(&mut self, mut waiting: Waiting) {
        if waiting.request.goals.len() == 1 || self.is_safe(&waiting.request) {
            return self.answer(waiting, Ok(()));
        }
        let now = self.shared.clock.now();
        if now >= waiting.last_try() {
            return self.answer(waiting, Err(Failure::Plan(PlanError::Unverified)));
        }
        waiting.request.path.clear();
        (waiting.leg, waiting.record.length, waiting.due) = (0, 0.0, now);
        self.requests.waiting.push(waiting);
    }

    /// Whether the path of a request is safe on the present costs.
    fn is_safe(&mut self, request: &PlanRequest) -> bool {
        let planner = self.planners.named.get(request.planner);
        let Some((costmap, planner)) = self.costmap.as_deref().zip(planner) else { return false };
        let began = self.shared.clock.now();
        let is_safe = planner.accepts(costmap, &request.path);
        self.check_time.record(self.shared.clock.now().saturating_sub(began), request.path.len());
        is_safe
    }

    /// The time that a request's answer takes once all its legs are planned: the check of the whole path, and publishing
    /// it.
    fn time_to_answer(&self, waiting: &Waiting, start: Pose, cell: f64) -> Duration {
        let poses = waiting.expected_poses(start, cell);
        let is_checked_anew = waiting.request.goals.len() > 1;
        let check = if is_checked_anew { self.check_time.predicted(poses) } else { Duration::ZERO };
        (self.publisher.expected_publish_time(poses) + check).min(waiting.request.budget / 2)
    }

    /// When to try again what has failed so; `None` if time and guidance can't cure it.
    fn next_try(&self, waiting: &Waiting, failure: Failure, now: Duration) -> Option<Duration> {
        match failure {
            Failure::NoGrid
            | Failure::NoPose
            | Failure::OldPose { .. }
            | Failure::FuturePose { .. }
            | Failure::StaleMap { .. }
            | Failure::SuspectMap(_)
            | Failure::Plan(PlanError::NotReady) => Some(now + RETRY_PERIOD),
            Failure::Plan(PlanError::TimedOut { .. }) => Some(now),
            Failure::Plan(PlanError::SearchLimit { .. } | PlanError::ModelOnly { .. } | PlanError::NoValidPath) => {
                let planner = &self.planners.named.get(waiting.request.planner)?;
                let guided = self.requests.guidance_for(waiting, planner);
                let costmap = self.costmap.as_deref()?;
                // A search without guidance that saw all cells has proven that there is no path.
                let may_help = match guided {
                    Some(guided) => !is_current(guided, costmap),
                    None => failure != Failure::Plan(PlanError::NoValidPath),
                };
                may_help.then(|| waiting.last_try())
            }
            Failure::Plan(_) | Failure::Publish | Failure::Backlog | Failure::Inactive | Failure::NoPlanner => None,
        }
    }

    /// Plans to the present goal of a request, and appends the path.
    fn try_leg(&mut self, waiting: &mut Waiting) -> Result<(), Failure> {
        let began = Usage::of_this_thread();
        let result = self.plan_leg(waiting);
        waiting.record.usage = Usage::of_this_thread().since(began);
        result
    }

    fn plan_leg(&mut self, waiting: &mut Waiting) -> Result<(), Failure> {
        let given = waiting.request.path.last().copied().or(waiting.request.start);
        let start = given.map_or_else(|| self.robot_pose(), Ok);
        let costmap = self.costmap.as_deref().ok_or(Failure::NoGrid)?;
        waiting.record.map = map_state(&self.shared, self.held, self.suspect);
        check_map(&self.config, &waiting.record.map)?;
        let start = start?;
        let clock = &self.shared.clock;
        let answer = self.time_to_answer(waiting, start, costmap.geometry().resolution());
        let due = waiting.deadline().saturating_sub(answer);
        let slice = Duration::from_secs_f64(self.config.node.deadline_ms / 2e3);
        let most = if self.ticks.next().is_some() { slice } else { Duration::MAX };
        let planner = self.planners.named.get_mut(waiting.request.planner).ok_or(Failure::NoPlanner)?;
        let patience = due.saturating_sub(clock.now()).min(most) / 4;
        think_ahead(planner, costmap, (waiting, &self.requests, start), (patience, clock));
        let now = clock.now();
        let legs = (waiting.request.goals.len() - waiting.leg) as u32;
        let time = (due.saturating_sub(now) / legs).min(most);
        let epoch = until_newer(Epoch::new(&waiting.request.epochs, FIRST), planner, self.known);
        let request = Request { start, goal: waiting.goal(), arrived: now, deadline: now + time, epoch: Some(epoch) };
        let guided = self.requests.guidance_for(waiting, planner);
        waiting.record.guidance = guided.map(|guided| guidance_times(guided, now));
        let outcome = notes::plan(&mut self.notes, None, planner, (costmap, guided), &request, clock);
        waiting.record.report = Some(outcome.report);
        waiting.record.leg = waiting.leg;
        let path = outcome.path.map_err(Failure::Plan)?;
        waiting.record.length += path.length();
        let poses = path.poses();
        // The end of a leg is the start of the next one, unless the costs have changed so that it begins beside it. Of a
        // leg that leads nowhere its heading is left.
        let before = waiting.request.path.last().map(|pose| pose.point());
        let begins_there = before.is_some_and(|before| before == poses[0].point());
        if poses.len() == 1 && begins_there {
            waiting.request.path.pop();
        }
        waiting.request.path.extend_from_slice(&poses[usize::from(begins_there && poses.len() > 1)..]);
        Ok(())
    }

    /// Answers a request.
    fn answer(&mut self, waiting: Waiting, result: Result<(), Failure>) {
        self.plans += 1;
        let Waiting { request, mut record, .. } = waiting;
        record.number = self.plans;
        record.result = result;
        let times = PlanTimes {
            arrived: request.arrived,
            deadline: request.arrived + request.budget,
            planned: self.shared.clock.now(),
        };
        self.publisher.send_answer(&record, times, request);
    }
}

/// Before the first leg of several: thinks about all that there is current guidance for.
fn think_ahead(
    planner: &mut Planner,
    costmap: &Costmap,
    (waiting, requests, start): (&Waiting, &Requests, Pose),
    within: (Duration, &dyn Clock),
) {
    let PlanRequest { goals, arrived, .. } = &*waiting.request;
    if waiting.leg > 0 || goals.len() == 1 {
        return;
    }
    let settings = planner.settings();
    let starts = std::iter::once(start).chain(goals.iter().copied());
    let legs = starts.zip(goals).filter_map(|(start, goal)| {
        let guided = requests.guidance_to(*goal, settings.clone()).filter(|guided| is_current(guided, costmap))?;
        let request = Request { start, goal: *goal, arrived: *arrived, deadline: waiting.deadline(), epoch: None };
        Some((request, &guided.guidance[..]))
    });
    planner.think_ahead(costmap, legs, within);
}
