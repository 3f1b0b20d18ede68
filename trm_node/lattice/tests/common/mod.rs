//! Robots and worlds for the tests of fields.

use std::sync::Arc;

use trm_config::{GridConfig, MotionModel};
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::{Lattice, State};
use trm_lattice::motion::Motion;
use trm_lattice::seed::Seed;

/// A generator of random numbers (xorshift64*), so that a world follows from its seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number from `low` to `high`, both included.
    pub fn within(&mut self, low: i32, high: i32) -> i32 {
        low + (self.next() % (high - low + 1) as u64) as i32
    }
}

/// A grid of costs.
#[derive(Clone)]
pub struct World {
    pub side: i32,
    pub costs: Vec<u8>,
}

impl World {
    /// Boxes in an empty grid, each with a halo of soft costs, and a few unknown cells.
    pub fn new(side: i32, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut world = Self { side, costs: vec![0; (side * side) as usize] };
        for _ in 0..random.within(0, side * side / 250) {
            let (col, row) = (random.within(0, side), random.within(0, side));
            let (width, height) = (random.within(0, 5), random.within(0, 5));
            let cost = [100, 100, 100, 255][random.within(0, 3) as usize];
            let halo = random.within(10, 99) as u8;
            world.put(col - 3, row - 3, width + 6, height + 6, halo);
            world.put(col, row, width, height, cost);
        }
        world
    }

    pub fn put(&mut self, col: i32, row: i32, width: i32, height: i32, cost: u8) {
        for (row, col) in (row..=row + height).flat_map(|row| (col..=col + width).map(move |col| (row, col))) {
            if (0..self.side).contains(&col) && (0..self.side).contains(&row) {
                let old = &mut self.costs[(row * self.side + col) as usize];
                *old = (*old).max(cost);
            }
        }
    }

    pub fn cost(&self, cell: Cell) -> Option<u8> {
        let is_inside = (0..self.side).contains(&cell.col) && (0..self.side).contains(&cell.row);
        is_inside.then(|| self.costs[(cell.row * self.side + cell.col) as usize])
    }
}

pub fn motion(model: MotionModel, turning_radius: f64) -> Motion {
    Motion {
        model,
        turning_radius,
        allow_reverse: true,
        reverse_penalty: 2.0,
        non_straight_penalty: 1.2,
        change_penalty: 4.0,
        turning_cost: 3.0,
    }
}

/// The robots of the tests: a car off its centre, a small car, an L that turns where it stands, a long omnidirectional
/// one.
pub fn robot(at: usize, headings: Headings) -> Arc<Lattice> {
    let (footprint, motion) = match at {
        0 => ("[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]", motion(MotionModel::Car, 10.0)),
        1 => ("[[0.2, 0.1], [-0.1, 0.1], [-0.1, -0.1], [0.2, -0.1]]", motion(MotionModel::Car, 4.0)),
        2 => (
            "[[0.3, 0.2], [-0.2, 0.2], [-0.2, -0.25], [-0.05, -0.25], [-0.05, 0.05], [0.3, 0.05]]",
            motion(MotionModel::Diff, 0.0),
        ),
        _ => ("[[0.4, 0.07], [-0.4, 0.07], [-0.4, -0.07], [0.4, -0.07]]", motion(MotionModel::Omni, 0.0)),
    };
    Arc::new(Lattice::new(&footprint.parse().expect("a footprint"), 0.05, motion, headings).expect("a lattice"))
}

pub fn travel(cost_travel_multiplier: f64) -> Travel {
    Travel::new(&GridConfig { cost_travel_multiplier, allow_unknown: false, ..GridConfig::default() })
}

/// Seeds around a cell with all headings near one.
pub fn seeds(random: &mut Random, corner: Cell, size: i32, headings: i32) -> Vec<Seed> {
    let cell = Cell::new(corner.col + random.within(4, size - 5), corner.row + random.within(4, size - 5));
    let heading = random.within(0, headings - 1);
    (-2..=2)
        .flat_map(|turn| (-1..=1).flat_map(move |row| (-1..=1).map(move |col| (turn, row, col))))
        .map(|(turn, row, col): (i32, i32, i32)| Seed {
            state: State {
                cell: Cell::new(cell.col + col, cell.row + row),
                heading: (heading + turn).rem_euclid(headings) as u8,
            },
            cost: (5 * turn.abs() + 3 * row.abs() + 4 * col.abs()) as u16,
        })
        .collect()
}
