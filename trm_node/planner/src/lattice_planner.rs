//! Plans for a robot that isn't a disc: over positions and headings, with its footprint, from the exact pose of the robot to
//! that of the goal.
//!
//! A search over a state lattice of the whole map (`trm_lattice`), led by the guidance, finds a path, and curves straighten
//! it. The path is kept from plan to plan as long as what is left of it passes the check. A search that the deadline
//! interrupts goes on with the next plan, and until it has ended nobody says that there is no path. That it has proven so is kept,
//! too. Nothing is published but what [`VerifiedPath::accept_swept`] has accepted.

mod known;
mod made;
mod previous;
mod task;

use std::sync::Arc;

use trm_config::PlannerConfig;
use trm_config::footprint::Footprint;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Pose;
use trm_lattice::blocked::Blocked;
use trm_lattice::clearance::Clearance;
use trm_lattice::path::PathPose;
use trm_lattice::pose::CellPose;
use trm_lattice::search::{self, Search, World};
use trm_lattice::shorten::Shortener;
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::swept::check;
use trm_safety::{Draft, VerifiedPath};

use crate::ask::Settings;
use crate::budget::Budget;
use crate::endpoints::GoalArea;
use crate::error::PlanError;
use crate::goal_poses::{BESIDE_GOAL, HEADINGS, in_cells};
use crate::guides::Guides;
use crate::halt::deadline::Clock;
use crate::halt::path_time::{PathTime, SWEEPING};
use crate::lattice_planner::known::{Pending, Proven};
use crate::lattice_planner::made::{Made, ready};
use crate::lattice_planner::previous::Previous;
use crate::lattice_planner::task::Task;
use crate::report::{GuidanceKind, Report, Source};
use crate::request::Request;
use crate::robot::Robot;

/// The greatest number of poses of a path.
const MAX_POSES: usize = 1 << 14;
/// The greatest number of states that a search may see.
const MAX_STATES: usize = 1 << 20;
/// What the search multiplies the guidance with: it finds paths sooner, which may cost so much more.
pub const GREED: f32 = 1.5;
/// A search for a better path is worth its time when the present one costs this much more, against the guidance, than when it
/// was found.
const GROWN: f64 = 1.1;

/// The planner for a robot with a footprint. Everything is allocated in [`Self::prepare`].
pub struct LatticePlanner {
    robot: Arc<Robot>,
    /// What every path is checked with: the robot's own, until that has become another one.
    footprint: Footprint,
    travel: Travel,
    /// How far a goal may be moved, in metres.
    tolerance: f64,
    start_tolerance: f64,
    /// Past times of writing a path in metres and checking it.
    check_time: PathTime,
    made: Result<Option<Box<Made>>, PlanError>,
    previous: Previous,
    pending: Option<Pending>,
    proven: Option<Proven>,
    path: Vec<PathPose>,
    draft: Draft,
}

impl LatticePlanner {
    /// A planner that has nothing yet.
    #[must_use]
    pub fn new(robot: Robot, travel: Travel, config: &PlannerConfig) -> Self {
        Self {
            footprint: robot.footprint.clone(),
            robot: Arc::new(robot),
            travel,
            tolerance: config.tolerance,
            start_tolerance: config.start_tolerance,
            check_time: PathTime::new(SWEEPING, config.time_quantile),
            made: Ok(None),
            previous: Previous::default(),
            pending: None,
            proven: None,
            path: Vec::new(),
            draft: Draft::default(),
        }
    }

