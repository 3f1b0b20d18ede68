//! Draws what robots with a footprint plan in: outlines of all shapes, what they can drive, and small worlds with doors and
//! aisles that they just fit through or just don't.

use std::f64::consts::{PI, TAU};

use trm_config::footprint::Footprint;
use trm_config::{Config, GoalHeading, GridConfig, GridKind, MotionModel};
use trm_grid::geometry::Geometry;
use trm_grid::units::{CellPoint, Pose};

use crate::campaign::backends::Opinion;
use crate::campaign::draw::{self, Brain, Drawn};
use crate::judge::driven::Driven;
use crate::judge::raw_map::RawMap;
use crate::worlds::generators::WorldKind;
use crate::worlds::random::Random;

/// Kinds of worlds beside those of walls and legs alone.
const KINDS: [WorldKind; 6] =
    [WorldKind::Noise, WorldKind::Boxes, WorldKind::Rooms, WorldKind::Discs, WorldKind::Caves, WorldKind::Shelves];
/// Outlines that are drawn until one is a simple polygon.
const OUTLINES: usize = 50;
/// Places that are drawn until the robot can stand at one.
const PLACES: usize = 12;

/// The world of a generator of random numbers, for a robot with a footprint.
pub fn drawn(random: &mut Random) -> Drawn {
    let resolution = if random.chance(0.5) { 0.05 } else { random.number(0.02, 0.2) };
    let config = config(random, resolution);
    let width = config.grid.outline().map_or(0.0, |outline| breadth(&outline) / resolution);
    let (cols, rows, values) = values(random, width);
    let yaw = if random.chance(0.3) { 0.0 } else { random.number(-4.0, 4.0) };
    let origin = Pose::new(random.number(-20.0, 20.0), random.number(-20.0, 20.0), yaw);
    let geometry = Geometry::new(cols as u32, rows as u32, resolution, origin).expect("legal numbers");
    let is_tight = random.chance(0.15);
    Drawn {
        config,
        kind: if random.chance(0.2) { GridKind::Costmap } else { GridKind::Map },
        geometry,
        values,
        brain: Brain::Cheap(Opinion::None),
        tick: if is_tight { random.whole(1..5000) as u64 } else { 0 },
        deadline: if is_tight { random.whole(0..3_000_000) as u64 } else { 1_000_000_000_000 },
        plans: random.whole(1..4),
        is_guided: random.chance(0.7),
    }
}

