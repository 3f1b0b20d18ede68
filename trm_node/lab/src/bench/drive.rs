//! A robot that drives over a map along its newest path, to one random goal after the other, planning at every tick.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::halt::predictor::Predictor;
use trm_planner::{Planner, Request};
use trm_rt::usage::Usage;

use super::args::Setting;
use super::backend;
use super::guide::Guide;
use super::tick::{Around, Kind, Tick};
use crate::worlds::obstacles::Obstacles;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// A goal to which the robot makes no way for so long is given up, in seconds: obstacles may stand in the only way.
const PATIENCE: f64 = 10.0;

/// Everything of one robot on one map.
pub struct Drive {
    obstacles: Obstacles,
    /// The planner's copy.
    costmap: Costmap,
    regions: Regions,
    planner: Planner,
    guide: Guide,
    guidance: Option<Box<Guidance>>,
    publish_time: Predictor,
    random: Random,
    deadline: Duration,
    /// Metres a second.
    speed: f64,
    goal_reached: f64,
    window: (usize, usize),
    robot: Pose,
    goal: Cell,
    /// The newest path, "published".
    path: Vec<Pose>,
    stuck: f64,
    ticks: u64,
    before: Option<Cell>,
    /// Whether costs in the window have changed since the last plan.
    changed: bool,
}

impl Drive {
    /// A robot somewhere on a map.
    ///
    /// # Errors
    /// When the bundle doesn't work on the window, or hardly any cells of the map can reach each other.
    pub fn new(
        setting: &Setting,
        bundle: &Bundle,
        clock: &Instant,
        map: OccupancyGrid,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut random = Random::new(seed);
        let obstacles = Obstacles::new(&setting.config, map, &mut random);
        let Some(costmap) = obstacles.costmap().cloned() else { bail!("the map has no costs") };
        let regions = Regions::of(&costmap);
        let Some((start, goal)) = regions.any_pair(&costmap, &mut random) else {
            bail!("too few free cells can reach each other");
        };
        let mut planner = backend::planner(setting, &setting.config, bundle, clock)?;
        planner.prepare(&costmap);
        let mut guide = Guide::start(costmap.clone(), setting.travel());
        guide.goal(goal);
        let at = costmap.geometry().center(start);
        Ok(Self {
            path: Vec::with_capacity(4 * (costmap.geometry().width() + costmap.geometry().height()) as usize),
            obstacles,
            regions,
            planner,
            guide,
            guidance: None,
            publish_time: Predictor::new(setting.config.planner.time_quantile),
            random,
            deadline: setting.deadline(),
            speed: setting.speed,
            goal_reached: setting.config.node.goal_reached_tolerance,
            window: (setting.config.planner.window_size as usize, bundle.manifest.architecture.patch),
            robot: Pose::new(at.x, at.y, 0.0),
            goal,
            stuck: 0.0,
            ticks: 0,
            before: None,
            changed: false,
            costmap,
        })
    }

    /// The map's cells along x and y, and metres a cell.
    pub const fn size(&self) -> (u32, u32, f64) {
        let geometry = self.costmap.geometry();
        (geometry.width(), geometry.height(), geometry.resolution())
    }