    /// The parameters that guidance for it depends on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings { travel: self.travel, tolerance: self.tolerance, robot: Some(Arc::clone(&self.robot)) }
    }

    /// Checks every path with this footprint from now on. Whether it is the one that paths are planned for.
    pub fn check_with(&mut self, footprint: &Footprint) -> bool {
        if self.footprint != *footprint {
            self.footprint.clone_from(footprint);
            if let Ok(Some(made)) = &mut self.made {
                made.outline = Outline::new(footprint, made.blocked.geometry().resolution());
            }
        }
        self.footprint == self.robot.footprint
    }

    /// Goes on with the path of another planner, as long as that passes the check. Call it after [`Self::prepare`]. A
    /// path for a robot that moves otherwise isn't one.
    pub fn take_over(&mut self, other: &mut Self) {
        let robot = Robot { footprint: self.robot.footprint.clone(), ..(*other.robot).clone() };
        if *self.robot == robot {
            std::mem::swap(&mut self.previous, &mut other.previous);
            self.previous.version = None;
        }
    }

    /// Allocates everything for a grid. The path stays if the cells are like those before.
    pub fn prepare(&mut self, costmap: &Costmap) {
        let geometry = *costmap.geometry();
        let before = self.made.as_ref().ok().and_then(Option::as_deref).map(|made| *made.blocked.geometry());
        if before == Some(geometry) {
            return;
        }
        if !before.is_some_and(|before| before.is_like(&geometry)) {
            self.previous = Previous::default();
        }
        (self.pending, self.proven) = (None, None);
        self.path = Vec::with_capacity(MAX_POSES);
        self.draft.poses = Vec::with_capacity(MAX_POSES);
        self.previous.path.reserve(MAX_POSES);
        self.made = self.make(costmap).map(Some);
    }

    fn make(&mut self, costmap: &Costmap) -> Result<Box<Made>, PlanError> {
        let geometry = costmap.geometry();
        let resolution = geometry.resolution();
        let known = std::mem::replace(&mut self.made, Ok(None)).ok().flatten();
        let same_cells = |made: &Made| made.blocked.geometry().resolution().to_bits() == resolution.to_bits();
        let blocked = Blocked::new(costmap, self.travel.allow_unknown);
        if let Some(mut made) = known.filter(|made| same_cells(made)) {
            made.blocked = blocked;
            return Ok(made);
        }
        let lattice = self.robot.lattice(resolution, HEADINGS).map_err(|error| PlanError::NoLattice(error.field))?;
        let lattice = Arc::new(lattice);
        let states = geometry.cells().saturating_mul(lattice.headings().len()).min(MAX_STATES);
        let search = Search::with_room(&lattice, self.travel, states);
        let outline = Outline::new(&self.footprint, resolution);
        Ok(Box::new(Made { lattice, outline, blocked, search, shortener: Shortener::with_room(MAX_POSES) }))
    }

    /// Forgets the path and the search.
    pub fn reset(&mut self) {
        self.previous.path.clear();
        self.previous.goal = None;
        (self.pending, self.proven) = (None, None);
        if let Ok(Some(made)) = &mut self.made {
            made.search.forget();
        }
    }

    /// The path that was published last.
    #[must_use]
    pub const fn path(&self) -> &VerifiedPath {
        &self.previous.path
    }

    /// Whether a path is safe to drive on these costs.
    #[must_use]
    pub fn accepts(&self, costmap: &Costmap, poses: &[Pose]) -> bool {
        // Poses that it has planned: it was made for these cells.
        let Ok(Some(made)) = &self.made else { return false };
        check(costmap, self.rules(costmap), &made.outline, poses.iter().copied())
    }

    /// Whether the last published path is still safe to drive from where the robot is. True if there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        let Ok(Some(made)) = &self.made else { return true };
        if self.previous.path.poses().is_empty() {
            return true;
        }
        made.blocked.geometry() == costmap.geometry()
            && self.previous.rest(start, costmap.geometry()).is_some_and(|rest| {
                check(costmap, self.rules(costmap), &made.outline, [start].into_iter().chain(rest.iter().copied()))
            })
    }

    fn rules(&self, costmap: &Costmap) -> Rules {
        Rules::new(self.travel.allow_unknown, self.start_tolerance, costmap.geometry().resolution())
    }

    /// Plans a path. The result is [`Self::path`] afterwards.
    ///
    /// # Errors
    /// Why there is none.
    pub fn plan(
        &mut self,
        costmap: &Costmap,
        guides: Guides,
        request: &Request,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
    ) -> Result<(), PlanError> {
        self.prepare(costmap);
        let geometry = costmap.geometry();
        let start_cell = geometry.cell_at(request.start.point());
        let start_cell =
            start_cell.ok_or_else(|| PlanError::StartOutsideMap(geometry.nearest_cell(request.start.point())))?;
        let area = GoalArea::new(geometry, self.tolerance, request.goal.point())?;
        let leads = |group: &&Guidance| group.fits(costmap) && group.travel() == self.travel;
        let guidance = guides.cells.iter().filter(leads).find(|group| group.cost_to_go(start_cell).is_finite());
        let start = in_cells(geometry, request.start);
        let (rules, travel) = (self.rules(costmap), self.travel);
        let is_base_inside = self.robot.footprint.contains_base();
        let made = self.made.as_ref().ok().and_then(Option::as_deref);
        let poses = guides.poses.filter(|poses| made.is_some_and(|made| poses.fits(costmap, travel, &made.lattice)));
        let task = Task { costmap, guidance, poses, request, rules, travel, start, area, is_base_inside };
        let began = clock.now();
        let kept = self.keep(&task);
        report.stages.verify += clock.now().saturating_sub(began);
        if kept {
            report.source = Source::Previous;
            if !self.may_be_better(&task) {
                return Ok(());
            }
        }
        match self.search(&task, (budget, clock), report) {
            Ok(()) => Ok(()),
            // What is left of the path is a path.
            Err(_) if kept => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes what is left of the published path as the new one, if it leads to the goal and passes the check.
    fn keep(&mut self, task: &Task) -> bool {
        let Ok(Some(made)) = &mut self.made else { return false };
        if self.previous.goal != Some(task.request.goal) {
            return false;
        }
        // On other costs the robot may come nearer to the goal, or not so near any more.
        let version = Some(task.costmap.version());
        if self.previous.version != version {
            made.blocked.update(task.costmap);
            let Ok(goals) = made.goals(task, self.robot.goal_heading) else { return false };
            if !goals.iter().flatten().any(|goal| self.previous.ends_at(*goal, &self.robot, task.costmap.geometry())) {
                return false;
            }
            self.previous.version = version;
        }
        let Some(rest) = self.previous.rest(task.request.start, task.costmap.geometry()) else { return false };
        self.draft.poses.clear();
        self.draft.poses.push(task.request.start);
        self.draft.poses.extend_from_slice(rest);
        self.draft.junction = None;
        self.previous.path.accept_swept(&mut self.draft, &made.outline, task.costmap, task.rules)
    }

    /// Whether the costs have changed so that another way might be cheaper than the present path.
    fn may_be_better(&self, task: &Task) -> bool {
        let Some(expected) = task.expected() else { return false };
        task.cost(self.previous.path.poses()) > GROWN * self.previous.ratio.max(1.0) * expected + 2.0
    }

    /// Searches, and takes the path if it is better than the present one.
    fn search(
        &mut self,
        task: &Task,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
    ) -> Result<(), PlanError> {
        let made = ready(&mut self.made)?;
        made.blocked.update(task.costmap);
        let goals = made.goals(task, self.robot.goal_heading)?;
        self.proven = self.proven.take().filter(|proven| proven.holds_for(task, &goals));
        if let Some(proven) = &self.proven {
            return Err(proven.error);
        }
        let pending = self.pending.take().filter(|pending| pending.goes_on(task));
        let at = |pending: &Pending| goals.iter().position(|goal| *goal == Some(pending.request.goal));
        let (start, first) = pending
            .and_then(|pending| at(&pending).map(|first| (pending.request.start, first)))
            .unwrap_or((task.start, 0));
        let mut result = self.search_from(start, (&goals, first), task, (budget, clock), report);
        // The way there from where the robot has moved to meanwhile wasn't looked at.
        if result == Err(PlanError::Unverified) && start != task.start {
            result = self.search_from(task.start, (&goals, 0), task, (budget, clock), report);
        }
        result
    }

    /// Searches for a path from a pose at which the robot is, or nearly, to the first of the goals that there is a way to; it is
    /// known that there is none to those before one of them.
    fn search_from(
        &mut self,
        start: CellPose,
        (goals, first): (&[Option<CellPose>; 3], usize),
        task: &Task,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
    ) -> Result<(), PlanError> {
        let mut result = Err(PlanError::NoValidPath);
        for goal in goals[first..].iter().flatten() {
            result = self.search_between((start, *goal), task, (budget, clock), report);
            if !matches!(result, Err(PlanError::NoValidPath | PlanError::GoalBlocked(_))) {
                return result;
            }
        }
        let version = task.costmap.version();
        self.proven = result.err().map(|error| Proven { error, version, start, goals: *goals });
        result
    }

    /// Searches for a path from one pose to another.
    fn search_between(
        &mut self,
        (start, goal): (CellPose, CellPose),
        task: &Task,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
    ) -> Result<(), PlanError> {
        let expected = task.expected().filter(|cells| cells.is_finite());
        let poses = expected.unwrap_or_else(|| start.at().distance(goal.at())) as usize;
        let until = self.with_time_to_check(poses, budget, clock).plan;
        let made = ready(&mut self.made)?;
        let began = clock.now();
        let resolution = task.costmap.geometry().resolution();
        let request = search::Request {
            start,
            goal,
            start_tolerance: self.start_tolerance / resolution,
            goal_tolerance: (BESIDE_GOAL, self.robot.yaw_goal_tolerance),
            greed: GREED,
        };
        let world = World {
            lattice: &made.lattice,
            blocked: &made.blocked,
            weight: |cell| task.weight(cell),
            cost_to_go: |cell| task.cost_to_go(cell, goal),
            poses: task.poses,
        };
        let is_cancelled = || task.request.epoch.is_some_and(|epoch| epoch.is_over());
        let mut may_go_on = || !until.left(clock).is_zero() && !is_cancelled();
        let outcome = made.search.run(&world, &request, &mut may_go_on);
        report.expansions += made.search.expansions();
        report.stages.fallback += clock.now().saturating_sub(began);
        let at = |pose: CellPose| pose.at().cell();
        match outcome {
            search::Outcome::Found(_) => {}
            search::Outcome::None => return Err(PlanError::NoValidPath),
            search::Outcome::NoStart => return Err(PlanError::StartBlocked(at(task.start))),
            search::Outcome::NoEnd => return Err(PlanError::GoalBlocked(at(goal))),
            search::Outcome::Interrupted => {
                self.pending = Some(Pending { version: task.costmap.version(), request });
                let timed_out = PlanError::TimedOut { applications: 0 };
                return Err(if is_cancelled() { PlanError::Cancelled } else { timed_out });
            }
            search::Outcome::OutOfRoom => return Err(PlanError::SearchLimit { cells: MAX_STATES as u32 }),
        }
        if !made.search.path(&made.lattice, &mut self.path) {
            return Err(PlanError::TooLong { cells: MAX_POSES as u32 });
        }
        self.finish(task, (budget, clock), report)
    }

    /// The budget in which there is time left to check a path of so many poses, however many there are at most half of it.
    fn with_time_to_check(&self, poses: usize, budget: &Budget, clock: &dyn Clock) -> Budget {
        let most = budget.publish.left(clock) / 2;
        budget.sparing(self.check_time.predicted(poses).min(most))
    }

    /// Straightens the path, has it checked, and takes it. Without straightening it tries again if that fails.
    fn finish(
        &mut self,
        task: &Task,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
    ) -> Result<(), PlanError> {
        for smooth in [true, false] {
            let until = self.with_time_to_check(self.path.len(), budget, clock).smooth;
            let made = ready(&mut self.made)?;
            let began = clock.now();
            if smooth {
                let clearance = Clearance::new(made.lattice.outline(), &made.blocked);
                let (motion, weight) = (made.lattice.motion(), |cell| task.weight(cell));
                let mut may_go_on = || !until.left(clock).is_zero();
                made.shortener.shorten(&mut self.path, motion, &clearance, weight, &mut may_go_on);
            } else {
                made.search.path(&made.lattice, &mut self.path);
            }
            let drafted = clock.now();
            report.stages.smooth += drafted.saturating_sub(began);
            write(task, &self.path, &mut self.draft);
            let is_kept = report.source == Source::Previous && !self.previous.is_beaten_by(&self.draft, task);
            let passes =
                is_kept || self.previous.path.accept_swept(&mut self.draft, &made.outline, task.costmap, task.rules);
            let took = clock.now().saturating_sub(drafted);
            report.stages.verify += took;
            if !is_kept {
                self.check_time.record(took, self.path.len());
            }
            if passes && !is_kept {
                let cost = task.cost(self.previous.path.poses());
                self.previous.ratio = task.expected().map_or(1.0, |expected| cost / expected.max(1.0));
                self.previous.goal = Some(task.request.goal);
                self.previous.version = Some(task.costmap.version());
                report.source = Source::Lattice;
                report.guidance = GuidanceKind::of(task.guidance);
            }
            if passes {
                return Ok(());
            }
        }
        Err(PlanError::Unverified)
    }
}

/// Writes the path in metres. It begins where the robot is now.
fn write(task: &Task, path: &[PathPose], draft: &mut Draft) {
    let geometry = task.costmap.geometry();
    draft.poses.clear();
    draft.poses.extend(path.iter().map(|at| {
        let point = geometry.to_point(at.pose.at());
        Pose::new(point.x, point.y, geometry.to_map_yaw(at.pose.yaw))
    }));
    if let Some(first) = draft.poses.first_mut() {
        *first = task.request.start;
    }
    draft.junction = None;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trm_config::Config;

    use super::*;

    struct At(Duration);

    impl Clock for At {
        fn now(&self) -> Duration {
            self.0
        }
    }

    #[test]
    fn search_and_straightening_leave_time_to_check_the_path_but_not_more_than_half_of_it() {
        const MS: fn(u64) -> Duration = Duration::from_millis;
        let config = Config::with(|config| {
            config.grid.footprint = "[[0.3, 0.2], [-0.3, 0.2], [-0.3, -0.2], [0.3, -0.2]]".parse().ok();
        });
        let robot = Robot::of(&config.grid, &config.planner).unwrap();
        let mut planner = LatticePlanner::new(robot, Travel::new(&config.grid), &config.planner);
        let pose = Pose::default();
        let request = Request { start: pose, goal: pose, arrived: MS(0), deadline: MS(30), epoch: None };
        let budget = Budget::new(&request, 2.0);
        let left = |planner: &LatticePlanner, poses, now| {
            let clock = At(MS(now));
            let budget = planner.with_time_to_check(poses, &budget, &clock);
            [budget.plan, budget.smooth, budget.publish].map(|until| until.left(&clock))
        };
        for _ in 0..64 {
            planner.check_time.record(MS(1), 192);
        }
        assert_eq!(left(&planner, 192, 0), [MS(27), MS(28), MS(30)]);
        assert_eq!(left(&planner, 960, 0), [MS(24), MS(25), MS(30)], "a longer path takes longer");
        // One that was held up doesn't end planning for good.
        planner.check_time.record(MS(500), 192);
        assert_eq!(left(&planner, 192, 0), [MS(13), MS(14), MS(30)]);
        assert_eq!(left(&planner, 192, 20), [MS(3), MS(4), MS(10)]);
    }
}
