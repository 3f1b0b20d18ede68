//! One drive: a robot on its errand, with the node, people and the judge, in steps of simulated time.

use std::time::Duration;

use trm_config::GridKind;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::units::{Point, Pose};
use trm_net::bundle::Bundle;
use trm_planner::{PlanError, Source};

use crate::drive::body::{Body, RADIUS};
use crate::drive::book::Book;
use crate::drive::cause::Cause;
use crate::drive::costmap::{RollingCostmap, Update};
use crate::drive::jerk::{Jerks, Motion};
use crate::drive::judge::{Judge, Seen};
use crate::drive::node::{Node, Planned};
use crate::drive::people::{Ground, People};
use crate::drive::policy::Policy;
use crate::drive::pursuit::{Command, Pursuit, turn_by};
use crate::drive::raster::angle;
use crate::drive::site::{Errand, Site};
use crate::drive::world::{Scan, World};
use crate::lent::Lent;
use crate::worlds::random::Random;

/// The world goes on by this much at once, in milliseconds; it holds whole numbers of them between commands, scans and
/// updates of the costmap.
const STEP_MS: u64 = 10;
const COMMANDS: u64 = 2;
const SCANS: u64 = 10;
const UPDATES: u64 = 20;
/// So long a goal may take: at all, for each metre in a straight line, and a refusal, in seconds.
const PATIENCE: f64 = 60.0;
const PATIENCE_PER_M: f64 = 8.0;
const REFUSED_WITHIN: f64 = 3.0;
/// A path may end so much farther from the goal than the tolerance, in metres: the robot stops near its end.
const BESIDE: f64 = 0.1;
/// The robot has turned to the goal's heading when it is this near, in radians; it has so many seconds for it.
const TURNED: f64 = 0.05;
const TURNING: f64 = 5.0;

/// How an errand ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the goal, with its heading.
    Reached,
    /// Rightly told that there is no way.
    Refused,
    /// Neither.
    Missed,
}

/// What plans there were.
#[derive(Debug, Clone, Default)]
pub struct Plans {
    pub count: usize,
    /// By [`Source::index`].
    pub sources: [usize; Source::ALL.len()],
    /// Of the model's, those that went on from the state before.
    pub warm: usize,
    /// After their deadline.
    pub late: usize,
    /// Simulated time from the tick to the path, in milliseconds.
    pub total_ms: Vec<f64>,
}

/// The newest path.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// When it was published.
    pub due: Duration,
    pub source: Source,
    /// Whether the recursion went on from the state before.
    pub is_warm: bool,
}

/// What came of an errand.
pub struct Outcome {
    pub end: End,
    pub seen: Seen,
    pub jerks: Jerks,
    pub plans: Plans,
}

/// What errands are done with.
pub struct Kit<'a> {
    pub bundle: &'a Bundle,
    pub graphs: &'a Lent,
    pub people: usize,
}

/// A drive.
pub struct Run<'a> {
    site: &'a Site,
    errand: Errand,
    pub world: World<'a>,
    scan: Scan,
    costmap: RollingCostmap,
    builder: CostmapBuilder,
    node: Node,
    pub body: Body,
    commands: (f64, f64),
    pursuit: Pursuit,
    pub judge: Judge<'a>,
    motion: Motion,
    /// Steps so far, and where in them scans and updates lie.
    steps: u64,
    phase: u64,
    /// A plan that isn't published yet, and whether it crosses what was published.
    coming: Option<(Planned, bool)>,
    /// Where the newest path ends.
    end: Option<Point>,
    refusal: Option<PlanError>,
    heard: Option<Heard>,
    plans: Plans,
}

impl<'a> Run<'a> {
    /// A robot that gets its goal now.
    ///
    /// # Errors
    /// When the model can't be run.
    pub fn new(
        (site, ground): (&'a Site, &'a Ground),
        errand: Errand,
        policy: Policy,
        kit: &Kit,
        random: &mut Random,
    ) -> anyhow::Result<Self> {
        let mut node = Node::new(policy, kit.bundle, kit.graphs)?;
        let mut builder = CostmapBuilder::new(&node.config().grid, GridKind::Map);
        builder.take_grid(site.grid.clone());
        builder.refresh_to_end();
        if let Some(costmap) = builder.costmap() {
            node.take_grid(costmap.clone());
        }
        let (start, goal) = (errand.start, errand.goal);
        let book = Book::new(site.raster, &site.states, node.config());
        let phase = random.below(UPDATES as usize) as u64;
        let people = People::new(site, ground, kit.people, (start.point(), RADIUS), random.next());
        node.take_goal(goal, start, Duration::ZERO);
        let mut run = Self {
            site,
            errand,
            world: World::new(site, people),
            scan: Scan::default(),
            costmap: RollingCostmap::new(site.raster, &site.states),
            builder,
            node,
            body: Body::at(start),
            commands: (0.0, 0.0),
            pursuit: Pursuit::default(),
            judge: Judge::new(book, &site.states, start.point(), goal.point()),
            motion: Motion::default(),
            steps: 0,
            phase,
            coming: None,
            end: None,
            refusal: None,
            heard: None,
            plans: Plans::default(),
        };
        run.look();
        Ok(run)
    }

    /// The time since the goal came.
    pub const fn now(&self) -> Duration {
        Duration::from_millis(self.steps * STEP_MS)
    }

    fn seconds(&self) -> f64 {
        self.now().as_secs_f64()
    }

    /// Drives until the errand has ended.
    pub fn finish(mut self) -> Outcome {
        let end = loop {
            if let Some(end) = self.ended() {
                break end;
            }
            self.step();
        };
        self.judge.end_stop();
        if end == End::Reached {
            self.turn_to_heading();
        }
        Outcome { end, jerks: self.motion.jerks(), seen: self.judge.seen, plans: self.plans }
    }

