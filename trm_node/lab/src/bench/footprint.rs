//! How long the exact cost-to-go over positions and headings takes for a robot with a footprint: a whole window anew, after the
//! robot has moved by a cell, and after an obstacle has come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use trm_config::{GridConfig, MotionModel, PlannerConfig};
use trm_grid::cost::LETHAL;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_lattice::field::Field;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::State;
use trm_lattice::level::Level;
use trm_lattice::seed::Seed;
use trm_planner::robot::Robot;

use crate::bench::progress_bar::show_share;
use crate::bench::sample_times::SampleTimes;
use crate::bench::setting::BenchSetting;
use crate::worlds::generators::WorldKind;
use crate::worlds::random::Random;
use crate::worlds::world::World;

/// A car of 0.62 m x 0.9 m.
const CAR: &str = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]";
/// Its turning radius, in metres.
const RADIUS: f64 = 0.5;
/// Metres per cell.
const RESOLUTION: f64 = 0.05;
const HEADINGS: Headings = Headings::H16;
/// Sides of windows, in cells.
const WINDOWS: [usize; 2] = [64, 128];
/// Sides of the world, in windows.
const ROOM: usize = 3;
/// Sides of the obstacle, in cells.
const OBSTACLE: usize = 3;
/// Each time is the least of so many runs of the same work: what else the machine does counts less.
const RUNS: usize = 3;
/// Usual duration of each case, in seconds.
const SECONDS: f64 = 1.0;
/// Worlds at least.
const LEAST: usize = 4;
/// Worlds that are tried at most for these: in some the goal is in a box.
const TRIES: usize = 100;

/// Times of fields over one size of window in one kind of world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldTimes {
    /// Cells a side.
    pub window: u64,
    /// Headings a cell.
    pub headings: u64,
    /// Whether boxes stand in the world.
    pub has_boxes: bool,
    /// The instructions that were used.
    pub level: String,
    /// The whole window: which motions are open, and the cost-to-go.
    pub cold_us: SampleTimes,
    /// After the window has moved by one cell.
    pub moved_us: SampleTimes,
    /// After an obstacle of 3 x 3 cells has come.
    pub obstacle_us: SampleTimes,
    /// Share of the two that kept what still held.
    pub warm: f64,
}

impl FieldTimes {
    /// The case in words.
    pub fn name(&self) -> String {
        let world = if self.has_boxes { "boxes" } else { "empty" };
        format!("{0} × {0} / {1}, {world}", self.window, self.headings)
    }
}

/// Measures every case.
///
/// # Errors
/// If the robot's motions can't be laid on the cells, which shouldn't happen.
pub fn measure(setting: &BenchSetting, bar: &ProgressBar) -> anyhow::Result<Vec<FieldTimes>> {
    let grid = GridConfig { footprint: CAR.parse().ok(), ..setting.config.grid.clone() };
    let planner =
        PlannerConfig { motion_model: MotionModel::Car, minimum_turning_radius: RADIUS, ..PlannerConfig::default() };
    let robot = Robot::of(&grid, &planner).ok_or_else(|| anyhow::anyhow!("no footprint"))?;
    let lattice = Arc::new(robot.lattice(RESOLUTION, HEADINGS)?);
    let cases: Vec<(usize, bool)> = WINDOWS.iter().flat_map(|size| [true, false].map(|boxes| (*size, boxes))).collect();
    let mut measured = Vec::new();
    for (number, (window, has_boxes)) in cases.iter().enumerate() {
        let mut course = Course {
            field: Field::new(lattice.clone(), *window, Travel::new(&grid))?,
            random: Random::new(setting.seed),
            cold: Vec::new(),
            moved: Vec::new(),
            obstacle: Vec::new(),
            warm: 0,
        };
        let (began, duration) = (Instant::now(), setting.part_duration(SECONDS));
        let mut worlds = 0;
        while (course.cold.len() < LEAST && worlds < TRIES) || began.elapsed() < duration {
            course.world(*has_boxes);
            worlds += 1;
            let share = began.elapsed().as_secs_f64() / duration.as_secs_f64();
            show_share(bar, (number as f64 + share.min(1.0)) / cases.len() as f64);
        }
        measured.push(course.times(*window, *has_boxes));
    }
    Ok(measured)
}

