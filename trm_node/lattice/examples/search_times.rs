//! Prints how long searches over whole maps take, how many succeed, and how long their paths are, for four robots, on maps
//! as they are and with 300 table legs of one cell.
//!
//! `cargo run --release -p trm_lattice --example search_times -- tests/maps 40` plans 40 pairs on each map. A third number
//! is the greed (1.5); a fourth says with how many of the pairs of each map a search without greed over 32 headings is compared
//! (2).

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use trm_config::footprint::Footprint;
use trm_config::{GridConfig, GridKind, MotionModel};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_lattice::blocked::Blocked;
use trm_lattice::clearance::Clearance;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::Lattice;
use trm_lattice::map_field::MapField;
use trm_lattice::motion::Motion;
use trm_lattice::path::PathPose;
use trm_lattice::pose::CellPose;
use trm_lattice::search::{Outcome, Request, Search, World};
use trm_lattice::shorten::Shortener;

/// Room of a search, in states.
const ROOM: usize = 1_000_000;
/// Table legs that are added to a map.
const LEGS: usize = 300;

/// Name, outline in metres, model, turning radius in metres.
const ROBOTS: [(&str, &str, MotionModel, f64); 4] = [
    ("forklift", "[[2, 0.6], [-0.4, 0.6], [-0.4, -0.6], [2, -0.6]]", MotionModel::Car, 1.5),
    ("car", "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]", MotionModel::Car, 0.5),
    ("rectangle", "[[0.45, 0.31], [-0.45, 0.31], [-0.45, -0.31], [0.45, -0.31]]", MotionModel::Diff, 0.0),
    (
        "octagon",
        "[[0.22, 0.09], [0.09, 0.22], [-0.09, 0.22], [-0.22, 0.09], [-0.22, -0.09], [-0.09, -0.22], [0.09, -0.22], [0.22, -0.09]]",
        MotionModel::Omni,
        0.0,
    ),
];

/// Numbers that look random.
struct Draw(u64);

impl Draw {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }

    fn pose(&mut self, map: &Costmap) -> CellPose {
        let (width, height) = (f64::from(map.geometry().width()), f64::from(map.geometry().height()));
        CellPose::new(self.share() * width, self.share() * height, (2.0 * self.share() - 1.0) * std::f64::consts::PI)
    }
}

