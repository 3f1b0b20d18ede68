//! Draws what is planned in: a grid, a robot, the parameters, a model, a clock, and the requests.

use trm_config::{Config, GridKind};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::{CellPoint, Pose};

use crate::campaign::backends::Opinion;
use crate::judge::raw_map::RawMap;
use crate::worlds::generators::WorldKind;
use crate::worlds::random::Random;

/// Every kind of world.
const KINDS: [WorldKind; 9] = [
    WorldKind::Noise,
    WorldKind::Boxes,
    WorldKind::Rooms,
    WorldKind::Maze,
    WorldKind::Discs,
    WorldKind::Walls,
    WorldKind::Lattice,
    WorldKind::Caves,
    WorldKind::Shelves,
];

/// Which model plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brain {
    Released,
    Cheap(Opinion),
}

/// A drawn world.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub config: Config,
    pub kind: GridKind,
    pub geometry: Geometry,
    pub values: Vec<i8>,
    pub brain: Brain,
    /// Nanoseconds that pass with each reading of the clock.
    pub tick: u64,
    /// Nanoseconds from a request to its deadline.
    pub deadline: u64,
    /// Number of plans.
    pub plans: usize,
    pub is_guided: bool,
}

impl Drawn {
    /// The world of a generator of random numbers.
    pub fn new(random: &mut Random) -> Self {
        let (width, height, values) = values(random);
        let resolution = match random.below(4) {
            0 => 0.05,
            1 => [0.025, 0.1, 0.2, 0.5][random.below(4)],
            _ => random.number(0.02, 0.3),
        };
        let spread = [1.0, 10.0, 1000.0][random.below(3)];
        let yaw = if random.chance(0.3) { 0.0 } else { random.number(-4.0, 4.0) };
        let origin = Pose::new(random.number(-spread, spread), random.number(-spread, spread), yaw);
        let geometry = Geometry::new(width as u32, height as u32, resolution, origin).expect("legal numbers");
        let is_tight = random.chance(0.1);
        Self {
            config: config(random, resolution),
            kind: if random.chance(0.2) { GridKind::Costmap } else { GridKind::Map },
            geometry,
            values,
            brain: brain(random),
            tick: if is_tight || random.chance(0.3) { random.whole(1..5000) as u64 } else { 0 },
            deadline: if is_tight { random.whole(0..3_000_000) as u64 } else { 1_000_000_000_000 },
            plans: random.whole(1..5),
            is_guided: random.chance(0.6),
        }
    }

    /// Whether the deadline may pass.
    pub const fn is_tight(&self) -> bool {
        self.deadline < 1_000_000_000_000
    }
}

fn brain(random: &mut Random) -> Brain {
    match random.below(32) {
        0 => Brain::Released,
        1..8 => Brain::Cheap(Opinion::None),
        8..14 => Brain::Cheap(Opinion::Stubborn(random.below(9))),
        14 => Brain::Cheap(Opinion::Broken([f32::NAN, f32::INFINITY, f32::NEG_INFINITY][random.below(3)].to_bits())),
        _ => Brain::Cheap(Opinion::Random),
    }
}

fn config(random: &mut Random, resolution: f64) -> Config {
    // In cells, now and then a whole number of them.
    let cells = |random: &mut Random, most: f64| {
        let number = random.number(0.0, most);
        (if random.chance(0.2) { number.round() } else { number }) * resolution
    };
    let wide = if random.chance(0.2) { 5.0 } else { 1.5 };
    Config::with(|config| {
        let (grid, planner) = (&mut config.grid, &mut config.planner);
        grid.robot_radius = if random.chance(0.4) { 0.0 } else { cells(random, wide) };
        grid.inflation_radius = if random.chance(0.4) { 0.0 } else { cells(random, 10.0) };
        grid.cost_scaling_factor = random.number(0.0, 20.0);
        grid.cost_travel_multiplier = if random.chance(0.2) { 0.0 } else { random.number(0.0, 3.0) };
        grid.occupied_threshold = if random.chance(0.5) { 65 } else { random.whole(1..101) as i64 };
        grid.allow_unknown = random.chance(0.4);
        planner.tolerance = if random.chance(0.3) { 0.0 } else { cells(random, 8.0) };
        planner.start_tolerance = if random.chance(0.2) { 0.0 } else { cells(random, 6.0) };
        planner.allow_fallback = random.chance(0.9);
        planner.smooth = random.chance(0.8);
        planner.window_size = if random.chance(0.8) { 32 } else { 64 };
        planner.max_steps = [0, 1, 1, 2, 4, 8][random.below(6)];
        planner.max_expansions = [1, 20, 400][random.below(3)];
        planner.warm_start = random.chance(0.8);
        planner.skip_threshold = [0.0, 0.1][random.below(2)];
        planner.stop_settled = random.chance(0.7);
        planner.stop_verified = random.chance(0.7);
        planner.turn_when_stuck = random.chance(0.7);
    })
}