/// The smaller of an outline's length and its width, in metres.
fn breadth(outline: &Footprint) -> f64 {
    let extent = |axis: usize| {
        let values = || outline.corners().iter().map(|corner| corner[axis]);
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    extent(0).min(extent(1))
}

/// A simple polygon of these corners in cells.
fn simple(corners: &[[f64; 2]], resolution: f64) -> Option<Footprint> {
    let metres: Vec<_> = corners.iter().map(|corner| corner.map(|cells| cells * resolution)).collect();
    Footprint::new(&metres).ok()
}

/// An outline: a box whose sides may lie on borders of cells, a star that may be anywhere near its base, a thin bar, an L or a
/// fork.
fn outline(random: &mut Random, resolution: f64) -> Footprint {
    let mut number = |low: f64, high: f64| {
        let number = random.number(low, high);
        if random.chance(0.3) { (2.0 * number).round() / 2.0 } else { number }
    };
    let (front, back, left, right) = (number(0.5, 6.0), number(0.5, 3.0), number(0.5, 3.5), number(0.5, 3.5));
    let notch = (number(-0.4, front - 0.1), number(0.2, 0.9) * left);
    let shift = (number(-3.0, 3.0), number(-2.0, 2.0));
    let corners = || {
        let square = vec![[front, left], [-back, left], [-back, -right], [front, -right]];
        let (x, y) = notch;
        [
            square,
            vec![[front, left], [-back, left], [-back, -right], [x, -right], [x, y], [front, y]],
            vec![
                [front, left],
                [-back, left],
                [-back, -left],
                [front, -left],
                [front, -y],
                [x, -y],
                [x, y],
                [front, y],
            ],
        ]
    };
    for _ in 0..OUTLINES {
        let drawn = match random.below(8) {
            kind @ 0..5 => simple(&corners()[[0, 0, 0, 1, 2][kind]], resolution),
            5 => {
                let (half, length) = (random.number(0.1, 0.5), random.number(2.0, 6.0));
                simple(&[[length, half], [-1.0, half], [-1.0, -half], [length, -half]], resolution)
            }
            _ => {
                let count = random.whole(3..10);
                let (x, y) = if random.chance(0.5) { (0.0, 0.0) } else { shift };
                let corner = |at: usize, radius: f64| {
                    let (sin, cos) = (TAU * at as f64 / count as f64).sin_cos();
                    [x + radius * cos, y + radius * sin]
                };
                let corners: Vec<_> = (0..count).map(|at| corner(at, random.number(0.5, 4.5))).collect();
                simple(&corners, resolution)
            }
        };
        if let Some(outline) = drawn {
            return outline;
        }
    }
    simple(&corners()[0], resolution).expect("a box")
}

fn config(random: &mut Random, resolution: f64) -> Config {
    let footprint = Some(outline(random, resolution));
    let cells = |random: &mut Random, most: f64| random.number(0.0, most) * resolution;
    Config::with(|config| {
        let (grid, planner) = (&mut config.grid, &mut config.planner);
        // A footprint takes the radius's place.
        *grid = GridConfig { footprint, robot_radius: 0.0, ..grid.clone() };
        grid.footprint_padding = if random.chance(0.6) { 0.0 } else { cells(random, 0.5) };
        grid.inflation_radius = if random.chance(0.4) { 0.0 } else { cells(random, 8.0) };
        grid.cost_travel_multiplier = if random.chance(0.4) { 0.0 } else { random.number(0.0, 3.0) };
        grid.unknown_weight = if random.chance(0.5) { 1.0 } else { random.number(1.0, 10.0) };
        grid.allow_unknown = random.chance(0.4);
        planner.tolerance = if random.chance(0.4) { 0.0 } else { cells(random, 6.0) };
        planner.start_tolerance = if random.chance(0.2) { 0.0 } else { cells(random, 6.0) };
        planner.motion_model = [MotionModel::Omni, MotionModel::Diff, MotionModel::Car][random.below(3)];
        planner.minimum_turning_radius = random.number(0.5, 8.0) * resolution;
        planner.allow_reverse = random.chance(0.6);
        planner.reverse_penalty = if random.chance(0.5) { 2.0 } else { random.number(1.0, 5.0) };
        planner.change_penalty = if random.chance(0.6) { 0.0 } else { cells(random, 20.0) };
        planner.non_straight_penalty = if random.chance(0.5) { 1.2 } else { random.number(1.0, 5.0) };
        planner.yaw_goal_tolerance = [0.0, 0.1, 0.25, 1.0, 3.2][random.below(5)];
        planner.goal_heading =
            [GoalHeading::Default, GoalHeading::Default, GoalHeading::Bidirectional, GoalHeading::All][random.below(4)];
    })
}

/// Sides in cells and occupancy: a generated world or an empty one, walls with a door about as wide as the robot's `breadth` in
/// cells, legs of one cell, and unknown cells.
fn values(random: &mut Random, breadth: f64) -> (usize, usize, Vec<i8>) {
    let (width, height) = (random.whole(16..65), random.whole(16..65));
    let mut values = vec![0; width * height];
    if random.chance(0.4) {
        let scale = random.whole(1..5);
        let side = width.max(height).div_ceil(scale).max(8);
        let world = KINDS[random.below(KINDS.len())].generate(side, random);
        for (at, value) in values.iter_mut().enumerate() {
            *value = if world.is_blocked(at / width / scale, at % width / scale) { 100 } else { 0 };
        }
    }
    for _ in 0..random.below(4) {
        wall(random, (width, height), breadth, &mut values);
    }
    for _ in 0..[0, 3, 12, 40][random.below(4)] {
        values[random.below(width * height)] = 100;
    }
    let unknown = [0.0, 0.0, 0.003, 0.05][random.below(4)];
    for value in &mut values {
        if random.chance(unknown) {
            *value = if random.chance(0.8) { -1 } else { random.below(102) as i8 - 1 };
        }
    }
    if random.chance(0.3) {
        let (col, row) = (random.below(width), random.below(height));
        for row in row..(row + 8).min(height) {
            values[row * width + col..row * width + (col + 8).min(width)].fill(-1);
        }
    }
    (width, height, values)
}

/// A wall across, or along, with a door.
fn wall(random: &mut Random, (width, height): (usize, usize), breadth: f64, values: &mut [i8]) {
    let is_across = random.chance(0.5);
    let (long, short) = if is_across { (width, height) } else { (height, width) };
    let door = (breadth.ceil() as usize + random.below(5)).max(1);
    let (at, thick, begin) = (random.below(short), random.whole(1..4), random.below(long));
    for along in (0..long).filter(|along| !(begin..begin + door).contains(along)) {
        for beside in at..(at + thick).min(short) {
            let (col, row) = if is_across { (along, beside) } else { (beside, along) };
            values[row * width + col] = 100;
        }
    }
}

/// A pose to begin or to end at: mostly one where the robot stands clear, half of them in the middle of a cell with one of the
/// lattice's headings.
pub fn pose(random: &mut Random, map: &RawMap, geometry: &Geometry, judge: &Driven) -> Pose {
    if random.chance(0.05) {
        return draw::pose(random, map, geometry);
    }
    let is_exact = random.chance(0.5);
    let mut drawn = Pose::default();
    for _ in 0..if random.chance(0.1) { 1 } else { PLACES } {
        let (width, height) = map.size();
        let at = (random.below(width as usize) as f64, random.below(height as usize) as f64);
        let off = |random: &mut Random| if is_exact { 0.0 } else { random.number(-0.5, 0.5) };
        let point = geometry.to_point(CellPoint::new(at.0 + off(random), at.1 + off(random)));
        let (cols, rows) = [(1.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0)][random.below(4)];
        let heading = f64::atan2(rows, cols) + PI / 2.0 * random.below(4) as f64;
        let yaw = if is_exact { heading } else { random.number(-4.0, 4.0) };
        drawn = Pose::new(point.x, point.y, geometry.to_map_yaw(yaw));
        if judge.stands_clear(map.stand(drawn)) {
            break;
        }
    }
    drawn
}
