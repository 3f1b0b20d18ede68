//! `trm plan`: one plan, or one for each line of a file.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use trm_config::Config;
use trm_config::GridKind;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_planner::PlanError;
use trm_planner::endpoints::GoalArea;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::target::guide;
use trm_planner::watch::Watch;
use trm_planner::{Planner, Request};

use crate::plan_answer::PlanAnswer;
use trm_grid::map_file;
use trm_lab::args::{bundle, finite, pose, with_flag};
use trm_lab::guidance_thread::GuidanceThread;
use trm_lab::worlds::optimum::optimum;

use crate::args::PlanArgs;
use crate::output::print;
use crate::render;

/// No path: the answer says why.
const NO_PATH: u8 = 2;

/// Runs `trm plan`.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let config = args.config()?;
    let grid = map_file::load(&args.map)?;
    let bundle = bundle(args.planning.bundle.as_deref())?;
    let mut session = Session::new(config, grid, &bundle)?;
    if let Some(file) = &args.queries {
        for (start, goal) in queries(file)? {
            let answer = session.answer(start, goal, args.optimal);
            print(&serde_json::to_string(&answer)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (start, goal) = (pose(&args.start), pose(&args.goal));
    let answer = session.answer(start, goal, args.optimal);
    if let Some(file) = &args.png {
        let (costmap, window) = (&session.costmap, answer.window);
        let footprint = session.config.grid.outline();
        let picture = render::Picture { costmap, start, goal, path: &answer.poses, window, footprint };
        picture.save(file).with_context(|| format!("--png {}", file.display()))?;
    }
    told(&answer, args.json)
}

/// Prints an answer. The exit code says whether there is a path.
///
/// # Errors
/// When stdout is closed.
pub fn told(answer: &PlanAnswer, json: bool) -> anyhow::Result<ExitCode> {
    print(&if json { serde_json::to_string(answer)? } else { answer.summary() })?;
    if let Some(reason) = answer.reason.as_ref().filter(|_| !json) {
        eprintln!("trm: {}: {reason}", answer.status);
    }
    Ok(if answer.succeeded() { ExitCode::SUCCESS } else { ExitCode::from(NO_PATH) })
}

/// The lines of a queries file.
fn queries(file: &Path) -> anyhow::Result<Vec<(Pose, Pose)>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("--queries {}", file.display()))?;
    let query = |(number, line): (usize, &str)| {
        let numbers: Result<Vec<f64>, String> = line.split_whitespace().map(finite).collect();
        match numbers.as_deref() {
            Ok([sx, sy, gx, gy]) => Ok((Pose::new(*sx, *sy, 0.0), Pose::new(*gx, *gy, 0.0))),
            Ok(start_and_goal @ [_, _, _, _, _, _]) => Ok((pose(&start_and_goal[..3]), pose(&start_and_goal[3..]))),
            _ => Err(anyhow!("--queries {} line {}: {line:?} is not four or six numbers", file.display(), number + 1)),
        }
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(query).collect()
}

/// A planner that is ready for one map.
pub struct Session {
    pub config: Config,
    pub costmap: Costmap,
    planner: Planner,
    /// Guidance for a robot with a footprint.
    beside: Option<GuidanceThread>,
    clock: Instant,
}

impl Session {
    /// Reads nothing more: everything is prepared.
    ///
    /// # Errors
    /// When the bundle can't be run so.
    pub fn new(config: Config, grid: OccupancyGrid, bundle: &Bundle) -> anyhow::Result<Self> {
        let costmap = build(&config.grid, GridKind::Map, grid);
        let clock = Instant::now();
        let mut planner = Planner::new(&config.grid, &config.planner, bundle, &clock).map_err(with_flag)?;
        planner.prepare(&costmap);
        let beside = planner.is_led_over_headings();
        let beside = beside.then(|| GuidanceThread::start(costmap.clone(), planner.settings(), clock));
        Ok(Self { config, costmap, planner, beside, clock })
    }

    fn answer(&mut self, start: Pose, goal: Pose, optimal: bool) -> PlanAnswer {
        self.answer_watched(start, goal, optimal, &mut |_| {})
    }

    /// The answer to a query, and before it each answer of the model.
    pub fn answer_watched(&mut self, start: Pose, goal: Pose, optimal: bool, watch: &mut Watch) -> PlanAnswer {
        let mut answer = PlanAnswer::new(self.config.node.deadline_ms);
        // Every query stands for itself: nothing is warm.
        self.planner.reset();
        let geometry = self.costmap.geometry();
        let Some(start_cell) = geometry.cell_at(start.point()) else {
            answer.outcome(Err(PlanError::StartOutsideMap(geometry.nearest_cell(start.point()))));
            return answer;
        };
        let travel = Travel::new(&self.config.grid);
        let area = GoalArea::new(geometry, self.config.planner.tolerance, goal.point());
        let area = match area.and_then(|area| area.nearest_free(&self.costmap, travel.allow_unknown).map(|_| area)) {
            Ok(area) => area,
            Err(error) => {
                answer.outcome(Err(error));
                return answer;
            }
        };
        let began = Instant::now();
        let (made, mut guided) = if let Some(beside) = &mut self.beside {
            beside.set_goal(goal, start);
            (None, beside.over_cells())
        } else {
            (guide(&self.costmap, travel, &area, &|| false), None)
        };
        let guidance_time = began.elapsed();
        let guidance = made.as_ref().or(guided.as_ref().map(|guided| &guided.guidance)).map_or(&[][..], Vec::as_slice);
        if optimal {
            let best = guidance.iter().find_map(|guidance| optimum(&self.costmap, guidance, start_cell));
            answer.optimal_length_m = best.map(|best| best.cells * geometry.resolution());
        }

        let arrived = self.clock.now();
        let deadline = arrived + Duration::from_secs_f64(self.config.node.deadline_ms / 1e3);
        let request = Request { start, goal, arrived, deadline, epoch: None };
        let (costmap, clock) = (&self.costmap, &self.clock);
        let (path, report) = if let Some(beside) = &self.beside {
            beside.plan(&mut self.planner, (costmap, &mut guided), &request, clock, watch)
        } else {
            let outcome = self.planner.plan_watched(costmap, guidance, &request, clock, watch);
            (outcome.path.map(|path| (path.poses().to_vec(), path.length())), outcome.report)
        };
        answer.report(&report, guidance_time);
        answer.outcome(path.as_ref().map(|(poses, length)| (&poses[..], *length)).map_err(|error| *error));
        answer
    }
}