/// Sides in cells and occupancy: most worlds are small.
fn values(random: &mut Random) -> (usize, usize, Vec<i8>) {
    let side = match random.below(200) {
        0 => random.whole(120..201),
        1..12 => random.whole(64..120),
        12..60 => random.whole(32..64),
        _ => random.whole(8..32),
    };
    let scale = [1, 1, 1, 2, 3][random.below(5)];
    let world = KINDS[random.below(KINDS.len())].generate(side.div_ceil(scale).max(8), random);
    let side = (world.side * scale).min(side);
    let width = if random.chance(0.5) { side } else { random.whole(8..side + 1) };
    let (unknown, dirt) = ([0.0, 0.0, 0.02, 0.2][random.below(4)], [0.0, 0.0, 0.01, 0.3][random.below(4)]);
    let any = |random: &mut Random| random.below(102) as i8 - 1;
    let is_noise = random.chance(0.05);
    let mut values = Vec::with_capacity(width * side);
    for row in 0..side {
        for col in 0..width {
            values.push(if is_noise || random.chance(dirt) {
                any(random)
            } else if random.chance(unknown) {
                -1
            } else if world.is_blocked(row / scale, col / scale) {
                100
            } else {
                0
            });
        }
    }
    if random.chance(0.3) {
        let (cols, rows) = (random.below(width), random.below(side));
        let (right, top) = (random.whole(cols..width) + 1, random.whole(rows..side) + 1);
        for row in rows..top.min(rows + 12) {
            values[row * width + cols..row * width + right.min(cols + 12)].fill(-1);
        }
    }
    (width, side, values)
}

/// A pose to begin or to end at: mostly in a free cell, sometimes anywhere, on a border, or nowhere.
pub fn pose(random: &mut Random, map: &RawMap, geometry: &Geometry) -> Pose {
    let (width, height) = map.size();
    let cell = |random: &mut Random| (random.below(width as usize) as i32, random.below(height as usize) as i32);
    let (col, row) = match random.below(100) {
        0 => {
            let bad = [f64::NAN, f64::INFINITY, 1e300, -1e9][random.below(4)];
            return if random.chance(0.5) { Pose::new(bad, 0.0, 0.0) } else { Pose::new(0.0, bad, 0.0) };
        }
        1..4 => ([-0.5, f64::from(width) - 0.5][random.below(2)], random.number(-0.5, f64::from(height) - 0.5)),
        4..9 => {
            let (col, row) = cell(random);
            (f64::from(col) - 0.5, if random.chance(0.5) { f64::from(row) - 0.5 } else { f64::from(row) })
        }
        9..20 => (random.number(-1.5, f64::from(width) + 0.5), random.number(-1.5, f64::from(height) + 0.5)),
        _ => {
            let mut at = cell(random);
            for _ in 0..8 {
                if map.is_surely(at.0, at.1, |class| map.is_free(class)) {
                    break;
                }
                at = cell(random);
            }
            let off = if random.chance(0.3) { 0.0 } else { 0.5 };
            (f64::from(at.0) + random.number(-off, off + 1e-300), f64::from(at.1) + random.number(-off, off + 1e-300))
        }
    };
    let point = geometry.to_point(CellPoint::new(col, row));
    Pose::new(point.x, point.y, random.number(-4.0, 4.0))
}

/// A change of the grid: a rectangle that becomes occupied, free, unknown or a mixture.
pub fn patch(random: &mut Random, map: &RawMap) -> (Rect, Vec<i8>) {
    let (width, height) = map.size();
    let (col, row) = (random.below(width as usize), random.below(height as usize));
    let across = random.whole(1..13).min(width as usize - col);
    let up = random.whole(1..13).min(height as usize - row);
    let rect = Rect { col: col as i32, row: row as i32, width: across as u32, height: up as u32 };
    let choice = random.below(4);
    let values = (0..across * up).map(|_| match choice {
        0 => 100,
        1 => 0,
        2 => -1,
        _ => random.below(102) as i8 - 1,
    });
    (rect, values.collect())
}
