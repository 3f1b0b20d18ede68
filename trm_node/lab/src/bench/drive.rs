//! A robot that drives over a map along its newest path, from one random goal to the next, and plans at every tick. Its
//! threads and its time are real, since they are what is measured; `trm drive` has simulated time, and a body.

use std::time::{Duration, Instant};

use anyhow::bail;
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Rect;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::bundle::Bundle;
use trm_planner::ask::Settings;
use trm_planner::guided::Guided;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::halt::predictor::Predictor;
use trm_planner::{Planner, Request};
use trm_rt::usage::Usage;

use crate::bench::planners;
use crate::bench::request::pose_in;
use crate::bench::setting::BenchSetting;
use crate::bench::tick::{Tick, TickContext};
use crate::bench::tick_kind::TickKind;
use crate::guidance_thread::GuidanceThread;
use crate::worlds::obstacles::Obstacles;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// The robot gives up a goal after so many seconds without moving: obstacles may block the only way to it.
const PATIENCE_S: f64 = 10.0;
/// How often another goal is drawn, until one can be reached.
const GOAL_TRIES: usize = 100;

/// A robot on a map, with its planner.
pub struct Drive {
    obstacles: Obstacles,
    /// The planner's copy of the costs.
    costmap: Costmap,
    regions: Regions,
    planner: Planner,
    guidance_thread: GuidanceThread,
    guided: Option<Box<Guided>>,
    publish_time: Predictor,
    random: Random,
    deadline: Duration,
    /// Metres per second.
    speed: f64,
    /// Metres from the goal at which it is reached.
    goal_reached: f64,
    robot: Pose,
    goal: Cell,
    /// The last "published" path.
    path: Vec<Pose>,
    /// Seconds since the robot moved.
    stuck: f64,
    ticks: u64,
    /// The robot's cell at the last plan.
    previous_cell: Option<Cell>,
    /// Whether costs in the window have changed since the last plan.
    has_changed: bool,
}

impl Drive {
    /// A robot at a random place on a map.
    ///
    /// # Errors
    /// If the bundle can't be run on the window, or hardly any cells of the map can reach each other.
    pub fn new(
        setting: &BenchSetting,
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
        let mut planner = planners::planner(setting, &setting.config, bundle, clock)?;
        planner.prepare(&costmap);
        let settings = Settings::new(&setting.config.grid, &setting.config.planner);
        let mut guidance_thread = GuidanceThread::start(costmap.clone(), settings, *clock);
        guidance_thread.set_goal(pose_in(goal, costmap.geometry()), pose_in(start, costmap.geometry()));
        Ok(Self {
            path: Vec::with_capacity(4 * (costmap.geometry().width() + costmap.geometry().height()) as usize),
            obstacles,
            regions,
            planner,
            guidance_thread,
            guided: None,
            publish_time: Predictor::new(setting.config.planner.time_quantile),
            random,
            deadline: setting.deadline(),
            speed: setting.speed,
            goal_reached: setting.config.node.goal_reached_tolerance,
            robot: pose_in(start, costmap.geometry()),
            goal,
            stuck: 0.0,
            ticks: 0,
            previous_cell: None,
            has_changed: false,
            costmap,
        })
    }

    /// The map's cells along x and y, and metres per cell.
    pub const fn size(&self) -> (u32, u32, f64) {
        let geometry = self.costmap.geometry();
        (geometry.width(), geometry.height(), geometry.resolution())
    }