/// What was measured, by name.
#[derive(Default)]
struct Figures(BTreeMap<&'static str, Vec<f64>>);

impl Figures {
    fn add(&mut self, name: &'static str, value: f64) {
        self.0.entry(name).or_default().push(value);
    }

    fn print(&mut self) {
        for (name, values) in &mut self.0 {
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            println!(
                "    {name:<38} n {:4}  p50 {:9.3}  p95 {:9.3}  p99 {:9.3}  max {:9.3}",
                values.len(),
                at(0.5),
                at(0.95),
                at(0.99),
                at(1.0)
            );
        }
    }
}

/// The searches of one robot.
struct Robot {
    name: &'static str,
    /// In metres.
    inscribed_radius: f64,
    lattice: Arc<Lattice>,
    fine: Arc<Lattice>,
    search: Search,
    fine_search: Search,
    shortener: Shortener,
    field: Option<MapField>,
    /// How many paths are still to be compared with those of the fine lattice.
    compared: usize,
}

impl Robot {
    fn new(
        (name, outline, model, radius): (&'static str, &str, MotionModel, f64),
        resolution: f64,
        compared: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let footprint = outline.parse::<Footprint>()?.padded(0.01);
        let motion = Motion {
            model,
            turning_radius: radius / resolution,
            allow_reverse: true,
            reverse_penalty: 2.0,
            non_straight_penalty: 1.2,
            change_penalty: 0.0,
            turning_cost: 3.0,
        };
        let lattice = Arc::new(Lattice::new(&footprint, resolution, motion, Headings::H16)?);
        let fine = Arc::new(Lattice::new(&footprint, resolution, motion, Headings::H32)?);
        let travel = Travel::new(&GridConfig { cost_travel_multiplier: 0.0, ..GridConfig::default() });
        let (search, fine_search) = (Search::with_room(&lattice, travel, ROOM), Search::with_room(&fine, travel, ROOM));
        Ok(Self {
            name,
            inscribed_radius: footprint.inscribed_radius(),
            lattice,
            fine,
            search,
            fine_search,
            shortener: Shortener::with_room(20_000),
            field: None,
            compared,
        })
    }

    /// Plans one pair and notes what it took.
    fn plan(
        &mut self,
        map: &Costmap,
        blocked: &Blocked,
        guidance: &Guidance,
        request: &Request,
        figures: &mut Figures,
    ) {
        self.plan_with_poses(map, blocked, guidance, request, figures);
        let weight = |_: Cell| 1.0;
        let world = World {
            lattice: &self.lattice,
            blocked,
            weight,
            cost_to_go: |cell| guidance.cost_to_go(cell),
            poses: None,
        };
        let (begin, since) = (cpu_ms(), Instant::now());
        let outcome = self.search.run(&world, request, &mut || true);
        figures.add("search (ms of CPU)", cpu_ms() - begin);
        figures.add("search (ms)", since.elapsed().as_secs_f64() * 1e3);

        figures.add("expansions", f64::from(self.search.expansions()));
        let name = match outcome {
            Outcome::Found(_) => "found",
            Outcome::None => "proven: no path",
            Outcome::NoStart | Outcome::NoEnd => "no way from the start or to the goal",
            Outcome::Interrupted | Outcome::OutOfRoom => "out of room",
        };
        figures.add(name, 1.0);
        let clearance = Clearance::new(self.lattice.outline(), blocked);
        let mut path = Vec::with_capacity(20_000);
        if !matches!(outcome, Outcome::Found(_)) || !self.search.path(&self.lattice, &mut path) {
            return;
        }
        let flat = f64::from(guidance.cost_to_go(request.start.at().cell())).max(1.0);
        figures.add("length over 2-D, found", length(&path) / flat);
        let (begin, since) = (cpu_ms(), Instant::now());
        self.shortener.shorten(&mut path, self.lattice.motion(), &clearance, weight, &mut || true);
        figures.add("shortening (ms of CPU)", cpu_ms() - begin);
        figures.add("shortening (ms)", since.elapsed().as_secs_f64() * 1e3);
        figures.add("length over 2-D, shortened", length(&path) / flat);
        let Some(left) = self.compared.checked_sub(1) else { return };
        self.compared = left;
        let world = World {
            lattice: &self.fine,
            blocked,
            weight,
            cost_to_go: |cell| 0.92 * guidance.cost_to_go(cell),
            poses: None,
        };
        let mut fine = Vec::with_capacity(20_000);
        let found = self.fine_search.run(&world, &Request { greed: 1.0, ..*request }, &mut || true);
        if matches!(found, Outcome::Found(_)) && self.fine_search.path(&self.fine, &mut fine) {
            let cost = |path: &[PathPose]| {
                let mut tariff = trm_lattice::tariff::Tariff::new(self.fine.motion(), weight);
                path.iter().fold(0.0, |_, pose| tariff.add(*pose))
            };
            figures.add("cost over fine optimum, shortened", cost(&path) / cost(&fine).max(1.0));
            figures.add("length over fine optimum, shortened", length(&path) / length(&fine).max(1.0));
        }
    }
}

impl Robot {
    /// The same with guidance over headings.
    fn plan_with_poses(
        &mut self,
        map: &Costmap,
        blocked: &Blocked,
        guidance: &Guidance,
        request: &Request,
        figures: &mut Figures,
    ) {
        let travel =
            Travel::new(&GridConfig { cost_travel_multiplier: 0.0, allow_unknown: false, ..GridConfig::default() });
        let field = self.field.get_or_insert_with(|| MapField::new(Arc::clone(&self.lattice), map, travel));
        let begin = cpu_ms();
        field.aim(map, request.goal, request.goal_tolerance);
        field.go_on(u16::MAX, &mut || true);
        figures.add("guidance over headings (ms of CPU)", cpu_ms() - begin);
        let poses = field.guidance();
        let weight = |_: Cell| 1.0;
        let cost_to_go = |cell| guidance.cost_to_go(cell);
        let world = World { lattice: &self.lattice, blocked, weight, cost_to_go, poses: Some(&poses) };
        let begin = cpu_ms();
        let outcome = self.search.run(&world, request, &mut || true);
        let took = cpu_ms() - begin;
        if !matches!(outcome, Outcome::Found(_)) {
            return figures.add("guided, no way (ms of CPU)", took);
        }
        figures.add("guided, found (ms of CPU)", took);
        let begin = cpu_ms();
        let mut path = Vec::with_capacity(20_000);
        self.search.path(&self.lattice, &mut path);
        let clearance = Clearance::new(self.lattice.outline(), blocked);
        self.shortener.shorten(&mut path, self.lattice.motion(), &clearance, weight, &mut || true);
        figures.add("guided, shortening (ms of CPU)", cpu_ms() - begin);
    }
}

/// What this thread has had of a CPU, in milliseconds and by ticks of the kernel: other work may run beside it. NaN where
/// Linux doesn't tell.
fn cpu_ms() -> f64 {
    // The kernel adds up at its ticks, and when a thread gives way.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).map_or(f64::NAN, |ns| ns / 1e6)
}

fn length(path: &[PathPose]) -> f64 {
    path.windows(2).map(|pair| pair[0].pose.at().distance(pair[1].pose.at())).sum()
}

fn maps(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(maps(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("a folder of maps is needed")?;
    let pairs: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let greed: f32 = arguments.next().map_or(Ok(1.5), |text| text.parse())?;
    let compared: usize = arguments.next().map_or(Ok(2), |text| text.parse())?;
    for robot in ROBOTS {
        for legs in [0, LEGS] {
            println!("{}, {legs} table legs, greed {greed}", robot.0);
            let mut all = Figures::default();
            for file in maps(Path::new(&folder))? {
                let grid = trm_grid::map_file::load(&file)?;
                let mut robot = Robot::new(robot, grid.geometry().resolution(), compared)?;
                plan_map(&mut robot, &grid, legs, pairs, greed, &mut all);
            }
            all.print();
        }
    }
    Ok(())
}

/// Plans random pairs on a map.
fn plan_map(robot: &mut Robot, grid: &OccupancyGrid, legs: usize, pairs: usize, greed: f32, all: &mut Figures) {
    let mut draw = Draw(7);
    let geometry = *grid.geometry();
    let mut data = grid.data().to_vec();
    for _ in 0..legs {
        let at = (draw.share() * data.len() as f64) as usize;
        data[at] = if data[at] == 0 { 100 } else { data[at] };
    }
    let Ok(grid) = OccupancyGrid::new(geometry, data) else { return };

    let config = GridConfig {
        robot_radius: robot.inscribed_radius,
        cost_travel_multiplier: 0.0,
        allow_unknown: false,
        ..GridConfig::default()
    };
    let map = build(&config, GridKind::Map, grid);
    let blocked = Blocked::new(&map, false);
    let (mut planned, mut tried) = (0, 0);
    while planned < pairs && tried < 5 * pairs {
        let clearance = Clearance::new(robot.lattice.outline(), &blocked);
        let is_free = |pose: &CellPose| map.is_free(pose.at().cell(), false) && clearance.is_clear_at(*pose);
        let goal = std::iter::repeat_with(|| draw.pose(&map)).take(10_000).find(is_free);
        let Some(goal) = goal else { break };
        tried += 1;
        let guidance = Guidance::compute(&map, goal.at().cell(), Travel::new(&config), &|| false);
        let Some(guidance) = guidance else { continue };
        let is_reached = |pose: &CellPose| is_free(pose) && guidance.cost_to_go(pose.at().cell()).is_finite();
        let start = std::iter::repeat_with(|| draw.pose(&map)).take(1000).find(is_reached);
        let Some(start) = start else { continue };
        planned += 1;
        let request = Request { start, goal, start_tolerance: 0.0, goal_tolerance: (1.0, 0.25), greed };
        robot.plan(&map, &blocked, &guidance, &request, all);
    }
    println!("  {} on {} x {}: {planned} pairs of {tried} goals", robot.name, geometry.width(), geometry.height());
}