    /// Waits for guidance to the first goal, as before the first tick of a measurement.
    pub fn wait_for_guidance(&mut self, patience: Duration) {
        let began = std::time::Instant::now();
        while self.guidance.is_none() && began.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(2));
            self.guidance = self.guide.newest();
        }
    }

    fn goal_pose(&self) -> Pose {
        let center = self.costmap.geometry().center(self.goal);
        Pose::new(center.x, center.y, 0.0)
    }

    /// Plans for a tick, and "publishes": the path is copied to where the robot reads it.
    pub fn plan(&mut self, tick: Duration, clock: &Instant) -> Tick {
        let woke = clock.now();
        let before = Usage::of_this_thread();
        if let Some(newest) = self.guide.newest()
            && let Some(old) = self.guidance.replace(newest)
        {
            self.guide.discard(old);
        }
        let publishing = self.publish_time.predicted().min(self.deadline / 2);
        let deadline = (tick + self.deadline).saturating_sub(publishing);
        let request = Request { start: self.robot, goal: self.goal_pose(), arrived: tick, deadline, epoch: None };
        let outcome = self.planner.plan(&self.costmap, self.guidance.as_deref(), &request, clock);
        let planned = clock.now();
        let report = outcome.report;
        let (result, length) = match outcome.path {
            Ok(path) => {
                self.path.clear();
                self.path.extend_from_slice(path.poses());
                ("SUCCEEDED", path.length())
            }
            Err(error) => {
                self.path.clear();
                (error.nav2_name(), 0.0)
            }
        };
        let done = clock.now();
        let publish = done.saturating_sub(planned);
        self.publish_time.record(publish);
        let around = Around {
            wake: woke.saturating_sub(tick),
            publish,
            total: done.saturating_sub(tick),
            deadline: self.deadline,
            usage: Usage::of_this_thread().since(before),
        };
        self.ticks += 1;
        let kind = self.kind(report.warm);
        Tick::new(self.ticks, result.into(), &report, kind, around, length)
    }

    fn kind(&mut self, warm: bool) -> Kind {
        let here = self.costmap.geometry().nearest_cell(self.robot.point());
        let moved = self.before.replace(here) != Some(here);
        let changed = std::mem::take(&mut self.changed);
        match (warm, changed, moved) {
            (false, ..) => Kind::Cold,
            (_, true, _) => Kind::Obstacle,
            (_, _, true) => Kind::Moved,
            _ => Kind::Still,
        }
    }

    /// Lets the world go on for the time between two ticks.
    ///
    /// # Errors
    /// When an update of the map is refused, which it never should be.
    pub fn go_on(&mut self, period: Duration) -> anyhow::Result<()> {
        let seconds = period.as_secs_f64();
        let far = self.follow(seconds * self.speed);
        self.stuck = if far > 0.0 { 0.0 } else { self.stuck + seconds };
        let here = self.costmap.geometry().nearest_cell(self.robot.point());
        let window = Window::around(here, self.costmap.geometry(), self.window.0, self.window.1);
        let (costmap, guide, seen) = (&mut self.costmap, &self.guide, &mut self.changed);
        self.obstacles.go_on(seconds, (here, self.goal), &self.path, &mut self.random, |patch| {
            let rect = patch.rect();
            let (first, last) = (window.corner(), window.size() as i32);
            *seen |= rect.col < first.col + last
                && rect.row < first.row + last
                && rect.col + rect.width as i32 > first.col
                && rect.row + rect.height as i32 > first.row;
            costmap.apply(&patch);
            guide.patch(Arc::new(patch));
        })?;
        if self.robot.point().distance(self.goal_pose().point()) <= self.goal_reached || self.stuck > PATIENCE {
            self.next_goal(here);
        }
        Ok(())
    }

    /// Moves the robot along its path; says how far.
    fn follow(&mut self, far: f64) -> f64 {
        let mut left = far;
        for pose in &self.path {
            let distance = self.robot.point().distance(pose.point());
            if distance > left {
                let share = left / distance;
                self.robot.x += share * (pose.x - self.robot.x);
                self.robot.y += share * (pose.y - self.robot.y);
                self.robot.yaw = pose.yaw;
                return far;
            }
            self.robot = *pose;
            left -= distance;
        }
        far - left
    }

    fn next_goal(&mut self, here: Cell) {
        let at = self.costmap.geometry().index(here);
        let goal = (0..100).find_map(|_| {
            let (_, goal) = self.regions.any_pair(&self.costmap, &mut self.random)?;
            let to = self.costmap.geometry().index(goal)?;
            (at.is_some_and(|at| self.regions.are_joined(at, to)) && self.costmap.is_free(goal, false)).then_some(goal)
        });
        self.stuck = 0.0;
        if let Some(goal) = goal {
            self.goal = goal;
            if let Some(old) = self.guidance.take() {
                self.guide.discard(old);
            }
            self.guide.goal(goal);
        }
    }
}