    /// Waits for guidance to the first goal, so that the first tick that counts has it.
    pub fn wait_for_guidance(&mut self, patience: Duration) {
        let began = Instant::now();
        while self.guided.is_none() && began.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(2));
            self.guidance_thread.refresh(&mut self.guided);
        }
    }

    fn goal_pose(&self) -> Pose {
        pose_in(self.goal, self.costmap.geometry())
    }

    /// Plans for a tick and "publishes" the path: copies it to where the robot reads it.
    pub fn plan(&mut self, tick: Duration, clock: &Instant) -> Tick {
        let woke = clock.now();
        // What comes from the thread beside plans costs allocations here, and none in the node.
        self.guidance_thread.refresh(&mut self.guided);
        let before = Usage::of_this_thread();
        let publishing = self.publish_time.predicted().min(self.deadline / 2);
        let deadline = (tick + self.deadline).saturating_sub(publishing);
        let request = Request { start: self.robot, goal: self.goal_pose(), arrived: tick, deadline, epoch: None };
        let outcome = self.planner.plan(&self.costmap, self.guided.as_deref(), &request, clock);
        let planned = clock.now();
        let report = outcome.report;
        self.path.clear();
        let (result, length) = match outcome.path {
            Ok(path) => {
                self.path.extend_from_slice(path.poses());
                ("SUCCEEDED", path.length())
            }
            Err(error) => (error.nav2_name(), 0.0),
        };
        let done = clock.now();
        let publish = done.saturating_sub(planned);
        self.publish_time.record(publish);
        let context = TickContext {
            wake: woke.saturating_sub(tick),
            publish,
            total: done.saturating_sub(tick),
            deadline: self.deadline,
            usage: Usage::of_this_thread().since(before),
        };
        self.ticks += 1;
        let kind = self.kind(report.warm);
        Tick::new(self.ticks, result.into(), &report, kind, context, length)
    }

    fn kind(&mut self, is_warm: bool) -> TickKind {
        let cell = self.costmap.geometry().nearest_cell(self.robot.point());
        let has_moved = self.previous_cell.replace(cell) != Some(cell);
        let has_changed = std::mem::take(&mut self.has_changed);
        match (is_warm, has_changed, has_moved) {
            (false, ..) => TickKind::Cold,
            (_, true, _) => TickKind::Obstacle,
            (_, _, true) => TickKind::Moved,
            _ => TickKind::Still,
        }
    }

    /// Moves the robot and the obstacles by the time between two ticks.
    ///
    /// # Errors
    /// If an update of the map is refused, which shouldn't happen.
    pub fn advance(&mut self, time: Duration) -> anyhow::Result<()> {
        let seconds = time.as_secs_f64();
        let driven = self.follow_path(seconds * self.speed);
        self.stuck = if driven > 0.0 { 0.0 } else { self.stuck + seconds };
        let cell = self.costmap.geometry().nearest_cell(self.robot.point());
        let window = self.planner.window(cell, self.costmap.geometry());
        let (costmap, guidance_thread, has_changed) = (&mut self.costmap, &self.guidance_thread, &mut self.has_changed);
        self.obstacles.go_on(seconds, (cell, self.goal), &self.path, &mut self.random, |change| {
            *has_changed |= window.is_some_and(|window| overlap(&window, change.rect()));
            costmap.apply(&change);
            guidance_thread.change(change);
        })?;
        if self.robot.point().distance(self.goal_pose().point()) <= self.goal_reached || self.stuck > PATIENCE_S {
            self.choose_goal(cell);
        }
        Ok(())
    }

    /// Moves the robot along its path by `distance` metres, or to the path's end. Gives how far it drove.
    fn follow_path(&mut self, distance: f64) -> f64 {
        let mut left = distance;
        for pose in &self.path {
            let to_pose = self.robot.point().distance(pose.point());
            if to_pose > left {
                let share = left / to_pose;
                self.robot.x += share * (pose.x - self.robot.x);
                self.robot.y += share * (pose.y - self.robot.y);
                self.robot.yaw = pose.yaw;
                return distance;
            }
            self.robot = *pose;
            left -= to_pose;
        }
        distance - left
    }

    fn choose_goal(&mut self, robot: Cell) {
        let from = self.costmap.geometry().index(robot);
        let goal = (0..GOAL_TRIES).find_map(|_| {
            let (_, goal) = self.regions.any_pair(&self.costmap, &mut self.random)?;
            let to = self.costmap.geometry().index(goal)?;
            let is_reachable = from.is_some_and(|from| self.regions.are_joined(from, to));
            (is_reachable && self.costmap.is_free(goal, false)).then_some(goal)
        });
        self.stuck = 0.0;
        if let Some(goal) = goal {
            self.goal = goal;
            if let Some(old) = self.guided.take() {
                self.guidance_thread.discard(old);
            }
            self.guidance_thread.set_goal(self.goal_pose(), self.robot);
        }
    }
}

/// Whether a window and a rectangle have cells in common.
const fn overlap(window: &Window, rect: Rect) -> bool {
    let (corner, size) = (window.corner(), window.size() as i32);
    rect.col < corner.col + size
        && rect.row < corner.row + size
        && rect.col + rect.width as i32 > corner.col
        && rect.row + rect.height as i32 > corner.row
}