/// What one case is measured with, and the times so far.
struct Course {
    field: Field,
    random: Random,
    cold: Vec<Duration>,
    moved: Vec<Duration>,
    obstacle: Vec<Duration>,
    warm: usize,
}

impl Course {
    /// One world: cold, moved by a cell, and with an obstacle. One whose goal can't be stood at is skipped.
    fn world(&mut self, has_boxes: bool) {
        let size = self.field.size();
        let side = ROOM * size;
        let mut world =
            if has_boxes { WorldKind::Boxes.generate(side, &mut self.random) } else { World::new(side, false) };
        let mut place = |room: usize| Cell::new(self.random.below(room) as i32, self.random.below(room) as i32);
        let (first, goal, obstacle) = (place(size), place(size - 8), place(size - OBSTACLE));
        let corner = Cell::new(first.col + size as i32 / 2, first.row + size as i32 / 2);
        let goal = Cell::new(corner.col + goal.col + 4, corner.row + goal.row + 4);
        let seeds = seeds(goal, self.random.below(HEADINGS.count()));
        let cold = self.solve(&world, corner, &seeds, true);
        let Some((cold, _)) = cold else { return };
        let next = Cell::new(corner.col + self.random.below(3) as i32 - 1, corner.row + 1);
        let Some((moved, kept)) = self.solve(&world, next, &seeds, false) else { return };
        let (col, row) = ((next.col + obstacle.col) as usize, (next.row + obstacle.row) as usize);
        world.fill(row..row + OBSTACLE, col..col + OBSTACLE, true);
        let Some((changed, still_kept)) = self.solve(&world, next, &seeds, false) else { return };
        self.cold.push(cold);
        self.moved.push(moved);
        self.obstacle.push(changed);
        self.warm += usize::from(kept) + usize::from(still_kept);
    }

    /// The time that loading a window and solving it takes, and whether what held was kept; `None` if no seed can be stood
    /// at.
    fn solve(&mut self, world: &World, corner: Cell, seeds: &[Seed], is_cold: bool) -> Option<(Duration, bool)> {
        let side = 0..world.side as i32;
        let cost = |Cell { col, row }: Cell| {
            let is_inside = side.contains(&col) && side.contains(&row);
            is_inside.then(|| if world.is_blocked(row as usize, col as usize) { LETHAL } else { 0 })
        };
        let mut least = Duration::MAX;
        let mut last = None;
        for _ in 0..RUNS {
            let mut field = self.field.clone();
            let began = Instant::now();
            field.load(corner, cost);
            if is_cold {
                field.forget();
            }
            let solution = field.solve(seeds, &mut || true);
            least = least.min(began.elapsed());
            last = Some((field, solution));
        }
        let (field, solution) = last?;
        self.field = field;
        (solution.seeds > 0).then_some((least, solution.is_warm))
    }

    fn times(&self, window: usize, has_boxes: bool) -> FieldTimes {
        FieldTimes {
            window: window as u64,
            headings: HEADINGS.count() as u64,
            has_boxes,
            level: Level::available().first().map_or("portable", |level| level.name()).to_owned(),
            cold_us: SampleTimes::of(&self.cold),
            moved_us: SampleTimes::of(&self.moved),
            obstacle_us: SampleTimes::of(&self.obstacle),
            warm: self.warm as f64 / (2 * self.cold.len()).max(1) as f64,
        }
    }
}

/// The cells around a goal with the headings near one: what a planner plans to.
fn seeds(goal: Cell, heading: usize) -> Vec<Seed> {
    let cells = (-1..=1).flat_map(|row: i32| (-1..=1).map(move |col: i32| (col, row)));
    let turned = |turn: i32| (heading as i32 + turn).rem_euclid(HEADINGS.count() as i32) as u8;
    let seed = |(col, row): (i32, i32), turn: i32| Seed {
        state: State { cell: Cell::new(goal.col + col, goal.row + row), heading: turned(turn) },
        cost: (5 * turn.abs() + 4 * col.abs() + 3 * row.abs()) as u16,
    };
    cells.flat_map(|cell| (-2..=2).map(move |turn| seed(cell, turn))).collect()
}