    /// How the errand has ended, if it has.
    pub fn ended(&self) -> Option<End> {
        let goal = self.errand.goal.point();
        if !self.errand.can_be_reached {
            let is_over = self.refusal.is_some() || self.seconds() > REFUSED_WITHIN;
            return is_over.then_some(if self.refusal.is_some() { End::Refused } else { End::Missed });
        }
        let config = self.node.config();
        let robot = self.body.pose.point();
        if self.end.is_some_and(|end| robot.distance(end) <= config.node.goal_reached_tolerance) {
            let is_there = robot.distance(goal) <= config.planner.tolerance + BESIDE;
            return Some(if is_there { End::Reached } else { End::Missed });
        }
        let distance = self.errand.start.point().distance(goal);
        (self.seconds() > PATIENCE + PATIENCE_PER_M * distance).then_some(End::Missed)
    }

    /// The world goes on.
    pub fn step(&mut self) {
        if self.steps.is_multiple_of(COMMANDS) {
            let Command { speeds, cause } = self.command();
            self.commands = speeds;
            self.motion.take(&self.body, cause);
        }
        self.go_on();
        if (self.steps + self.phase).is_multiple_of(SCANS) {
            self.look();
        }
        if (self.steps + self.phase).is_multiple_of(UPDATES)
            && let Some(update) = self.costmap.changes(self.seconds())
        {
            self.publish(&update);
        }
        if self.coming.as_ref().is_some_and(|(planned, _)| planned.due <= self.now())
            && let Some((planned, crosses)) = self.coming.take()
        {
            self.hear(&planned, crosses);
        }
        if let Some(planned) = self.node.step(self.body.pose, self.now()) {
            self.count(&planned);
            let crosses = planned.path.as_ref().is_ok_and(|path| self.judge.crosses(&points(path)));
            self.coming = Some((planned, crosses));
        }
    }

    fn command(&self) -> Command {
        self.pursuit.command(self.body.pose, self.body.speed, &self.scan.points)
    }

    fn go_on(&mut self) {
        let seconds = STEP_MS as f64 / 1e3;
        self.body.step(self.commands, seconds);
        self.world.people.step(seconds, self.body.pose.point());
        self.steps += 1;
        let gaps = self.world.gaps(self.body.pose.point(), RADIUS);
        self.judge.stepped(seconds, &self.body, gaps, self.world.people.places());
    }

    fn look(&mut self) {
        self.world.scan(self.body.pose, &mut self.scan);
        let now = self.seconds();
        self.costmap.take(&self.scan, self.body.pose.point(), now);
    }

    /// Something stands in these cells from now on, and is published at once.
    pub fn put(&mut self, cells: &[usize]) {
        self.world.put(cells);
        self.look();
        if let Some(update) = self.costmap.put(cells, self.now().as_secs_f64()) {
            self.publish(&update);
        }
    }

    fn publish(&mut self, update: &Update) {
        self.judge.book.take(update);
        self.judge.published();
        let taken = self.builder.take_update(update.rect, &update.values());
        debug_assert!(taken.is_ok(), "an update within the grid");
        if let Some(change) = self.builder.refresh_to_end() {
            let now = self.now();
            self.node.take_change(change, self.body.pose, now);
        }
    }

    fn count(&mut self, planned: &Planned) {
        let Planned { report, .. } = planned;
        self.plans.count += 1;
        self.plans.sources[report.source.index()] += 1;
        self.plans.warm += usize::from(report.source == Source::Model && report.warm);
        self.plans.late += usize::from(planned.is_late);
        self.plans.total_ms.push(report.stages.total.as_secs_f64() * 1e3);
    }

    fn hear(&mut self, planned: &Planned, crosses: bool) {
        match &planned.path {
            Ok(path) => {
                let before = self.command().speeds;
                self.pursuit.take(path);
                if let Some(cause) = Cause::of_path(planned.report.source, before, self.command().speeds) {
                    self.motion.moved(cause);
                }
                self.end = path.last().map(|pose| pose.point());
                let (source, is_warm) = (planned.report.source, planned.report.warm);
                self.heard = Some(Heard { due: planned.due, source, is_warm });
                self.judge.heard(planned, Some(points(path)), crosses);
            }
            Err(error) => {
                self.pursuit.drop_path();
                let is_refusal = ["GOAL_OCCUPIED", "NO_VALID_PATH", "GOAL_OUTSIDE_MAP"].contains(&error.nav2_name());
                self.refusal = is_refusal.then_some(*error);
                self.judge.heard(planned, None, false);
            }
        }
    }

    /// The robot stands at its goal and turns to its heading.
    fn turn_to_heading(&mut self) {
        let until = self.seconds() + TURNING;
        while self.seconds() < until {
            let left = angle(self.errand.goal.yaw - self.body.pose.yaw);
            if left.abs() < TURNED && self.body.stands() {
                return;
            }
            if self.steps.is_multiple_of(COMMANDS) {
                self.commands = (0.0, turn_by(left));
                self.motion.take(&self.body, Cause::Goal);
            }
            self.go_on();
        }
    }

    /// The newest path.
    pub const fn heard(&self) -> Option<Heard> {
        self.heard
    }

    /// The map that it drives on.
    pub const fn site(&self) -> &Site {
        self.site
    }

    /// Where it is sent to.
    pub const fn goal(&self) -> Point {
        Point { x: self.errand.goal.x, y: self.errand.goal.y }
    }
}

fn points(path: &[Pose]) -> Vec<Point> {
    path.iter().map(|pose| pose.point()).collect()
}
